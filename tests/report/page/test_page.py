"""The page read back with a parser: structure, what it may load, hostile text, facts, and its weight."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from dataclasses import replace
from importlib import resources
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs

from search.core.trial import State
from search.ledger.ledger import Ledger
from search.report import design
from search.report.figures.study import figures_of
from search.report.formats.markup import Markup, element, escaped, sentence
from search.report.page import drawn
from search.report.page.page import MAX_PAGE_BYTES
from search.report.results import write_results
from search.report.table.build import comparison_of
from search.report.text import one_line
from search.space.model import Axis, Float, Grid, Report, Search
from tests.report.builder import GAMMAS, Study
from tests.report.hostile import TEXTS, hostile_study
from tests.report.judging import SPACE, Bench
from tests.report.page.studies import Page, levels, page_of

CLAIMS: Any = ({"best": 2}, {"better": [0, 2]}, {"better": [1, 0]})
ADDRESSES = ("src", "href", "data", "srcset", "action", "poster", "background", "formaction", "xlink:href")
LOADERS = {"link", "img", "iframe", "object", "embed", "base", "form", "input", "video", "audio", "source", "portal"}
KNOWN = """html head meta title style body a header h1 h2 h3 p nav ol li main section div table caption thead tbody tr
th td ul figure figcaption dl dt dd pre code details summary footer script strong span"""
SECTIONS = ["Answer", "Table", "Claims", "Findings", "Figures", "Cost", "Conditions", "Do it again", "Words"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of every kind of study, the first one with figures."""
    ledger = Ledger(str(tmp_path_factory.mktemp("pages") / "search.db"))
    search = replace(SPACE, name="search", axes=[Axis("gamma", Float(0, 2))], search=Search("tpe", trials=3))
    made = [
        levels(ledger, claims=CLAIMS),
        hostile_study(lambda *args, **more: Study(ledger, *args, **more)),
        Bench(ledger, replace(SPACE, name="empty")),
        levels(ledger, seeds=(0,), space=replace(SPACE, name="one seed")),
        levels(ledger, space=search, has_baseline=False, baseline=None),
    ]
    yield [page_of(study) for study in made]
    ledger.close()


@pytest.fixture(scope="module")
def hostile(pages):
    return pages[1]


TEXT = "workload: toy\nfixed: {epochs: 2}\nspace: {gamma: {grid: [0, 1, 2]}}\nseeds: 3\nreport: {baseline: 0}\n"
"""The space file of a confirm stage."""


class TestStructure:
    @pytest.mark.slow
    def test_headings_are_in_order_and_ids_unique(self, pages):
        for text in pages:
            page = Page(text)
            ranks = [level for level, _, _ in page.headings]
            assert ranks[0] == 1
            assert ranks.count(1) == 1
            assert all(after - before <= 1 for before, after in pairwise(ranks))
            assert all(words.strip() for _, _, words in page.headings)
            ids = [about["id"] for _, about in page.tags if "id" in about]
            assert len(ids) == len(set(ids))

    def test_landmarks_language_and_names(self, pages):
        for text in pages:
            page = Page(text)
            assert text.startswith("<!DOCTYPE html>\n")
            assert page.named("html") == [{"lang": "en"}]
            assert [len(page.named(tag)) for tag in ("header", "nav", "main", "footer", "title")] == [1] * 5
            ids = {about["id"] for _, about in page.tags if "id" in about}
            for _, about in page.tags:
                for name in ("aria-labelledby", "aria-describedby"):
                    assert name not in about or about[name] in ids
            assert all(about.get("aria-label") for _, about in page.tags if about.get("role"))
            first = next(about for tag, about in page.tags if tag == "a")
            assert first == {"class": "skip", "href": "#main"}

    def test_links_lead_somewhere_on_the_page(self, pages):
        for text in pages:
            page = Page(text)
            ids = {about["id"] for _, about in page.tags if "id" in about}
            targets = [str(about["href"]) for about in page.named("a")]
            assert len(targets) > 5
            assert {target.removeprefix("#") for target in targets} <= ids

    def test_tables_have_a_caption_and_scopes(self, pages):
        for text in pages:
            page = Page(text)
            assert len(page.named("caption")) == len(page.named("table")) > 0
            assert {about.get("scope") for about in page.named("th")} <= {"col", "row", "colgroup"}
        assert "Settings compared" in Page(pages[0]).text

    def test_what_is_wide_scrolls_in_a_box_that_the_keyboard_reaches(self, pages):
        for text in pages:
            page = Page(text)
            boxes = [about for _, about in page.tags if about.get("class") == "wide"]
            plots = [about for _, about in page.tags if about.get("class") == "plot"]
            assert len(boxes) == len(page.named("table")) + len(plots)
            assert all(about["tabindex"] == "0" for about in [*boxes, *page.named("pre")])

    def test_every_figure_has_an_alt_text_that_is_read_without_scripts_too(self, pages):
        page = Page(pages[0])
        plots = [about for _, about in page.tags if about.get("class") == "plot"]
        assert len(plots) == len(page.named("figcaption")) >= 3
        for about in plots:
            assert about["role"] == "img"
            assert len(str(about["aria-label"])) > 30
            assert any("figcaption" in tags and words == about["aria-label"] for tags, words in page.texts)

    def test_sections_and_their_contents(self, pages):
        page = Page(pages[0])
        assert [words for level, _, words in page.headings if level == 2] == SECTIONS
        assert page.headings[0][2] == "Judged"


class TestNothingIsFetched:
    def test_no_tag_loads_anything(self, pages):
        for text in pages:
            page = Page(text)
            assert not {tag for tag, _ in page.tags} & LOADERS
            loads = [about[name] for tag, about in page.tags for name in ADDRESSES if name in about and tag != "a"]
            assert loads == []
            assert not any(name.startswith("on") for _, about in page.tags for name in about)
            styles = "".join(re.findall("<style>(.*?)</style>", text, re.DOTALL))
            assert "url(" not in styles
            assert "@import" not in styles

    def test_the_policy_allows_these_two_scripts_and_nothing_else(self, pages):
        page = Page(pages[0])
        policy = str(next(about["content"] for about in page.named("meta") if "http-equiv" in about))
        runs = [content for about, content in page.scripts if about.get("type") in (None, "text/plain")]
        assert len(runs) == 2
        hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in runs]
        assert policy.startswith("default-src 'none'; script-src ")
        assert sorted(re.findall("'sha256-[^']+'", policy)) == sorted(hashes)
        assert "unsafe-eval" not in policy
        assert "script-src 'unsafe-inline'" not in policy
        assert "http" not in policy

    def test_the_library_is_there_once_and_only_with_figures(self, ledger, pages):
        assert pages[0].count("* plotly.js v") == 1
        empty = page_of(Bench(ledger, replace(SPACE, name="nothing yet")))
        assert "<script" not in empty
        assert "script-src" not in empty
        assert len(empty) < 30_000


class TestHostileText:
    def test_it_is_read_as_it_stands_and_nothing_else_is_made_of_it(self, hostile):
        page = Page(hostile)
        assert {tag for tag, _ in page.tags} <= set(KNOWN.split())
        runs = "".join(content for about, content in page.scripts if about.get("type") != "application/json")
        assert "alert('1')" not in runs
        rows = [words for tags, words in page.texts if "tbody" in tags and tags[-1] == "th"]
        assert [one_line(text if i % 2 == 0 else f"label {text}") in rows for i, text in enumerate(TEXTS)] == [
            True
        ] * 20
        assert one_line(" ".join(TEXTS)) == page.headings[0][2]
        assert any(about.get("dir") == "auto" for tag, about in page.tags if tag == "h1")
        assert any(about.get("dir") == "auto" for tag, about in page.tags if tag == "th")

    def test_a_figures_data_cannot_end_its_script(self, hostile):
        found = described(Page(hostile))
        assert found
        for content in found:
            assert set(json.loads(content)) >= {"data", "layout"}
            assert not set("<>&\u2028\u2029") & set(content)

    @given(st.text(), st.text())
    def test_any_text_is_shown_as_it_is(self, text, attribute):
        made = element("p", text, title=attribute)
        page = Page(str(made))
        assert [tag for tag, _ in page.tags] == ["p"]
        assert escaped(page.text) == escaped(text)
        assert escaped(str(page.tags[0][1]["title"])) == escaped(attribute)

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("שלום -3.3 [-12.8, +6.2]", "\u2068שלום\u2069 -3.3 [-12.8, +6.2]"),
            ("a=עברית و العربية, 2", "a=\u2068עברית و العربية\u2069, 2"),
            ("עברית 12 עברית", "\u2068עברית\u2069 12 \u2068עברית\u2069"),
            ("a & <b>", "a &amp; &lt;b&gt;"),
            ("ש&ש", "\u2068ש\u2069&amp;\u2068ש\u2069"),
        ],
    )
    def test_in_a_sentence_what_runs_from_right_to_left_stands_apart(self, text, shown):
        assert sentence(text) == shown

    def test_markup_is_not_escaped_twice(self):
        assert element("p", element("b", "a & b"), " <i>") == "<p><b>a &amp; b</b> &lt;i&gt;</p>"
        assert isinstance(element("p"), Markup)
        assert element("pre", "a\nb\x1b", lines=True, tabindex="0", hidden=False, open=True) == (
            '<pre tabindex="0" open>a\nb\ufffd</pre>'
        )


class TestWhatItSays:
    def test_answer_claims_and_bold(self, pages):
        page = Page(pages[0])
        assert "Better than gamma=0: gamma=2 (+45 points" in page.text
        assert "3 claims: 1 supported, 1 contradicted, 1 undecided." in page.text
        verdicts = re.findall('<span class="verdict verdict-[a-z]+">([^<]+)<', pages[0])
        assert verdicts == ["Supported", "Contradicted", "Undecided", "Note"]  # of a finding: the best is at the edge
        bold = [line for line in re.findall("<tr>.*?</tr>", pages[0]) if "<strong>" in line]
        assert len(bold) == 1
        assert ">gamma=2</th>" in bold[0]
        assert not [words for tags, words in page.texts if tags[-1] == "li" and words.startswith("Claim:")]

    def test_one_seed_is_said_above_the_table(self, pages):
        page = Page(pages[3])
        assert "One run per setting: a rerun may reverse any of these" in page.text

    def test_an_unfinished_study_says_so(self, make):
        study = make()
        study.trial({"gamma": 0}, 0, [0.5, 0.6, 0.7])
        study.trial({"gamma": 0}, 1, [0.5], State.RUNNING)
        study.trial({"gamma": 2}, 0, [], State.FAILED, error="<b>boom</b>")
        assert "The study is not complete: 1 running, 1 finished, 1 failed." in Page(page_of(study)).text

    @pytest.mark.slow
    def test_seeds_added_after_a_look_are_said(self, ledger):
        bench = levels(ledger)
        with ledger.step(bench.record.id) as step:
            step.log("look", seeds=2)
        said = "Seeds were added after a look at the table, which was not planned: p values are too small."
        assert said in Page(page_of(bench)).text
        assert said not in Page(page_of(bench.reported(looks=2))).text

    def test_options_and_common_settings_are_told(self, make):
        options = {"none": {}, "step": {"decay.factor": 0.123456, "decay.start": 5}}
        report = Report(rows="decay", labels={"step": "by <steps>"})
        space = replace(GAMMAS, axes=[Axis("decay", Grid(list(options), options))], report=report)
        study = make(replace(space, fixed={"epochs": 3, "loss": "focal"}))
        study.trial({"decay": "step"}, 0, [0.5])
        page = Page(page_of(study))
        facts = [words for tags, words in page.texts if tags[-1] in ("dt", "dd", "h3")]
        start = facts.index("What the options of decay stand for")
        assert facts[start + 1 : start + 5] == [
            *("decay=none", "nothing that is not the default"),
            *("by <steps>", "decay.factor=0.1235, decay.start=5"),
        ]
        start = facts.index("Settings of all runs")
        assert facts[start + 1 : start + 5] == ["epochs", "3", "loss", "focal"]

    @pytest.mark.slow
    def test_long_names_are_numbered_and_it_is_said(self, make):
        study = make(replace(GAMMAS, axes=[Axis("name", Grid(["x" * 60, "y" * 60]))]))
        for number, letter in enumerate("xy"):
            study.trial({"name": letter * 60}, 0, [0.1, 0.2, 0.3 + number / 10], configuration=number)
        page = Page(page_of(study))
        assert "configuration 1 (1 of 3 seeds) 40.00" in page.text
        assert drawn.NUMBERED in page.text
        assert drawn.NUMBERED not in Page(page_of(levels(study.ledger))).text

    def test_cost_counts_shared_epochs_once(self, make):
        study = make()
        keys = ["aa" * 20, "bb" * 20, "cc" * 20]
        study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3], keys=keys, seconds=2)
        study.trial({"gamma": 2}, 0, [0.1, 0.2, 0.4], keys=[*keys[:2], "dd" * 20], reused=[1, 2], seconds=2)
        study.trial({"gamma": 0.5}, 0, [0.1, 0.2], keys=keys, reused=[1, 2], seconds=2)
        page = Page(page_of(study))
        rows = [words for tags, words in page.texts if "tr" in tags and words.strip()]
        start = rows.index("every trial trained alone, to where it ended")
        assert rows[start : rows.index("1", start)] == [
            *("every trial trained alone, to where it ended", "8"),
            *("distinct: trials that begin alike share their epochs", "4", "8.0"),
            *("trained by this study", "4", "8.0"),
            *("reused: on record before, from this or another study", "0"),
            *("run", "study", "began (UTC)", "seconds", "ended"),
        ]
        assert "1 of 3 trials needed no training of their own." in page.text

    def test_conditions_and_the_command(self, make):
        study = make()
        about = {
            "commit": "0123abc+changes",
            "python": "3.11.9",
            "versions": {"torch": "2.15"},
            "hardware": {"host": "secret", "processor": "A <CPU>", "cores": 2, "memory_gib": 8.0, "system": "Linux"},
            "workers": 2,
            "cpus_per_trial": 1,
            "gpus_per_trial": 1.0,
            "gpu_sharing": {"trials_per_gpu": 2, "said": "2 trials at once train 1.50 times as much"},
        }
        study.run = study.ledger.begin_run(study.record.id, about)
        study.ledger.end_run(study.run, "done", 12.5)
        study.trial({"gamma": 0}, 0, [0.5])
        page = Page(page_of(study))
        known = ("0123abc+changes", "3.11.9", "torch 2.15", "A <CPU>", "2 cores, 8.0 GiB", "machine=x86_64", "cafe")
        assert [words in page.text for words in (*known, "4 validation, 2 test", "2 images twice")] == [True] * 9
        workers = "2, each with 1 CPU thread, 1.0 GPUs; 2 trials at once train 1.50 times as much"
        assert workers in page.text
        assert "secret" not in page.text
        commands = next(words for tags, words in page.texts if tags[-2:] == ("pre", "code"))
        assert commands == "git checkout 0123abc\npython -m search run space.yaml --results again"
        assert "The installation had changes that are in no commit." in page.text
        assert [words for tags, words in page.texts if tags[-3:] == ("details", "pre", "code")] == [study.record.space]
        assert "this study ran for 12.5 seconds, without 1 run that did not end." in page.text

    @pytest.mark.slow
    def test_the_confirm_stage_is_led_to(self, ledger):
        search = replace(SPACE, name="a/b", axes=[Axis("gamma", Float(0, 2))], search=Search("random", trials=3))
        bench = levels(ledger, space=search, has_baseline=False, baseline=None)
        assert "/report.html" not in page_of(bench).split('id="plotly"')[0]
        again = Bench(ledger, replace(SPACE, name="a/b (confirm)"))
        ledger.update_study(again.record.id, space=f"name: ab\n{TEXT}")
        (link,) = [about["href"] for about in Page(page_of(bench)).named("a") if str(about["href"]).startswith("..")]
        assert re.fullmatch(r"\.\./a_b%20%28confirm%29~[0-9a-f]{16}/report\.html", str(link))

    def test_what_the_confirm_stage_found_is_told(self, ledger):
        search = replace(SPACE, name="s", axes=[Axis("gamma", Float(0, 2))], search=Search("random", trials=3))
        bench = levels(ledger, space=search, has_baseline=False, baseline=None)
        again = levels(ledger, space=replace(SPACE, name="s (confirm)"))
        ledger.update_study(again.record.id, space=TEXT)
        assert "The answer of that confirm stage: Better than gamma=0: gamma=2 (+" in Page(page_of(bench)).text


class TestWeight:
    def test_large_figures_give_way_and_are_named(self, focal):
        made = figures_of(comparison_of(focal.opened))
        whole = drawn.figures(made, "focal", "", 10**8)
        sizes = [len(content.encode()) for content in described(Page(f"<i>{whole.scripts}</i>"))]
        rest = len(get_plotlyjs().encode()) + len(
            resources.files("search.report.page").joinpath("page.js").read_bytes()
        )
        less = drawn.figures(made, "focal", "", rest + sum(sizes) - 1)
        assert len(described(Page(f"<i>{less.scripts}</i>"))) == len(sizes) - 1
        largest = list(whole.pieces)[sizes.index(max(sizes))]
        left_out = Page(f"<i>{less.pieces[largest]}</i>")
        assert "Too large for this page; " in left_out.text
        assert "python -m search visualize 'focal' --study" in left_out.text
        assert not left_out.named("details"), "its sentence stands for it"
        assert {name for name in whole.pieces if whole.pieces[name] != less.pieces[name]} == {largest}

    def test_a_page_keeps_its_weight(self, focal, monkeypatch):
        monkeypatch.setattr("search.report.page.page.MAX_PAGE_BYTES", 100_000)
        text = page_of(focal)
        assert len(text) < 100_000
        assert "<script" not in text

    def test_a_long_table_is_cut_and_says_so(self, focal, monkeypatch):
        monkeypatch.setattr("search.report.page.compared.MAX_TABLE_LINES", 2)
        page = Page(page_of(focal))
        assert "The first 2 lines are shown; table.csv beside this page has the other 1." in page.text
        assert len([words for tags, words in page.texts if tags[-1:] == ("th",) and words.startswith("gamma=")]) == 2

    @pytest.mark.slow
    def test_written_with_the_results_in_time_and_the_same_twice(self, ledger, tmp_path):
        bench = levels(ledger, claims=CLAIMS)
        write_results(bench.opened, tmp_path / "warm")  # libraries are loaded once
        start = time.process_time()
        written = write_results(bench.opened, tmp_path / "a")
        assert time.process_time() - start < 5, "2 s on an idle machine"
        assert written[-1].name == "report.html"
        assert written[-1].read_bytes() == (tmp_path / "warm" / "report.html").read_bytes()
        assert 4_000_000 < written[-1].stat().st_size < MAX_PAGE_BYTES < 8_000_000


def described(page: Page) -> list[str]:
    """Return the figures' descriptions."""
    return [content for about, content in page.scripts if str(about.get("id", "")).startswith("figure-")]


def test_the_page_takes_its_colours_and_sizes_from_the_design(pages):
    for text in pages:
        style = "".join(re.findall("<style>(.*?)</style>", text, re.DOTALL))
        assert design.variables() in style
        rest = style.replace(design.variables(), "")
        assert not re.search("#[0-9a-f]{3,8}[ ;]", rest), "a colour that is not of the design"
        assert set(re.findall(r"var\(--([a-z]+)", rest)) <= {*design.NAMED, *design.SIZES, "font", "monospace", "shade"}


def test_a_dark_page_knows_a_partner_for_every_colour_of_its_figures(pages):
    for text in pages:
        page = Page(text)
        look = next((json.loads(content) for about, content in page.scripts if about.get("id") == "figures-look"), None)
        colours = {colour for content in described(page) for colour in re.findall("#[0-9a-f]{6}", content)}
        assert look is None or colours <= set(look["dark"])
        assert look is None or set(re.findall("#[0-9a-f]{6}", json.dumps(look["template"]))) <= set(look["dark"])
        others = "".join(described(page)).replace("rgba(0,0,0,0)", "")
        assert not re.search(r"\brgba?\(", others), "a colour that does not change with the page"
