"""The study in hand: where it is, what is on record of it, its space, and its confirm stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from search.ledger.ledger import Ledger, StudyRecord
from search.space.model import Space, confirm_name


@dataclass(frozen=True, eq=False)
class OpenStudy:
    """One study of a ledger, opened to be read or to be run.

    Attributes:
        ledger: where it is.
        record: what is on record of it, as it was when the study was opened.
        given: the space a run was started with; by default the one on record counts.
    """

    ledger: Ledger
    record: StudyRecord
    given: Space | None = field(default=None, repr=False)

    @cached_property
    def space(self) -> Space:
        """Its space, read once.

        Raises:
            InternalError: the space on record cannot be read.
        """
        if self.given is not None:
            return self.given
        from search.space.recorded import rebuild  # the reader of space files, which a list of studies does not need

        return rebuild(self.record.space, self.record.name)

    def confirm_stage(self) -> OpenStudy | None:
        """Return its confirm stage, the last revision; None where there is none."""
        stages = self.ledger.studies(confirm_name(self.record.name))
        return OpenStudy(self.ledger, stages[-1]) if stages else None
