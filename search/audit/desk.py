"""What the checks of one file share: its figures, read digit by digit, and the findings so far."""

from __future__ import annotations

from collections.abc import Mapping

from search.audit.addresses import Addresses
from search.audit.findings import Finding
from search.audit.grim import Figure, counts, table
from search.space.figures import counts_images
from search.space.model import Grid, Published, Space
from search.space.nodes import printable


class Desk:
    """One file under audit.

    Attributes:
        space: the file, read.
        published: its published figures.
        figures: row -> readings of its figure; empty where the table is of something else than accuracy.
        truncated: the figures were cut instead of rounded; set by the check of the table.
        findings: what was found so far.
    """

    def __init__(self, space: Space, published: Published) -> None:
        self.space, self.published = space, published
        self.figures: Mapping[str, tuple[Figure, ...]] = table(published.values) if self.is_accuracy else {}
        self.truncated = False
        self.findings: list[Finding] = []
        self._addresses = Addresses(space.file)
        domains = [axis.domain for axis in space.axes if (axis.name,) == space.report.row_axes]
        named = any(isinstance(domain, Grid) and domain.options for domain in domains)
        self._whole = named or len(space.report.row_axes) > 1

    @property
    def is_accuracy(self) -> bool:
        """Whether the figures count images that were right: nothing else has to be a number of images out of n."""
        return counts_images(self.published.metric)

    def row(self, name: str) -> str:
        """Return what a row is called in a sentence: the name of its option, or ``axis=value`` of each of its axes."""
        return printable(name if self._whole else f"{self.space.report.rows}={name}")

    def printed(self, name: str) -> str:
        """Return a row's figure with the row, for a sentence."""
        return f"{printable(self.published.values[name])} ({self.row(name)})"

    def counts(self, name: str) -> range | None:
        """Return the numbers of images a figure may stand for in one run; None where there are none or two meanings."""
        n = self.published.n
        if n is None or self.published.runs > 1:
            return None
        figures = self.figures.get(name, ())
        found = [meant for figure in figures if (meant := counts(figure, n, truncated=self.truncated))]
        return found[0] if len(found) == 1 else None

    def flaw(self, sentence: str, *names: str) -> None:
        """Add what cannot be, at an entry below ``report.published``."""
        self.findings.append(Finding("flaw", *self._addresses.of(*names), sentence))

    def note(self, sentence: str, *names: str) -> None:
        """Add what a reader should know, at an entry below ``report.published``."""
        self.findings.append(Finding("note", *self._addresses.of(*names), sentence))
