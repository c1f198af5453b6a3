"""Files of scores of runs trained elsewhere: what they hold, and one sentence for each that cannot be judged."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.cli.judge_scores import holds_scores
from search.core.errors import UserError
from search.judge.asked import Wishes, question_of
from search.judge.score_file import ScoreFile, read_scores

ROWS = [(name, seed, example, (seed + example) % 2) for name, seed, example in itertools.product("AB", (0, 1), (5, 6))]
GOOD = "setting,seed,example,score\n" + "".join(",".join(map(str, row)) + "\n" for row in ROWS)


def written(folder: Path, text: str | bytes, name: str = "scores.csv") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_file_is_read(tmp_path: Path) -> None:
    file = read_scores(written(tmp_path, GOOD))
    assert (file.settings, file.seeds, file.examples) == (("A", "B"), (0, 1), {"given": ("5", "6")})
    assert file.scores["B", 1]["given"].tolist() == [0, 1]
    assert file.whole
    assert not file.groups


def test_the_order_of_rows_and_columns_changes_nothing_but_names_come_first(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=["setting", "seed", "example", "score"])
    shuffled = frame.sample(frac=1, random_state=1)[["score", "example", "setting", "seed"]]
    shuffled.to_parquet(path := tmp_path / "scores.parquet")
    one, other = read_scores(written(tmp_path, GOOD)), read_scores(str(path))
    for run, own in one.scores.items():
        theirs = dict(zip(other.examples["given"], other.scores[run]["given"], strict=True))
        assert [theirs[name] for name in one.examples["given"]] == own["given"].tolist()


@settings(max_examples=30)
@given(
    st.lists(st.floats(-1e300, 1e300), min_size=8, max_size=8),
    st.randoms(use_true_random=False),
)
def test_numbers_come_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], rng: random.Random
) -> None:
    rows = [f"{name},{seed},{example},{value!r}" for (name, seed, example, _), value in zip(ROWS, values, strict=True)]
    rng.shuffle(rows)
    folder = tmp_path_factory.mktemp("scores")
    file = read_scores(written(folder, "setting,seed,example,score\n" + "\n".join(rows)))
    for (name, seed, example, _), value in zip(ROWS, values, strict=True):
        place = file.examples["given"].index(str(example))
        assert np.float64(file.scores[name, seed]["given"][place]).tobytes() == np.float64(value).tobytes()


def test_splits_and_groups(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=["setting", "seed", "example", "score"])
    frame["split"] = ["val", "test"] * 4
    frame["group"] = ["patient 1", "patient 2"] * 4
    frame["note"] = "mine"
    frame.to_csv(path := tmp_path / "scores.csv", index=False)
    file = read_scores(str(path))
    assert file.examples == {"val": ("5",), "test": ("6",)}
    assert file.groups == {"val": ("patient 1",), "test": ("patient 2",)}
    assert file.unread == ("note",)
    assert [*question_of(file, Wishes()).rules] == ["val_accuracy", "test_accuracy"]


LINE = GOOD.splitlines()


def without(row: int) -> str:
    return "\n".join(line for place, line in enumerate(LINE, start=1) if place != row)


def changed(row: int, text: str) -> str:
    return "\n".join(text if place == row else line for place, line in enumerate(LINE, start=1))


COLUMNS = "a file of scores has the columns setting, seed, example, score, and may have group and split"
FINITE = (
    "must be a finite number; write what the example counts as where it has none (0 for wrong), or remove it from every"
    " run"
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", ": is empty; its first row names the columns setting, seed, example, score"),
        (LINE[0], ": holds no rows of scores; write one for each setting, seed and example"),
        (GOOD.replace("seed", "sede", 1), f": has no column 'seed' (is it 'sede'?); {COLUMNS}"),
        (GOOD.replace("example", "id", 1), f": has no column 'example'; {COLUMNS}"),
        (GOOD.replace("seed", "score", 1), f": has no column 'seed'; {COLUMNS}"),
        (
            changed(3, "A,,6,1"),
            ": row 3: seed is empty, must be a whole number from 0 to 4294967295; number the runs of each setting",
        ),
        (
            changed(3, "A,x,6,1"),
            ": row 3: seed is 'x', must be a whole number from 0 to 4294967295; number the runs of each setting",
        ),
        (
            changed(3, "A,0.5,6,1"),
            ": row 3: seed is '0.5', must be a whole number from 0 to 4294967295; number the runs of each setting",
        ),
        (changed(4, ",1,5,1"), ": row 4: setting is empty; each row names one"),
        (changed(4, "A,1,,1"), ": row 4: example is empty; each row names one"),
        (changed(5, "A,1,6,nan"), f": row 5: score is 'nan', {FINITE}"),
        (changed(5, "A,1,6,-inf"), f": row 5: score is '-inf', {FINITE}"),
        (changed(5, "A,1,6,1_0"), f": row 5: score is '1_0', {FINITE}"),
        (
            changed(5, "A,1,6,yes"),
            ": row 5: score is 'yes', must be a number; write 1 for right and 0 for wrong, or the loss of the example",
        ),
        (
            changed(5, "A,1,6"),
            ": row 5: score is empty, must be a number; write 1 for right and 0 for wrong, or the loss of the example",
        ),
        (
            changed(5, "A,1,5,0"),
            ": row 5: setting 'A', seed 1, example '5' has a score in row 4 already; keep one, or give repeated runs "
            "seeds of their own",
        ),
        ("\n".join(LINE[:5]), ": holds one setting, 'A'; a comparison needs the rows of another one"),
        (
            "\n".join(LINE[:-2]),
            ": setting 'B' has no run of seed 1, which setting 'A' has (row 4); every setting needs the same seeds: "
            "add its rows, or remove that seed",
        ),
        (
            without(9),
            ": setting 'B', seed 1 lacks 1 example that others have, first '6' (setting 'A', seed 0, row 3); every run "
            "must be scored on the same examples: add the rows, or remove these examples from every run",
        ),
        (
            changed(5, "A,1,6,1,2"),
            ": cannot be read as a table (Error tokenizing data. C error: Expected 4 fields in line 5, saw 5); write "
            "it anew",
        ),
        (GOOD.encode("utf-16"), ": is no UTF-8 text (invalid start byte); write it as UTF-8"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_sentence(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        read_scores(path)
    assert str(caught.value) == path + sentence


@pytest.mark.parametrize(
    ("groups", "splits", "sentence"),
    [
        (
            "gggxgggg",
            "aaaaaaaa",
            ": row 5: example '6' of split 'a' is of group 'x', in row 3 of 'g'; an example has one group",
        ),
        (
            "gggggggg",
            "abababab",
            ": row 3: group 'g' is of split 'b', in row 2 of 'a'; examples of one group must lie in one split",
        ),
    ],
)
def test_groups_that_are_none(tmp_path: Path, groups: str, splits: str, sentence: str) -> None:
    more = zip(LINE[1:], groups, splits, strict=True)
    text = "\n".join([f"{LINE[0]},group,split", *(f"{line},{group},{split}" for line, group, split in more)])
    path = written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        read_scores(path)
    assert str(caught.value) == path + sentence


def test_a_file_that_is_not_there_or_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere.csv: No such file or directory; name a file of scores"):
        read_scores(str(tmp_path / "nowhere.csv"))
    with pytest.raises(UserError, match=r"scores.parquet: cannot be read as a table \(.*\); write it anew"):
        read_scores(written(tmp_path, GOOD, "scores.parquet"))


@pytest.mark.parametrize("ending", [".csv", ".CSV", ".parquet"])
def test_endings_of_scores(ending: str) -> None:
    assert holds_scores(f"a{ending}")


def test_other_endings() -> None:
    assert not holds_scores("a.yaml")
    with pytest.raises(
        UserError, match=r"^a.tsv: scores of runs trained elsewhere are read from .csv and .parquet, not"
    ):
        holds_scores("a.tsv")


def losses(**more: float) -> ScoreFile:
    scores = {(name, seed): {"given": np.array([0.5, 1.5 + seed])} for name in "AB" for seed in range(3)}
    return ScoreFile("x.csv", "0", ("A", "B"), (0, 1, 2), {"given": ("1", "2")}, {}, scores)


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({}, "x.csv: nothing says whether more of 'score' is better; give --better higher or --better lower"),
        ({"metric": "a b"}, "--metric 'a b': must be letters, digits and _.- only, as in `exact_match`"),
        (
            {"metric": "test_accuracy"},
            "--metric 'test_accuracy': names that begin with test are for test examples, which decide nothing; call it "
            "otherwise, as in `accuracy`, or give a column `split`",
        ),
        (
            {"metric": "Tests", "better": "higher"},
            "--metric 'Tests': names that begin with test are for test examples, which decide nothing; call it "
            "otherwise, as in `accuracy`, or give a column `split`",
        ),
        ({"better": "lower", "baseline": "C"}, "--baseline: x.csv has no setting 'C'; it has 'A' and 'B'"),
        ({"better": "lower", "claims": ["A > C"]}, "--claim 'A > C': x.csv has no setting 'C'; it has 'A' and 'B'"),
        (
            {"better": "lower", "claims": ["A < B"]},
            "--claim 'A < B': write 'A > B' (A is better than B) or 'A = B' (equal within --margin)",
        ),
        ({"better": "lower", "claims": ["A = B"]}, "--claim 'A = B': equal within which margin? give --margin"),
        ({"better": "lower", "range": (1.0, 1.0)}, "--range 1 1: the first number must be below the second"),
        (
            {"better": "lower", "range": (0.0, 3.0)},
            "x.csv: setting 'A', seed 2, example '2' has the score 3.5, outside of --range 0 3; mend one of them",
        ),
    ],
)
def test_wishes_that_do_not_fit(wishes: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        question_of(losses(), Wishes(**wishes))  # type: ignore[arg-type]
    assert str(caught.value) == sentence


def test_a_name_of_a_metric_says_which_scores_are_better() -> None:
    question = question_of(losses(), Wishes(metric="val_loss", margin=0.1, claims=["B > A", "A = B"]))
    assert question.rules["val_loss"].better == "lower"
    assert question.space.search.objective.direction == "minimize"
    assert [next(iter(claim)) for claim in question.space.report.claims] == ["better", "equal"]
    assert question.assumed == [
        "better: lower (--better says otherwise)",
        "baseline: 'A', the first setting of the file (--baseline names another one)",
    ]
