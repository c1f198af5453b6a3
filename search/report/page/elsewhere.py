"""What was published about other data than a study's: it stands apart, and nothing of it is judged."""

from __future__ import annotations

from search.report.formats.markup import Markup, element, joined, sentence, table
from search.report.table.model import Elsewhere


def published_elsewhere(apart: Elsewhere | None) -> Markup:
    """Return figures and claims of other data, to stand under `Elsewhere.heading`; nothing where there are none."""
    if apart is None:
        return Markup("")
    source = f" by {apart.source}" if apart.source else ""
    images = f" on {apart.n:,} images" if apart.n else ""
    said = (
        f"What was found{source} belongs to {apart.data}. It says nothing of {apart.here}, and nothing of it is judged "
        "here."
    )
    parts = [element("p", sentence(said))]
    if apart.figures:
        parts.append(
            table(f"{apart.metric}{images}, as printed", ("setting", "published"), apart.figures, numbers=(1,))
        )
    if apart.claims:
        parts.append(element("h3", f"Claimed of {apart.data}"))
        parts.append(element("ul", *(element("li", sentence(claim)) for claim in apart.claims)))
        option = element("code", "--set report.published=null")
        parts.append(element("p", option, sentence(f" judges them as claims about {apart.here}."), class_="quiet"))
    return joined(parts)
