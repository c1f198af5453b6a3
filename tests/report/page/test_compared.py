"""The table of a page: headings in two rows, a search with a column per parameter, and what stands apart."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from search.core.trial import State
from search.report.formats.aligned import MINUS
from search.report.formats.render import table_markdown
from search.report.page.compared import MAX_COLUMNS, SETTINGS_CAPTION
from search.report.table.build import comparison_table
from search.space.model import Axis, Choice, Float, Grid, Search
from search.study.confirm import AXIS
from tests.report.builder import GAMMAS, key_of
from tests.report.judging import SPACE, Bench
from tests.report.page.studies import Page, levels, page_of
from tests.report.table.test_elsewhere import bench_on

SEARCH = replace(
    GAMMAS,
    axes=[Axis("lr", Float(0.001, 1, log=True)), Axis("kind", Choice(["plain", "deep"]))],
    seeds=(0,),
    search=Search("random", trials=7),
)


def table_of(text: str, caption: str = "Settings compared") -> str:
    """Return the markup of the table with this caption."""
    return next(part for part in re.findall("<table.*?</table>", text, re.DOTALL) if f"<caption>{caption}<" in part)


def cells(line: str) -> list[str]:
    """Return what is read in the cells of a line."""
    return [
        re.sub("<[^>]*>", "", cell).replace("\u200b", "") for cell in re.findall("<t[hd].*?</t[hd]>", line, re.DOTALL)
    ]


def rows(table: str) -> list[str]:
    return re.findall("<tr.*?</tr>", table, re.DOTALL)


@pytest.fixture
def searched(make):
    study = make(SEARCH)
    for i in range(7):
        values = {"lr": 0.001 * 3**i, "kind": "plain" if i % 2 else "deep"}
        study.trial(values, 0, [0.1, 0.9 - 0.1 * i], configuration=i)
    return study


class TestGrid:
    def test_columns_of_one_metric_have_a_heading_together(self, ledger):
        top, below, first, *_ = rows(table_of(page_of(levels(ledger))))
        assert cells(top) == [
            *("setting", "seeds finished", "validation accuracy (%)", "test accuracy (%)", "epochs, mean"),
            "seconds, sum",
        ]
        spans = re.findall('scope="colgroup" colspan="([0-9]+)"', top)
        named = ["mean [95\u00a0%]", "sd over seeds (points)", "difference [95\u00a0%]", "p, Holm"]
        assert cells(below) == [*named, named[0], *named[2:]]
        assert spans == ["4", "3"]
        assert sum(map(int, spans)) + top.count("rowspan") == len(cells(first))

    def test_each_cell_bears_its_heading_for_rows_that_stand_as_cards(self, ledger):
        text = table_of(page_of(levels(ledger)))
        labels = re.findall('data-label="([^"]*)"', rows(text)[2])
        assert labels[:3] == ["seeds finished", "validation accuracy (%)", "sd over seeds (points)"]
        assert all(labels)
        assert '<table class="cards">' in text

    def test_its_figures_are_those_of_every_format(self, ledger):
        study = levels(ledger, (20, 2, 38))
        shown = [cell.replace(MINUS, "-") for cell in cells(rows(table_of(page_of(study)))[3])]
        table = comparison_table(study.opened)
        assert shown[:2] == [table.lines[1].setting, "3 of 3"]
        assert re.fullmatch(r"-4\d \[-\d\d, -\d\d\]", shown[4])

    def test_shared_epochs_have_columns_and_a_note_only_where_some_are_shared(self, make):
        apart = make()
        apart.trial({"gamma": 0}, 0, [0.1, 0.2])
        apart.trial({"gamma": 2}, 0, [0.1, 0.3])
        assert not comparison_table(apart.opened).shares
        assert not re.search("distinct|alone", table_markdown(comparison_table(apart.opened)))
        text = page_of(apart)
        assert not re.search("epochs alone|distinct epochs<|distinct: trials", text.split("<script")[0])
        assert "epochs of all trials" in text
        shared = make(name="shared")
        for gamma in (0, 2):
            shared.trial({"gamma": gamma}, 0, [0.1, 0.2], keys=[key_of("trunk"), key_of(gamma)])
        assert comparison_table(shared.opened).shares
        assert "epochs alone |   distinct epochs" in table_markdown(comparison_table(shared.opened))
        text = page_of(shared)
        assert all(
            f">{words}<" in text for words in ("epochs alone", "distinct epochs", "epochs alone, distinct epochs")
        )


class TestSearch:
    def test_a_column_for_each_parameter_best_first(self, searched):
        top, below, *lines = rows(table_of(page_of(searched)))
        assert cells(top)[:3] == ["configuration", "validation accuracy (%)", "settings"]
        assert cells(below) == ["lr", "kind"]
        assert [cells(line)[2:4] for line in lines[:3]] == [["0.001", "deep"], ["0.003", "plain"], ["0.009", "deep"]]
        assert [cells(line)[0].partition(" ")[0] for line in lines] == list("0123456")

    def test_optimism_is_marked_on_the_row_of_the_winner(self, searched):
        lines = rows(table_of(page_of(searched)))[2:]
        assert cells(lines[0])[0] == "0 best of 7, optimistic"
        assert [line for line in lines if "optimistic" in line] == lines[:1]

    def test_what_is_as_in_the_best_is_quiet(self, searched):
        lines = rows(table_of(page_of(searched)))[2:]
        kinds = [re.search('<td class="([a-z ]*)"[^>]*>(deep|plain)', line) for line in lines]
        quiet = [bool(found and "quiet" in found[1]) for found in kinds]
        assert quiet == [False, False, True, False, True, False, True]
        assert "Grey: as in the best configuration." in Page(page_of(searched)).text

    def test_it_is_a_plain_table_that_a_script_makes_sortable(self, searched):
        text = page_of(searched)
        assert '<table class="sortable">' in text
        assert "<button" not in text.split("<script")[0]
        assert " hidden" not in table_of(text)

    def test_a_pruned_setting_keeps_its_mark(self, make):
        study = make(SEARCH)
        study.trial({"lr": 0.1, "kind": "plain"}, 0, [0.1, 0.5], configuration=0)
        study.trial({"lr": 0.2, "kind": "deep"}, 0, [0.1], State.PRUNED, configuration=1)
        lines = rows(table_of(page_of(study)))[2:]
        assert cells(lines[1])[1] == "10.00 †"
        assert cells(lines[1])[-1] == "1 pruned"


class TestConfirmStage:
    def stage(self, ledger, settings):
        options = {
            name: {f"room.setting_{place}": place + shift for place in range(settings)}
            for shift, name in enumerate(("baseline", "best 1"))
        }
        axis = Axis(AXIS, Grid([*options], options))
        report = replace(SPACE.report, rows=AXIS, baseline="baseline")
        bench = Bench(ledger, replace(SPACE, name=f"wide{settings} (confirm)", axes=[axis], report=report))
        for name in options:
            for seed in bench.space.seeds:
                bench.run({AXIS: name}, seed, np.arange(40) < 20 + seed, np.arange(30) < 15)
        return page_of(bench)

    def test_few_settings_stand_in_the_table(self, ledger):
        text = self.stage(ledger, 2)
        top, below, *_ = rows(table_of(text))
        assert "settings" in cells(top)
        assert cells(below)[-2:] == ["room.setting_0", "room.setting_1"]
        assert SETTINGS_CAPTION not in text

    def test_many_settings_stand_below_it_so_that_both_fit(self, ledger):
        text = self.stage(ledger, 9)
        top, _, first, *_ = rows(table_of(text))
        assert "settings" not in cells(top)
        assert len(cells(first)) <= MAX_COLUMNS
        head, *lines = rows(table_of(text, SETTINGS_CAPTION))
        assert cells(head) == ["candidate", *(f"room.setting_{place}" for place in range(9))]
        assert [cells(line)[:3] for line in lines] == [["baseline", "0", "1"], ["best 1", "1", "2"]]


class TestElsewhere:
    def test_figures_of_other_data_have_a_section_that_says_what_they_belong_to(self, ledger):
        text = page_of(bench_on(ledger, "tulips"))
        page = Page(text)
        assert (2, "elsewhere", "Published for roses, not for tulips") in page.headings
        assert "elsewhere" not in {name for _, name, _ in Page(page_of(levels(ledger, space=SPACE_OF_OTHERS))).headings}
        apart = table_of(text, "accuracy on 137 images, as printed")
        assert [cells(line) for line in rows(apart)[1:]] == [["gamma=0", "54.01%"], ["gamma=2", "60.58%"]]
        assert "It says nothing of tulips, and nothing of it is judged here." in page.text
        assert "judges them as claims about tulips." in page.text
        assert page.text.count("60.58%") == 1
        assert "Claims" not in [words for _, _, words in page.headings]


SPACE_OF_OTHERS = replace(SPACE, name="without published figures")
