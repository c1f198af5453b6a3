"""Scores of runs trained elsewhere, as a file has them: one row per setting, seed and example.

A file is read whole or not at all: the first thing that is wrong is said with its row, the value, the rule and the
remedy. Rows are numbered as a person counts them: the heading of a CSV file is row 1, the first row of a Parquet file
is row 1.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search.core.errors import UserError, nearest_name
from search.core.outside import SCORE_FILES
from search.core.shown import counted, listed, one_line
from search.space.model import MAX_SEED

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("setting", "seed", "example", "score")
OPTIONAL = ("group", "split")

ONLY_SPLIT = "given"
"""What the examples of a file without a column `split` are a split of."""

MAX_SETTINGS = 1_000

Floats = npt.NDArray[np.float64]
Run = tuple[str, int]
"""A setting and a seed."""


@dataclass(frozen=True)
class ScoreFile:
    """What a file of scores holds, checked: every setting has the same seeds, every run the same examples.

    Attributes:
        path: as it was given.
        digest: SHA-256 of its bytes, hexadecimal.
        settings: in the order in which they first occur.
        seeds: ascending.
        examples: split -> its examples, in the order in which they first occur.
        groups: split -> the group of each of them; empty where the file has no groups.
        scores: setting and seed -> split -> one score per example, float64 [n].
        unread: columns of the file that mean nothing here.
    """

    path: str
    digest: str
    settings: tuple[str, ...]
    seeds: tuple[int, ...]
    examples: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[str, ...]]
    scores: Mapping[Run, Mapping[str, Floats]]
    unread: tuple[str, ...] = ()

    @cached_property
    def whole(self) -> bool:
        """Whether every score is 0 or 1: wrong or right."""
        return all(
            bool(((values == 0) | (values == 1)).all()) for own in self.scores.values() for values in own.values()
        )


@dataclass(frozen=True)
class _Rows:
    """Names rows of a file for a person: `first` is the number of its first row of scores."""

    path: str
    first: int

    def at(self, place: int) -> str:
        return f"{self.path}: row {self.first + place}"


def read_scores(path: str) -> ScoreFile:
    """Read a file of scores.

    Raises:
        UserError: it cannot be read, or something in it cannot be judged; one sentence.
    """
    try:
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name a file of scores, {' or '.join(SCORE_FILES)}") from error
    frame, first = _frame(path)
    columns = [str(name).strip() for name in frame.columns]
    for name in NEEDED:
        if name not in columns:
            meant = nearest_name(name, [column for column in columns if column not in (*NEEDED, *OPTIONAL)])
            like = f" (is it {meant!r}?)" if meant else ""
            raise UserError(
                f"{path}: has no column {name!r}{like}; a file of scores has the "
                f"columns {', '.join(NEEDED)}, and may have {' and '.join(OPTIONAL)}"
            )
    if (twice := next((name for name in columns if columns.count(name) > 1), None)) is not None:
        raise UserError(f"{path}: has two columns {twice!r}; keep one")
    if not len(frame):
        raise UserError(f"{path}: holds no rows of scores; write one for each setting, seed and example")
    given = {name: frame.iloc[:, columns.index(name)].tolist() for name in columns}
    unread = tuple(name for name in columns if name not in (*NEEDED, *OPTIONAL))
    return scores_in(given, _Rows(path, first), digest, unread)


def _frame(path: str) -> tuple[pd.DataFrame, int]:
    """Return the table of a file and the number of its first row."""
    import pandas as pd

    try:
        if path.lower().endswith(".parquet"):
            return pd.read_parquet(path), 1
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True), 2
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{path}: is empty; its first row names the columns {', '.join(NEEDED)}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is no UTF-8 text ({error.reason}); write it as UTF-8") from error
    except (ValueError, OSError) as error:  # what pandas and pyarrow raise of files that are none
        raise UserError(f"{path}: cannot be read as a table ({one_line(str(error).strip())}); write it anew") from error


def scores_in(given: Mapping[str, Sequence[Any]], rows: _Rows, digest: str, unread: tuple[str, ...]) -> ScoreFile:
    """Return the scores that columns hold.

    Args:
        given: column -> its values, those of `NEEDED` and perhaps of `OPTIONAL`.
        rows: names them.
        digest, unread: as in `ScoreFile`.

    Raises:
        UserError: something in it cannot be judged.
    """
    settings = _texts("setting", given["setting"], rows)
    seeds = [_seed(value, place, rows) for place, value in enumerate(given["seed"])]
    examples = _texts("example", given["example"], rows)
    values = [_score(value, place, rows) for place, value in enumerate(given["score"])]
    splits = _texts("split", given["split"], rows) if "split" in given else [ONLY_SPLIT] * len(values)
    cells = list(zip(settings, seeds, splits, examples, strict=True))
    first: dict[tuple[str, int, str, str], int] = {}
    for place, cell in enumerate(cells):
        if (earlier := first.setdefault(cell, place)) != place:
            raise UserError(
                f"{rows.at(place)}: setting {cell[0]!r}, seed {cell[1]}, example {cell[3]!r}{_of_split(cell[2])} has a "
                f"score in row {rows.first + earlier} already; keep one, or give repeated runs seeds of their own"
            )
    runs = _runs(settings, seeds, rows)
    by_split = _examples(cells, runs, first, rows)
    groups = _groups(_texts("group", given["group"], rows), cells, by_split, rows) if "group" in given else {}
    scores = {
        run: {
            split: np.array([values[first[(*run, split, name)]] for name in names]) for split, names in by_split.items()
        }
        for run in runs
    }
    ascending = tuple(sorted(set(seeds)))
    return ScoreFile(rows.path, digest, tuple(dict.fromkeys(settings)), ascending, by_split, groups, scores, unread)


def _texts(column: str, given: Sequence[Any], rows: _Rows) -> list[str]:
    """Return names as text without space around them; none may be empty."""
    texts = ["" if _gone(value) else str(value).strip() for value in given]
    if "" in texts:
        raise UserError(f"{rows.at(texts.index(''))}: {column} is empty; each row names one")
    return texts


def _gone(value: object) -> bool:
    return value is None or (not isinstance(value, str) and str(value) in ("nan", "<NA>", "NaT"))


def _seed(value: object, place: int, rows: _Rows) -> int:
    text = "" if _gone(value) else str(value).strip()
    digits = text.removesuffix(".0") if isinstance(value, float) else text
    if not (digits.isascii() and digits.isdigit() and int(digits) <= MAX_SEED):
        raise UserError(
            f"{rows.at(place)}: seed is {_shown(text)}, must be a whole number from 0 to {MAX_SEED}; number the runs "
            "of each setting"
        )
    return int(digits)


def _score(value: object, place: int, rows: _Rows) -> float:
    text = "" if value is None else str(value).strip()
    try:
        number = float(text) if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        rule = "must be a number; write 1 for right and 0 for wrong, or the loss of the example"
        raise UserError(f"{rows.at(place)}: score is {_shown(text)}, {rule}") from None
    if not math.isfinite(number) or "_" in text:
        raise UserError(
            f"{rows.at(place)}: score is {_shown(text)}, must be a finite number; write what the example counts as "
            "where it has none (0 for wrong), or remove it from every run"
        )
    return number


def _runs(settings: Sequence[str], seeds: Sequence[int], rows: _Rows) -> list[Run]:
    """Return the runs of a file, by setting and seed; every setting must have the same seeds."""
    first: dict[Run, int] = {}
    for place, run in enumerate(zip(settings, seeds, strict=True)):
        first.setdefault(run, place)
    names, numbers = list(dict.fromkeys(settings)), sorted(set(seeds))
    if len(names) < 2:
        raise UserError(f"{rows.path}: holds one setting, {names[0]!r}; a comparison needs the rows of another one")
    if len(names) > MAX_SETTINGS:
        raise UserError(
            f"{rows.path}: holds {len(names):,} settings, {MAX_SETTINGS:,} are the most; name settings, not runs, in "
            "the column `setting`"
        )
    for seed in numbers:
        having = next(name for name in names if (name, seed) in first)
        for name in names:
            if (name, seed) not in first:
                raise UserError(
                    f"{rows.path}: setting {name!r} has no run of seed {seed}, which setting {having!r} has (row "
                    f"{rows.first + first[having, seed]}); every setting needs the same seeds: add its rows, or remove "
                    "that seed"
                )
    return [(name, seed) for name in names for seed in numbers]


def _examples(
    cells: Sequence[tuple[str, int, str, str]],
    runs: Sequence[Run],
    first: Mapping[tuple[str, int, str, str], int],
    rows: _Rows,
) -> dict[str, tuple[str, ...]]:
    """Return split -> its examples; every run must have a score of each."""
    every: dict[tuple[str, str], Run] = {}
    for setting, seed, split, example in cells:
        every.setdefault((split, example), (setting, seed))
    counts: dict[Run, int] = dict.fromkeys(runs, 0)
    for setting, seed, *_ in cells:
        counts[setting, seed] += 1
    for run in runs:
        if counts[run] == len(every):
            continue
        lacking = [cell for cell in every if (*run, *cell) not in first]
        (split, example), (setting, seed) = lacking[0], every[lacking[0]]
        raise UserError(
            f"{rows.path}: setting {run[0]!r}, seed {run[1]} lacks {counted(len(lacking), 'example')} that others "
            f"have, first {example!r}{_of_split(split)} (setting {setting!r}, seed {seed}, row "
            f"{rows.first + first[setting, seed, split, example]}); every run must be scored on the same examples: add "
            "the rows, or remove these examples from every run"
        )
    by_split: dict[str, list[str]] = {}
    for split, example in every:
        by_split.setdefault(split, []).append(example)
    return {split: tuple(names) for split, names in by_split.items()}


def _groups(
    given: Sequence[str],
    cells: Sequence[tuple[str, int, str, str]],
    by_split: Mapping[str, Sequence[str]],
    rows: _Rows,
) -> dict[str, tuple[str, ...]]:
    """Return split -> the group of each example; an example has one group, and a group lies in one split."""
    own: dict[tuple[str, str], tuple[str, int]] = {}
    splits: dict[str, tuple[str, int]] = {}
    for place, (group, (_, _, split, example)) in enumerate(zip(given, cells, strict=True)):
        other, earlier = own.setdefault((split, example), (group, place))
        if other != group:
            raise UserError(
                f"{rows.at(place)}: example {example!r}{_of_split(split)} is of group {group!r}, in row "
                f"{rows.first + earlier} of {other!r}; an example has one group"
            )
        elsewhere, earlier = splits.setdefault(group, (split, place))
        if elsewhere != split:
            raise UserError(
                f"{rows.at(place)}: group {group!r} is of split {split!r}, in row {rows.first + earlier} of "
                f"{elsewhere!r}; examples of one group must lie in one split"
            )
    return {split: tuple(own[split, name][0] for name in names) for split, names in by_split.items()}


def _of_split(split: str) -> str:
    return "" if split == ONLY_SPLIT else f" of split {split!r}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...") if text else "empty"


def named(names: Iterable[str]) -> str:
    """Return names in quotes, as a sentence lists them."""
    return listed([repr(name) for name in names], 10)
