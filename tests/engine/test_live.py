"""What a person sees while a study runs: the comparison as it grows, at any width and height, and lines for a log."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from search.core.trial import State, Trial
from search.engine import live
from search.engine.decide.outcomes import Progress
from search.engine.decide.standings import Standings
from search.engine.drawn import MAX_SEARCH_ROWS, awaited, bar, comparison, view
from search.space.model import Objective, Space
from search.space.reader import space_from_mapping
from search.study.fold import Fold
from search.study.leaf import Leaf

WORKLOAD = "tests.engine.workloads:Synthetic"


def space_of(values: Sequence[object] = (1, 2, 3), seeds: int = 2, name: str = "made up", **more: Any) -> Space:
    """A grid over `a`, or what `more` makes of it; accuracies, and the first value is the baseline."""
    content: dict[str, Any] = {
        "workload": WORKLOAD,
        "fixed": {"epochs": 9},
        "space": {"a": {"grid": list(values)}},
        "seeds": seeds,
        "search": {"objective": {"metric": "val_accuracy", "direction": "maximize"}},
        "report": {"rows": "a", "baseline": values[0]},
    }
    return space_from_mapping({**content, **more}, name)


def search_of(trials: int = 30) -> Space:
    objective = {"metric": "val_loss", "direction": "minimize"}
    return space_of(
        space={"x": {"float": {"low": 0.0, "high": 1.0}}},
        search={"sampler": "tpe", "trials": trials, "objective": objective},
        report={},
    )


def progress_of(space: Space, *trials: tuple[int, int, State, Sequence[float]], **values: Any) -> Progress:
    """What is known once trials of (value of the first axis, seed) have come so far, or ended so."""
    made = Progress(Standings(space), **values)
    axis = space.axes[0].name
    known: dict[object, int] = {}
    if space.search.sampler == "grid":
        for number, parameters in enumerate(space.grid()):
            known[parameters[axis]] = number
            made.standings.add(Trial(number, number, space.seeds[0], parameters, {}, 9))
    for value, seed, state, curve in trials:
        trial = Trial(0, known.setdefault(value, len(known)), seed, {axis: value}, {}, 9)
        made.standings.add(trial)
        made.states[state] += 1
        if state.ended:
            made.standings.ends(trial, state, curve)
        else:
            made.standings.goes_on(trial, len(curve), curve[-1])
    return made


def texts(made: Progress, width: int = 100, height: int = 30, label: live.Label = live.plain_label) -> list[str]:
    return [line.text for line in comparison(made, label, width, height)]


# The comparison -------------------------------------------------------------------------------------------------

GROWING = [
    (1, 0, State.FINISHED, [0.5, 0.54]),
    (1, 1, State.FINISHED, [0.5, 0.56]),
    (2, 0, State.STOPPED, [0.5, 0.58]),
    (2, 1, State.RUNNING, [0.2, 0.3333]),
    (3, 0, State.RUNNING, [0.25]),
]


def test_the_comparison_while_it_grows() -> None:
    assert texts(progress_of(space_of(), *GROWING)) == [
        "provisional: val_accuracy in % at the last epoch; no seed of every setting yet",
        "setting   mean   seeds  difference (points)  in training",
        "a=1      55.00  2 of 2             baseline",
        "a=2      58.00  1 of 2       +4.00 (1 seed)  33.33 at epoch 2",
        "a=3             0 of 2                       25.00 at epoch 1",
    ]


def test_a_first_comparison_once_a_seed_of_every_setting_is_there() -> None:
    made = progress_of(space_of(), *GROWING, (3, 0, State.PRUNED, [0.25]))
    assert made.standings.whole_seeds == 1
    title, _, _, _, last = texts(made)
    assert title == "provisional: val_accuracy in % at the last epoch; 1 of 2 seeds of every setting"
    assert last.split() == ["a=3", "0", "of", "2", "1", "pruned"]


def test_the_comparison_when_all_is_there() -> None:
    ended = [(value, seed, State.FINISHED, [value / 10, value / 20]) for value in (1, 2, 3) for seed in (0, 1)]
    title, heads, *rows = texts(progress_of(space_of(report={"rows": "a", "baseline": 2, "value": "best"}), *ended))
    assert title == "val_accuracy in % at the best epoch; all 2 seeds of every setting"
    assert heads.split() == ["setting", "mean", "seeds", "difference", "(points)"]
    assert [row.split()[-1] for row in rows] == ["-10.00", "baseline", "+10.00"]
    assert [row.split()[1] for row in rows] == ["10.00", "20.00", "30.00"], "at the best epoch"


def test_a_running_trial_never_enters_a_mean() -> None:
    made = progress_of(space_of(), (1, 0, State.RUNNING, [0.99]), (2, 0, State.DIVERGED, [0.98]))
    standings = {standing.parameters["a"]: standing for standing in made.standings.now()}
    assert standings[1].mean is standings[2].mean is standings[3].mean is None
    assert standings[1].newest == (1, 0.99)
    assert (standings[2].newest, standings[2].ended) == (None, {State.DIVERGED: 1})


def test_differences_are_over_the_seeds_that_both_have() -> None:
    made = progress_of(
        space_of(seeds=3),
        *[(1, seed, State.FINISHED, [0.5]) for seed in (1, 2)],
        *[(2, seed, State.FINISHED, [value]) for seed, value in enumerate([0.9, 0.6, 0.8])],
    )
    second = made.standings.now()[1]
    assert (second.difference, second.common, second.done) == (pytest.approx(0.2), 2, 3)


def test_a_setting_is_compared_with_the_baseline_that_shares_its_other_values() -> None:
    axes = {"a": {"grid": [1, 2]}, "kind": {"grid": ["plain", "rich"]}}
    made = Progress(Standings(space_of(space=axes, seeds=1)))
    for number, (a, kind, value) in enumerate(
        [(1, "plain", 0.1), (1, "rich", 0.5), (2, "plain", 0.2), (2, "rich", 0.7)]
    ):
        trial = Trial(number, number, 0, {"a": a, "kind": kind}, {}, 9)
        made.standings.add(trial)
        made.standings.ends(trial, State.FINISHED, [value])
    assert [standing.baseline for standing in made.standings.now()] == [True, True, False, False]
    assert [standing.difference for standing in made.standings.now()[2:]] == [pytest.approx(0.1), pytest.approx(0.2)]


def test_a_seed_that_the_file_no_longer_names_is_not_looked_at() -> None:
    made = progress_of(
        space_of(), (1, 0, State.FINISHED, [0.5]), (1, 7, State.FINISHED, [0.9]), (1, 8, State.RUNNING, [1])
    )
    first = made.standings.now()[0]
    assert (first.mean, first.done, first.newest) == (0.5, 1, None)


def test_many_settings_are_counted() -> None:
    ended = [(value, 0, State.FINISHED, [value / 100]) for value in range(1, 41)]
    lines = texts(progress_of(space_of(range(1, 41)), *ended), height=9)
    assert len(lines) == 9
    assert [line.split()[0] for line in lines[2:-1]] == ["a=1", "a=40", "a=39", "a=38", "a=37", "a=36"]
    assert lines[-1] == "and 34 more"


def test_settings_that_are_one_training_so_far_stand_on_one_line() -> None:
    """Of settings that begin alike the best lines would else be one line, again and again."""
    made = progress_of(space_of(range(1, 41)))
    for value in range(1, 41):
        trial = Trial(0, value - 1, 0, {"a": value}, {}, 9)
        made.standings.goes_on(trial, 2, (value // 4) / 100, f"key {value // 4}")
    lines = texts(made, height=9)
    assert [line.split()[0] for line in lines[2:-1]] == ["a=1", "a=40", "a=36", "a=32", "a=28", "a=24"]
    assert "same so far" in lines[1]
    assert [re.findall("[0-9]+ others?", line) for line in lines[2:-1]] == [[], [], *[["3 others"]] * 4]
    assert lines[-1] == "and 22 more", "40 but those that stand for themselves and for others"
    apart = [Trial(0, value, 1, {"a": value + 1}, {}, 9) for value in (35, 36)]
    for place, trial in enumerate(apart):
        made.standings.add(trial)
        made.standings.ends(trial, State.FINISHED, [0.9], f"another {place}")
    assert "a=37" in " ".join(texts(made, height=9)), "they are two trainings now"


def test_a_search_shows_its_best() -> None:
    ended = [(value / 100, 0, State.FINISHED, [value / 100]) for value in range(1, 9)]
    made = progress_of(search_of(), *ended, (0.5, 0, State.RUNNING, [0.001]), (0.6, 0, State.PRUNED, [0.001]))
    title, heads, *rows, more = texts(made)
    assert title == "provisional: val_loss at the last epoch; the best of 10 of 30 configurations"
    assert heads.split() == ["setting", "mean", "seeds", "rank"]
    assert [row.split() for row in rows] == [
        [f"x={value / 100:.4g}", f"{value / 100:.2f}", "1", "of", "2", str(value)] for value in range(1, 6)
    ]
    assert (len(rows), more) == (MAX_SEARCH_ROWS, "and 5 more")


@pytest.mark.parametrize("space", [search_of(trials=1), space_of([1])], ids=["search", "grid"])
def test_nothing_is_provisional_once_no_trial_is_to_come(space: Space) -> None:
    made = progress_of(space, (1, 0, State.FINISHED, [0.5]), total=2)
    assert texts(made)[0].startswith("provisional: val_")
    made.undecided = False  # a limit ended it
    assert texts(made)[0].startswith("val_")
    made.undecided, made.total = True, 1  # the sampler was not asked again yet
    assert texts(made)[0].startswith("val_")


def test_a_confirm_stage_says_that_it_is_one() -> None:
    made = progress_of(space_of(name="made up (confirm)"), *GROWING)
    assert texts(made)[0].startswith("confirm stage; provisional: ")


FACTORIAL = {
    "a": {"grid": [1, 2]},
    "kind": {"grid": ["plain"]},
    "switch": {"grid": [5, None]},
    "turn": {"grid": [None, 3]},
}


@pytest.mark.parametrize(
    ("width", "head", "first", "last"),
    [
        (70, "setting", "a=1, kind=plain, switch=5, turn=None", "a=2, kind=plain, switch=None, turn=3"),
        (42, "setting", "a=1, switch=5, turn=None", "a=2, switch=None, turn=3"),
        (34, "a, switch, turn", "1, 5, None", "2, None, 3"),
    ],
)
def test_names_lose_first_what_tells_nothing_apart(width: int, head: str, first: str, last: str) -> None:
    lines = texts(progress_of(space_of(space=FACTORIAL, report={})), width)
    assert [lines[place].partition("  ")[0] for place in (1, 2, -1)] == [head, first, last]
    assert len(set(lines)) == len(lines)


def test_what_was_left_out_of_all_names_is_said_where_there_are_others() -> None:
    axes = {"a": {"grid": [1, 2, 3]}, "kind": {"grid": ["rich", "plain"]}, "turn": {"grid": [None]}}
    made = progress_of(space_of(space=axes, report={}))
    for number, standing in enumerate(made.standings.now()):
        trial = Trial(number, number, 0, standing.parameters, {}, 9)
        value = 0.1 + 0.01 * number if standing.parameters["kind"] == "rich" else 0.0
        made.standings.ends(trial, State.FINISHED, [value])
    _, heads, *rows, more = texts(made, 34, height=6)
    assert heads.split()[0] == "setting"
    assert [row.split()[0] for row in rows] == ["a=3", "a=2", "a=1"]
    assert more == "and 3 more; these with kind=rich,…"


def test_names_that_are_no_pairs_lose_their_middle() -> None:
    made = progress_of(space_of(report={}))
    lines = texts(made, 44, label=lambda space, parameters: f"the very long name of setting number {parameters['a']}")
    assert [line.partition("  ")[0] for line in lines[2:]] == [
        f"the very long…setting number {number}" for number in (1, 2, 3)
    ]


def test_a_title_has_as_many_words_as_there_is_room_for() -> None:
    made = progress_of(space_of(name="made up (confirm)"), *GROWING)
    titles = [texts(made, width)[0] for width in (100, 80, 60, 30)]
    assert titles == [
        "confirm stage; provisional: val_accuracy in % at the last epoch; no seed of every setting yet",
        "confirm stage; provisional: val_accuracy in %; no seed of every setting yet",
        "confirm stage; provisional: no seed of every setting yet",
        "confirm stage; provisional: n…",
    ]


def test_a_configuration_without_a_mean_has_no_rank() -> None:
    made = progress_of(search_of(), (0.5, 0, State.RUNNING, [0.001]))
    assert texts(made)[-1].split() == ["x=0.5", "0", "of", "2", "0.001", "at", "epoch", "1"]


def test_settings_are_called_as_the_table_calls_them() -> None:
    made = progress_of(space_of(), *GROWING)
    assert texts(made, label=lambda space, parameters: f"{space.name}\n{parameters['a']}")[2].startswith("made up 1  ")


# Progress -------------------------------------------------------------------------------------------------------

BUSY: Mapping[str, Any] = {
    "total": 20,
    "running": 2,
    "proving": 1,
    "epochs_trained": 1_230,
    "epochs_reused": 40,
    "epochs_proved": 6,
    "epochs_planned": 2000.4,
    "ends_at": 190.0,
    "rate": 4.0,
    "worker_ready": True,
}


def test_the_line_of_progress() -> None:
    made = progress_of(space_of(), *GROWING, (3, 1, State.PRUNED, [0.1]), **BUSY)
    whole = (
        "1,230 of about 2,000 epochs, 1 min 30 s left, 2 running, 1 proof running, 4 epochs/s, 4 of 20 trials ended, "
        "1 pruned, 1 stopped, 40 reused, 6 in proofs"
    )
    assert bar(made, 200, 100.0) == whole
    assert bar(made, 60, 100.0) == "1,230 of about 2,000 epochs, 1 min 30 s left, 2 running"
    assert bar(made, 30, 100.0) == "1,230 of about 2,000 epochs"


@pytest.mark.parametrize(
    ("rate", "text"),
    [(2412.0, "2,412"), (12.6, "13"), (9.96, "10"), (9.94, "9.9"), (0.25, "0.25"), (0.00123, "0.0012")],
)
def test_a_rate_is_a_plain_number(rate: float, text: str) -> None:
    made = progress_of(space_of(), *GROWING, **{**BUSY, "rate": rate})
    assert f", {text} epochs/s, " in bar(made, 200, 100.0)


def test_what_went_wrong_is_said_before_all_the_rest() -> None:
    made = progress_of(space_of(), (1, 0, State.FAILED, []), **BUSY)
    assert bar(made, 62, 100.0) == "1,230 of about 2,000 epochs, 1 min 30 s left, 1 failed"


def test_what_is_waited_for() -> None:
    made = Progress(Standings(space_of()))
    assert awaited(made, 3.2) == "starting the first worker (3 s)"
    made.worker_ready = True
    assert awaited(made, 5.0) == "first epoch (5 s)"
    made.epochs_trained = 1
    assert awaited(made, 9.0) == ""
    made.undecided = False
    assert awaited(made, 9.0) == "ending the workers"
    made.proving = 1
    assert awaited(made, 9.0) == "proving what was shared"
    assert bar(made, 80, 9.0, awaited(made, 9.0)) == "1 epoch, proving what was shared, 1 proof running"


STATES = st.sampled_from([State.FINISHED, State.STOPPED, State.PRUNED, State.DIVERGED, State.FAILED, State.RUNNING])
VALUES = st.one_of(st.floats(0, 1), st.floats(-1e9, 1e9))
TRIALS = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 1), STATES, st.lists(VALUES, min_size=1, max_size=4)), max_size=60
)
COUNTS = st.fixed_dictionaries(
    {
        "total": st.one_of(st.none(), st.integers(0, 10**7)),
        "running": st.integers(0, 999),
        "epochs_trained": st.integers(0, 10**8),
        "epochs_planned": st.one_of(st.none(), st.floats(0, 1e8)),
        "ends_at": st.one_of(st.none(), st.floats(0, 1e8)),
        "rate": st.one_of(st.none(), st.floats(1e-6, 1e4)),
        "worker_ready": st.booleans(),
        "undecided": st.booleans(),
    }
)
NUMBER = re.compile(r"[-+]?[\d,]+(\.\d+)?(e[-+]?\d+)?")


@settings(deadline=None, max_examples=25)
@given(TRIALS, COUNTS, st.integers(20, 200), st.integers(1, 60), st.integers(1, 60), st.booleans())
def test_nothing_is_wider_or_higher_than_the_terminal(
    trials: Any, counts: Any, width: int, height: int, letters: int, searching: bool
) -> None:
    space = search_of() if searching else space_of(range(1, 31))
    made = progress_of(space, *trials, **counts)
    name = "焦e" * letters
    lines = view(made, lambda space, parameters: name, width, height, 0.0, 0.0)
    assert 1 <= len(lines) <= height
    assert all(cell_len(line.text) <= width and "\n" not in line.text for line in lines)
    assert all(line.text for line in lines[1:])
    wide = view(made, lambda space, parameters: name, 500, height, 0.0, 0.0)
    for narrow, whole in zip(lines[3:-1], wide[3:-1], strict=True):
        numbers = [found[0] for found in NUMBER.finditer(whole.text)]
        assert all(found[0] in numbers for found in NUMBER.finditer(narrow.text)), "no number is cut"


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_a_terminal_folds_nothing(width: int) -> None:
    axes = {"a": {"grid": [10**6 * number for number in range(1, 9)]}, "kind": {"grid": ["plain", "rich"]}}
    made = progress_of(space_of(space=axes, report={"rows": "a", "baseline": 10**6}), **BUSY)
    console = Console(file=io.StringIO(), width=width, height=24, force_terminal=True, color_system=None)
    for line in view(made, live.plain_label, width, 23, 100.0, 0.0):
        console.print(live._text(line))
    printed = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert printed == [line.text for line in view(made, live.plain_label, width, 23, 100.0, 0.0)]


# Views ----------------------------------------------------------------------------------------------------------

TRIAL = Trial(4, 2, 7, {"lr": 0.123456, "kind": "plain"}, {"stop.rule": "none"}, 2)


def fold(*curve: float) -> Fold:
    leaf = Leaf(TRIAL, {}, [], ["00", "01"], "")
    return Fold(leaf, Objective("val_loss", "minimize"), list(curve))


def ended(*curve: float) -> dict[str, Any]:
    return {"trial": TRIAL, "state": State.FINISHED, "ended_by": "last epoch", "epoch": 2, "fold": fold(*curve)}


def test_lines_for_a_log() -> None:
    out = io.StringIO()
    shown = live.view_for(out)
    assert isinstance(shown, live.Lines)
    made = progress_of(space_of(), *GROWING, **BUSY)
    shown.say("starting Ray [1/2]")
    shown.event("started", {"trial": TRIAL, "attempt": 1})
    shown.event("ended", ended(0.9, 0.51239))
    shown.begin(made)
    shown.event("worker", {})
    shown.event("started", {"trial": TRIAL, "attempt": 2})
    shown.event("epoch", {"trial": TRIAL, "epoch": 1})
    shown.event("ended", ended())
    shown.event("proving", {})
    made.undecided = False
    shown.event("proving", {})
    shown.event("proving", {})
    shown.event("alarm", {"text": "trial 4 differs"})
    shown.end()
    lines = out.getvalue().splitlines()
    assert all(re.match(r"\[ +\d+\.\d s\] ", line) for line in lines)
    assert [line.partition("s] ")[2] for line in lines] == [
        "starting Ray [1/2]",
        "trial 4 started: lr=0.1235, kind=plain, seed=7",
        "trial 4 finished at epoch 2, last epoch, val_loss 0.5124",
        "starting the first worker",
        "the first worker is ready; its first epoch is being trained",
        "trial 4 started: lr=0.1235, kind=plain, seed=7, attempt 2",
        "trial 4 finished at epoch 2, last epoch (3 of 20)",
        "all trials ended; proving what was shared, in fresh processes",
        "ALARM: trial 4 differs",
    ]


def test_a_log_has_the_comparison_whenever_one_more_seed_is_there() -> None:
    out = io.StringIO()
    shown = live.Lines(out)
    made = progress_of(space_of(), *GROWING)
    shown.begin(made)
    shown.event("ended", ended())
    assert "a=1" not in out.getvalue()
    made.standings.ends(Trial(0, 2, 0, {"a": 3}, {}, 9), State.FINISHED, [0.25])
    for _ in range(2):
        shown.event("ended", ended())
    lines = out.getvalue().splitlines()
    first = lines.index("  provisional: val_accuracy in % at the last epoch; 1 of 2 seeds of every setting")
    assert [line.split()[0] for line in lines[first + 1 : first + 5]] == ["setting", "a=1", "a=2", "a=3"]
    assert sum("a=1" in line for line in lines) == 1


def test_a_terminal() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, force_interactive=True, color_system=None)
    shown = live.Terminal(console)
    shown.say("a title with [brackets] and [/more]")
    shown.begin(progress_of(space_of(), *GROWING, **BUSY))
    shown.event("started", {"trial": TRIAL, "attempt": 1})
    shown.event("ended", ended(0.5))
    shown.event("alarm", {"text": "[/x] differs"})
    shown.end()
    shown.end()
    text = out.getvalue()
    assert "a title with [brackets] and [/more]" in text
    assert "ALARM [/x] differs" in text
    assert "58.00  1 of 2       +4.00 (1 seed)  33.33 at epoch 2" in text
    assert text.rstrip().splitlines()[-1].endswith("4 epochs/s, 3 of 20 trials ended")


@pytest.mark.parametrize("how", [{"force_jupyter": True}, {"force_terminal": True, "force_interactive": False}])
def test_a_console_that_cannot_be_written_over_shows_what_is_said(how: Mapping[str, bool]) -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, **how)  # type: ignore[arg-type]
    shown = live.Terminal(console)
    shown.begin(progress_of(space_of(), *GROWING))
    assert shown._live is None
    shown.end()


def test_a_terminal_without_a_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pretending(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(live.view_for(Pretending()), live.Lines)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(live.view_for(Pretending()), live.Terminal)


def test_a_long_wait_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with live.announced(live.Lines(out), "short"):
        pass
    monkeypatch.setattr(live, "ANNOUNCE_AFTER_S", 0.0)
    heard = live.Lines(out)
    with live.announced(heard, "reading the data"):
        while "reading" not in out.getvalue():
            pass
    assert "short" not in out.getvalue()


def test_a_silent_view_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    shown = live.Silent()
    shown.say("x")
    shown.name_settings(live.plain_label)
    shown.begin(Progress(Standings(space_of())))
    shown.event("ended", {})
    shown.end()
    assert capsys.readouterr() == ("", "")
