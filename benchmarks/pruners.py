"""What pruners find, and what for: simulated searches under each of them, on the same curves.

    python -m benchmarks.pruners [--studies 1000] [--epochs 300] [--trials 81]

Curves are drawn: an accuracy rises to a level of its own, at a pace of its own, with noise, over 27 epochs, so that who
is ahead early is not always ahead in the end. One, four or eight workers, drawn as well, each train an epoch a moment.
Decided is by the very folds that a study's driver feeds, in the order in which rows come: of `promote` what is to go on
is asked for whenever a worker is free, as there. Rungs lie at 1, 3 and 9 epochs, one in three goes on.

How to read it. *Regret* is how far the best one that finished lies behind the best there was to find, in points: a mean
over the studies. "beside asha" is the mean difference to it, study by study, with its 95 % interval: below 0 is better.
For the same epochs each tries as many configurations as it comes to; of the same trials the price differs.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from benchmarks import harness
from search.core.hyperband import Hyperband
from search.core.median import MedianRule
from search.core.promotion import Promotion
from search.core.pruning import Asha, Pruner

LENGTH = 27
"""Epochs of a trial."""

WORKERS = (1, 4, 8)

RULES: Mapping[str, Callable[[], Pruner | None]] = {
    "none": lambda: None,
    "asha": lambda: Asha(1, 3, LENGTH),
    "promote": lambda: Promotion(1, 3, LENGTH),
    "hyperband": lambda: Hyperband(1, 3, LENGTH),
    "median": lambda: MedianRule(1, 5, LENGTH),
}

Z = 1.96


class Outcome(NamedTuple):
    """Regret of the best that finished, a fraction; epochs that were trained; trials that were started."""

    regret: float
    epochs: int
    trials: int


def curve(rng: random.Random) -> list[float]:
    """Return the accuracies of a trial, by epoch."""
    level, pace = rng.betavariate(4, 2), 10 ** rng.uniform(-1.5, 0)
    return [level * (1 - math.exp(-pace * epoch)) + rng.gauss(0, 0.01) for epoch in range(1, LENGTH + 1)]


def searched(rule: Pruner | None, curves: Sequence[Sequence[float]], workers: int, epochs: int | None) -> Outcome:
    """Run a search until it has spent so many epochs, or nothing is left to train.

    Args:
        curves: of the configurations, in the order in which they are tried.
        epochs: at most; None for no limit.
    """
    fresh, spent, now, best = iter(range(len(curves))), 0, 0, 0.0
    running: list[tuple[int, int, int]] = []  # moment, trial, epoch it has trained then
    started = 0

    def job() -> tuple[int, int] | None:
        nonlocal started
        if isinstance(rule, Promotion) and (found := rule.next()) is not None:
            rule.promote(*found)
            return int(found[1]), found[0]
        trial = next(fresh, None)
        started += trial is not None
        return None if trial is None else (trial, 0)

    while epochs is None or spent < epochs:
        while len(running) < workers and (found := job()) is not None:
            heapq.heappush(running, (now + 1, found[0], found[1] + 1))
        if not running:
            break
        now, trial, epoch = heapq.heappop(running)
        spent += 1
        if epoch == LENGTH:
            best = max(best, curves[trial][-1])
            if rule is not None:
                rule.finished([str(trial)] * LENGTH)
        elif rule is None or rule.judge(epoch, str(trial), curves[trial][:epoch], trial) is not False:
            heapq.heappush(running, (now + 1, trial, epoch + 1))
    return Outcome(max(one[-1] for one in curves) - best, spent, started)


def simulated(studies: int, trials: int, epochs: int | None, rules: Sequence[str]) -> dict[str, list[Outcome]]:
    """Return the outcomes under each rule, by study: the same curves and workers for all."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in rules}
    for seed in range(studies):
        rng = random.Random(seed)
        curves = [curve(rng) for _ in range(trials)]
        workers = rng.choice(WORKERS)
        for name in rules:
            outcomes[name].append(searched(RULES[name](), curves, workers, epochs))
    return outcomes


def lines(outcomes: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """Return the table of what came out."""
    told = [f"{'rule':11}{'regret':>8}{'beside asha':>26}{'epochs':>9}{'trials':>8}"]
    for name, found in outcomes.items():
        apart = [100 * (one.regret - other.regret) for one, other in zip(found, outcomes["asha"], strict=True)]
        half = Z * stdev(apart) / math.sqrt(len(apart))
        beside = (
            "" if name == "asha" else f"{fmean(apart):+.2f} [{fmean(apart) - half:+.2f}, {fmean(apart) + half:+.2f}]"
        )
        means = [fmean(one[place] for one in found) for place in range(3)]
        told.append(f"{name:11}{100 * means[0]:8.2f}{beside:>26}{means[1]:9.0f}{means[2]:8.1f}")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pruners", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000, help="at least 2")
    parser.add_argument("--epochs", type=int, default=300, help="of a search, where all have the same")
    parser.add_argument("--trials", type=int, default=81, help="of a search, where all have the same")
    chosen = parser.parse_args()
    print(f"For the same {chosen.epochs} epochs")
    print("\n".join(lines(simulated(chosen.studies, chosen.epochs, chosen.epochs, list(RULES)))), flush=True)
    print(f"\nOf the same {chosen.trials} trials")
    print("\n".join(lines(simulated(chosen.studies, chosen.trials, None, list(RULES)))), flush=True)
    shape = f"{chosen.studies:,} searches, {LENGTH} epochs a trial, {', '.join(map(str, WORKERS))} workers"
    print("\n" + "\n".join(harness.conditions({"searches": shape})))


if __name__ == "__main__":
    main()
