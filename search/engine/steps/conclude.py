"""How a run ends: what is recorded of it, what is said, and what the caller gets."""

from __future__ import annotations

from dataclasses import dataclass

from search.core.trial import State
from search.engine.decide.driver import Driver
from search.engine.live import View
from search.plan.plan import Plan
from search.plan.text import compared
from search.space.limits import reached_sentence
from search.study.opened import OpenStudy


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        study: name of the study, with its revision.
        interrupted: why it ended early, or "".
        failed: numbers of the failed trials.
        mirror: why the Optuna mirror is behind, or "".
        epochs_trained: epochs trained in this run.
        complete: nothing is left to start: neither interrupted nor out of time.
    """

    study: str
    interrupted: str
    failed: list[int]
    mirror: str
    epochs_trained: int
    complete: bool = True


def conclude(
    driver: Driver,
    study: OpenStudy,
    run_id: int,
    mirror: str,
    seconds: float,
    plan: Plan | None,
    view: View,
    ray_s: float | None = None,
) -> RunOutcome:
    """Record how a run ended, say it, and return it.

    Args:
        driver: of the run.
        study: the study.
        run_id: the run.
        mirror: why the Optuna mirror is behind, or "".
        seconds: it trained.
        plan: made before its first epoch; None where nothing was trained.
        view: told.
        ray_s: seconds before that in which Ray was started; None where an earlier round of the run started it.
    """
    progress, interrupted = driver.progress, driver.stopping
    if plan is not None:
        trained, again, proved = progress.epochs_trained, progress.epochs_retrained, progress.epochs_proved
        view.say(compared(plan, trained, again, proved, seconds + (ray_s or 0.0), ray_s is not None))
    if driver.limit:
        what = "the study ends there" if driver.limit == "target" else f"to go on, raise limits.{driver.limit}"
        view.limited(f"{reached_sentence(study.space, driver.limit)}; {what}")
    if driver.out_of_time:
        view.limited(f"the limit of {study.space.search.hours:g} hours is reached; the same command goes on")
    failed = [trial.number for trial in study.ledger.trials(study.record.id) if trial.state == State.FAILED]
    end = f"interrupted: {interrupted}" if interrupted else "failed trials" if failed else "done"
    if end == "done" and (driver.out_of_time or driver.limit):
        end = f"limits.{driver.limit}" if driver.limit else "limit of hours"
    study.ledger.end_run(run_id, end, seconds)
    complete = not interrupted and not driver.out_of_time
    return RunOutcome(study.record.name, interrupted, failed, mirror, progress.epochs_trained, complete)
