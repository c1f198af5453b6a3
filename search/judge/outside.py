"""Runs trained elsewhere, put on record: a study like any other, of which nothing was trained here.

Each run is one trial of one epoch whose row holds the scores of the file. Its key hashes them, so a file that gained
seeds goes on with its study, whose looks are counted, and one whose scores changed makes a new revision.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from search.core.errors import UserError
from search.core.prefix import fingerprint
from search.core.scores import ScoreRule
from search.core.shown import counted
from search.core.trial import DataCard, Row, State
from search.judge.asked import SCORE, Question, Wishes, question_of
from search.judge.score_file import ScoreFile, read_scores
from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.lock import study_lock
from search.ledger.step import Step
from search.ledger.urls import sqlite_url
from search.notebook import Study
from search.places import mirror_url, open_ledger
from search.report.record.curves import identity
from search.study.leaf import Leaf, Planner
from search.study.revision import bring_up_to_date, find_study, new_revision
from search.workload import Description, Run, Settings, Workload

EXECUTION_CLASS = {"trained": "elsewhere"}
SETTINGS: Description = {"setting": {"type": "string", "description": "what the file calls the setting"}}


class Outside(Workload):
    """The workload of such a study: it trains nothing.

    Args:
        file: the scores; None where a study on record is read.
        rules: metric -> how it comes from them.
    """

    recipe = "1"
    resumable = False
    settings: Description = SETTINGS

    def __init__(self, file: ScoreFile | None = None, rules: Mapping[str, ScoreRule] | None = None) -> None:
        self._file, self._rules = file, dict(rules or {})

    def data(self, fixed: Settings) -> DataCard:
        """Describe the examples: their names, splits and groups are all that is known of them."""
        file = self._read()
        content = {split: list(names) for split, names in file.examples.items()}
        groups = {split: list(names) for split, names in file.groups.items()}
        sizes = ", ".join(
            f"{counted(len(names), 'example')}{'' if len(content) == 1 else f' of {split}'}"
            for split, names in content.items()
        )
        called = f"the examples of {Path(file.path).name}"
        return DataCard(
            fingerprint([content, groups]),
            called,
            images=content,
            groups=groups,
            notes=[f"{sizes}, as the file has them"],
        )

    def inputs(self, fixed: Settings) -> Mapping[str, str]:
        """Return the hash of a run's scores and of how they are read: a run with others is another run."""
        own = self._read().scores[str(fixed["setting"]), int(fixed["seed"])]
        digest = hashlib.sha256()
        for split, values in sorted(own.items()):
            digest.update(split.encode() + b"\0" + np.ascontiguousarray(values).tobytes())
        for metric, rule in sorted(self._rules.items()):
            digest.update(repr((metric, sorted(vars(rule).items()))).encode())
        return {"scores": digest.hexdigest()}

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        """Return what is known of the machine: nothing."""
        return EXECUTION_CLASS

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Run:
        """Refuse to train.

        Raises:
            UserError: always.
        """
        raise UserError(_TRAINED_ELSEWHERE)

    def _read(self) -> ScoreFile:
        if self._file is None:
            raise UserError(_TRAINED_ELSEWHERE)
        return self._file

    def row(self, setting: str, seed: int) -> Row:
        """Return what a run measured."""
        own = self._read().scores[setting, seed]
        metrics = {metric: rule.metric(own[rule.split]) for metric, rule in self._rules.items()}
        return Row(metrics, {}, {split: {SCORE: values} for split, values in own.items()}, self._rules)


_TRAINED_ELSEWHERE = (
    "these runs were trained elsewhere, and nothing of them can be trained here; `python -m search judge FILE.csv` "
    "reads them anew"
)


def judge_scores(path: str, wishes: Wishes, results: Path, storage: str | None) -> tuple[Study, Question, ScoreFile]:
    """Put the runs of a file on record, and write their results.

    Args:
        path: of the file, CSV or Parquet.
        wishes: what is asked of it.
        results, storage: where the ledger is.

    Returns:
        the study, its table written; what was asked; the file.

    Raises:
        UserError: the file cannot be judged.
    """
    file = read_scores(path)
    question = question_of(file, wishes)
    sqlite_url(results)  # before anything is made there
    ledger = open_ledger(results, storage)
    mirror_url(results)  # makes the folder
    record = _on_record(ledger, file, question, _command(path, wishes))
    study = Study(ledger, record, results)
    study.write()
    return study, question, file


def _command(path: str, wishes: Wishes) -> str:
    """Return the command that asks the same again."""
    options: list[str] = []
    for name, value in vars(wishes).items():
        if value is None:
            continue
        each = value if name == "claims" else [value]
        for one in each:
            options += [f"--{name.removesuffix('s')}", *map(str, one if isinstance(one, tuple) else [one])]
    return shlex.join(["python", "-m", "search", "judge", path, *options])


def _on_record(ledger: Ledger, file: ScoreFile, question: Question, command: str) -> StudyRecord:
    """Record the runs that are not there yet; return their study."""
    workload, space = Outside(file, question.rules), question.space
    planner = Planner(space, workload, EXECUTION_CLASS, on_data=ledger.put_data)
    leaves = [
        planner.leaf(number, number // len(file.seeds), seed, {"setting": setting})
        for number, (setting, seed) in enumerate(file.scores)
    ]
    record = find_study(ledger, space)
    if not _continues(ledger, record, leaves):
        record = new_revision(ledger, space)
    with study_lock(ledger.engine, record.name):
        record = bring_up_to_date(ledger, record, space)
        ledger.update_study(record.id, execution_class=EXECUTION_CLASS)
        trials = ledger.trials(record.id)
        known = {(identity(trial.parameters), trial.seed) for trial in trials}
        fresh = [leaf for leaf in leaves if (identity(leaf.trial.parameters), leaf.trial.seed) not in known]
        if fresh:
            run = ledger.begin_run(record.id, _source(file, command))
            with ledger.step(record.id) as step:
                for number, leaf in enumerate(fresh, start=len(trials)):
                    _put(step, number, leaf, workload, run)
            ledger.end_run(run, "done", 0.0)
    return ledger.study(record.name)


def _source(file: ScoreFile, command: str) -> dict[str, object]:
    """Return the conditions of runs that a file holds."""
    return {"file": file.path, "sha256": file.digest, "command": command, **EXECUTION_CLASS}


def _put(step: Step, number: int, leaf: Leaf, workload: Outside, run: int) -> None:
    """Write one run: its trial, its row, and that it has finished."""
    step.add_trial(replace(leaf.trial, number=number), leaf.path, leaf.data)
    row = workload.row(str(leaf.trial.parameters["setting"]), leaf.trial.seed)
    step.put_row(leaf.path[0], 1, row, 0.0, run, leaf.kind)
    step.set_trial(number, state=State.FINISHED, last_epoch=1, ended_by="last epoch")
    step.log("recorded", trial=number, epoch=1, key=leaf.path[0])


def _continues(ledger: Ledger, record: StudyRecord, leaves: Sequence[Leaf]) -> bool:
    """Whether the runs of a study on record are all in the file, with the same scores."""
    own = {(identity(leaf.trial.parameters), leaf.trial.seed): list(leaf.path) for leaf in leaves}
    paths = ledger.paths(record.id)
    return all(
        own.get((identity(trial.parameters), trial.seed)) == list(paths[trial.number][0])
        for trial in ledger.trials(record.id)
    )
