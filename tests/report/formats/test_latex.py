"""LaTeX: escaping, layout, and files that pdfLaTeX compiles alone and within another document."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.formats.columns import table_sheet
from search.report.formats.latex import MAX_FLOAT_LINES, latex_table
from search.report.formats.latex_text import _ACCENTS, _SIGNS, latex_text
from search.report.formats.sheet import Column, Entry, Sheet
from search.report.results import export
from search.report.table.build import comparison_table
from search.space.model import Axis, Grid
from tests.report.builder import GAMMAS, full
from tests.report.hostile import hostile_study
from tests.surroundings import HANG_S

PDFLATEX = shutil.which("pdflatex")
needs_pdflatex = pytest.mark.skipif(PDFLATEX is None, reason="pdflatex is not installed")
WITHIN = r"""\documentclass{article}
\usepackage{booktabs,longtable}
\begin{document}
Before. \input{table.tex} Behind.
\end{document}
"""


def sheet_of(*texts: str, kind: str = "text", bold: bool = False) -> Sheet:
    return Sheet("title", [Column("head", kind, [Entry(text, bold) for text in texts])])


def compiled(folder: Path, name: str) -> str:
    """Compile a file, twice where a longtable asks for it; return the log."""
    assert PDFLATEX
    command = [PDFLATEX, "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", name]
    for _ in range(2 if r"\begin{longtable}" in (folder / "table.tex").read_text() else 1):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=HANG_S)
        assert done.returncode == 0, done.stdout[-2000:]
    return re.sub(r"\n(?=\S)", "", (folder / name).with_suffix(".log").read_text(errors="replace"))


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("50 % of a_b & {c} #1", r"50 \% of a\_b \& \{c\} \#1"),
        ("$x$ ~ ^", r"\$x\$ \textasciitilde{} \textasciicircum{}"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("[2ex] *", "{[}2ex{]} {*}"),
        ("a-b--c,,''", "a-b-{}-c,{},'{}'"),
        ("<script>", r"\textless{}script\textgreater{}"),
        ("a|b", r"a\textbar{}b"),
        ("Łódź Ångström ı", r"\L{}\'{o}d\'{z} \AA{}ngstr\"{o}m \i{}"),
        ("e\u0301", r"\'{e}"),
        ("56.4 † ‡", r"56.4 \dag{} \ddag{}"),
        ("γ ≤ 2²", r"$\gamma$ $\le$ 2$^{2}$"),
        ("a 🚀 b", r"a {[}U+1F680{]} b"),
        ("焦点!", r"{[}U+7126 U+70B9{]}!"),
        ("a\u0332", r"{[}U+0061 U+0332{]}"),
        ("ę", r"{[}U+0119{]}"),
        ("a\nb\x1b\u202ec", r"a b{[}U+FFFD U+FFFD{]}c"),
        ("", ""),
    ],
)
def test_text(text, drawn):
    assert latex_text(text) == drawn


@given(st.text())
def test_any_text_is_ascii_on_one_line_and_balanced(text):
    drawn = latex_text(text)
    assert drawn.isascii()
    assert len(drawn.splitlines()) <= 1
    bare = re.sub(r"\\.", "", drawn)
    assert not set(bare) & set("%&#_")
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0


def test_a_float_of_the_comparison_table(focal):
    text = latex_table(table_sheet(comparison_table(focal.opened)))
    assert r"\begin{tabular}{@{}lrrrrrr@{}}" in text
    assert r"gamma=0 & 3 of 3 & 56.4 & 3.0 & 43.2 & 3 & 2.2 \tabularnewline" in text
    assert r"\begin{tabular}[b]{@{}r@{}}val\_accuracy,\\mean (\%)\end{tabular}" in text
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"\caption{Focal loss}" in text
    assert "at the epoch that each run chose on validation" in text
    assert "U+1F600" not in text


def test_more_lines_than_a_page_are_a_longtable():
    assert r"\begin{table}" in latex_table(sheet_of(*["a"] * MAX_FLOAT_LINES))
    text = latex_table(sheet_of(*["a"] * (MAX_FLOAT_LINES + 1)))
    assert r"\begin{longtable}{@{}l@{}}" in text
    assert r"\usepackage{booktabs,longtable}" in text


def test_many_notes_make_a_longtable_too():
    sheet = sheet_of(*["a"] * 20)
    assert r"\begin{table}" in latex_table(replace(sheet, notes=["short"] * 20))
    assert r"\begin{longtable}" in latex_table(replace(sheet, notes=["long " * 100] * 20))


@needs_pdflatex
def test_a_long_word_in_a_note_or_a_title_is_broken(tmp_path):
    words = ["x" * 300, r"\_%$" * 60]
    (tmp_path / "table.tex").write_text(latex_table(Sheet(" ".join(words), sheet_of("a").columns, words)))
    assert "Overfull" not in compiled(tmp_path, "table.tex")


def test_numbers_have_a_minus_and_bold_is_bold():
    assert "\n$-$0.5 " in latex_table(sheet_of("-0.5", kind="number"))
    assert "\n{[}$-$2.1, 0.4{]} " in latex_table(sheet_of("[-2.1, 0.4]", kind="number"))
    assert "\n1e-05 " in latex_table(sheet_of("1e-05", kind="number"))
    assert "\n-x " in latex_table(sheet_of("-x"))
    assert "\n\\textbf{1.5} " in latex_table(sheet_of("1.5", kind="number", bold=True))


def test_what_is_replaced_is_said():
    assert r"{[}U+1F600{]} and the like stand for characters" in latex_table(sheet_of("🚀"))
    assert "and the like" not in latex_table(sheet_of("plain"))


def test_a_wide_table_gets_wider_paper():
    columns = [Column(f"column {number}", "number", [Entry("0.123456")]) for number in range(40)]
    width = [int(re.search(r"paperwidth=(\d+)mm", latex_table(Sheet("t", columns[:n])))[1]) for n in (2, 12, 40)]
    assert width[0] == 210
    assert width == sorted(set(width))


@needs_pdflatex
@pytest.mark.slow
def test_every_sign_and_accent_compiles(tmp_path):
    letters = [chr(code) for code in range(0x20, 0x180)]
    accents = [f"{base}{accent}" for accent in _ACCENTS for base in "aeiouAEIOUcgzj"]
    texts = [*_SIGNS, *accents, *("".join(letters[start : start + 16]) for start in range(0, len(letters), 16))]
    Path(tmp_path / "table.tex").write_text(latex_table(Sheet(" ".join(_SIGNS), sheet_of(*texts).columns, texts[-5:])))
    (tmp_path / "within.tex").write_text(WITHIN)
    for name in ("table.tex", "within.tex"):
        log = compiled(tmp_path, name)
        assert "Missing character" not in log
        assert "LaTeX Font Warning" not in log


@needs_pdflatex
def test_a_hostile_table_compiles(make, tmp_path):
    path = export(hostile_study(make).opened, "table", "tex", tmp_path / "table.tex")
    log = compiled(tmp_path, path.name)
    assert "Missing character" not in log
    assert "Overfull \\hbox" not in log


@needs_pdflatex
@pytest.mark.slow
@pytest.mark.parametrize("what", ["table", "trials", "decisions", "predictions"])
def test_every_hostile_export_compiles_alone_and_within(what, make, tmp_path):
    export(hostile_study(make).opened, what, "tex", tmp_path / "table.tex")
    (tmp_path / "within.tex").write_text(WITHIN)
    for name in ("table.tex", "within.tex"):
        log = compiled(tmp_path, name)
        assert "Missing character" not in log
        assert "passwd" not in log


@needs_pdflatex
@pytest.mark.slow
@pytest.mark.parametrize("what", ["table", "trials", "epochs"])
@pytest.mark.parametrize("axes", [1, 12])
def test_an_ordinary_table_fits_its_page(what, axes, make, tmp_path):
    study = make(replace(GAMMAS, axes=[Axis(f"axis{n}", Grid([0.123456789])) for n in range(axes)]))
    for seed in range(3):
        study.trial({f"axis{n}": 0.123456789 for n in range(axes)}, seed, [1 / 3] * 3, metrics=full)
    export(study.opened, what, "tex", tmp_path / "table.tex")
    assert "Overfull" not in compiled(tmp_path, "table.tex")


@needs_pdflatex
@pytest.mark.parametrize("what", ["table", "trials"])
def test_an_empty_table_compiles(what, make, tmp_path):
    compiled(tmp_path, export(make().opened, what, "tex", tmp_path / "table.tex").name)
