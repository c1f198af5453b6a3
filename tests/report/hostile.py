"""Text that markup, spreadsheets and typesetters trip over, in every place a space file allows text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from search.core.trial import State
from search.space.model import Axis, Grid, Published, Report
from tests.report.builder import GAMMAS, SPACE_TEXT

TEXTS = [
    "<script>alert('1')</script>",
    "=cmd()|'/C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "50 % of a_b & {c} $x$ #1 ~ ^",
    "a|b",
    r"\input{/etc/passwd} \\ \end{document}",
    "[2ex] *",
    "👩‍🔬 rocket 🚀",
    "עברית and العربية",
    "焦点",
    "naïve Ångström, Łódź, ő š ç",
    "``quoted'' -- ,,ligatures,, <<here>> ?` !`",
    "_x0041_",
    "#N/A",
    "null",
    'a "b" & &amp; <b',
]


def hostile_study(make: Any) -> Any:
    """Return a study whose title, axis, values, labels, source and endings are `TEXTS`."""
    values = list(dict.fromkeys(TEXTS))
    labels = {text: f"label {text}" if index % 2 else text for index, text in enumerate(values)}
    published = Published(f"paper {TEXTS[0]} {TEXTS[7]}", n=4, values={values[0]: "54.01%", values[1]: "=1"})
    report = Report(rows="=axis_%|<b>", labels=labels, published=published)
    axes = [Axis("=axis_%|<b>", Grid(values))]
    study = make(
        replace(GAMMAS, axes=axes, report=report, title=" ".join(TEXTS), seeds=(0, 1)),
        text=SPACE_TEXT + f"# {TEXTS!r}\n",
    )
    for number, text in enumerate(values):
        for seed in range(2):
            state = State.PRUNED if number % 5 == 4 else State.FINISHED
            value = -0.25 if number == 0 else 0.5 + 0.1 * seed + number / 100
            study.trial({"=axis_%|<b>": text}, seed, [value], state, configuration=number, ended_by=text, error=text)
    return study
