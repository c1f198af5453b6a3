"""Whole studies against plain Ray Tune as it is documented: wall-clock and core-hours; and what the service costs.

    python -m benchmarks.study [--studies factorial resnet] [--set KEY=VALUE] [--repeats 1] [--tuned] [--no-service]

The studies are grids of the classifier on the CPU, one core per trial: `factorial`, spaces/factorial_small.yaml, 96
short trials that share much; and `resnet`, benchmarks/resnet.yaml, 8 trials of ResNet-18, of which two at a time share
three quarters of their epochs. Sides, counting and the comparison to the last bit are those of `benchmarks.sharing`;
--tuned adds Ray Tune with `reuse_actors` and without file loggers.

How to read it. *wall s* is the whole command. *core-h held* is wall-clock by all cores of the machine: what a rented
machine costs. *trained* is the seconds of training on a core, *processor* the processor time of everything the command
started, Ray included, by what it was. In each column the last lines give the other side by ours. Of several repeats the
one whose ratio in time is the median is shown. Then follows `benchmarks.service`: what the service itself takes of a
study of 10-second trials.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Mapping, Sequence

from benchmarks import conditions, service, sharing
from benchmarks.processes import KINDS
from benchmarks.shares import OURS, PLAIN, TUNED, Side, differences

STUDIES = {"factorial": "spaces/factorial_small.yaml", "resnet": "benchmarks/resnet.yaml"}


def hours(sides: Mapping[str, Side], cores: int) -> list[str]:
    """Return one line per side with what it took, and one per other side with that by ours.

    Args:
        sides: ours among them.
        cores: of the machine.
    """
    head = ("epochs", "wall s", "core-h held", "trained s", "processor s", *(f"of {kind}" for kind in KINDS))
    rows = {
        name: (
            float(side.epochs),
            side.wall,
            side.wall * cores / 3600,
            side.training,
            sum(side.processor.values()),
            *(side.processor.get(kind, 0.0) for kind in KINDS),
        )
        for name, side in sides.items()
    }
    digits = (0, 1, 4, 1, 1, *[1] * len(KINDS))
    lines = [_line("", head)]
    lines += [_line(name, [f"{v:.{n}f}" for v, n in zip(row, digits, strict=True)]) for name, row in rows.items()]
    for name, row in rows.items():
        if name != OURS:
            ratios = [f"{theirs / ours:.2f}" if ours else "" for theirs, ours in zip(row, rows[OURS], strict=True)]
            lines.append(_line(f"{name} by ours", ratios))
    return lines


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:30}" + "".join(f"{cell:>18}" for cell in cells)


def compare(file: str, sets: Mapping[str, str], repeats: int, tuned: bool) -> list[str]:
    """Run a study on all sides in turns and return the lines of figures; the sides must agree.

    Raises:
        SystemExit: a side failed, or is no grid the plain side knows.
    """
    space = sharing.space_of(file, sets)
    arguments = [file, *(word for name, value in sets.items() for word in ("--set", f"{name}={value}"))]
    sharing.decode(space)
    names = [OURS, PLAIN, *([TUNED] if tuned else [])]
    runs = []
    for repeat in range(repeats):
        found = {}
        for name in names if repeat % 2 == 0 else reversed(names):
            found[name] = sharing.measure(name, arguments)
            print(f"  repeat {repeat + 1}, {name}: {found[name].wall:.1f} s", file=sys.stderr, flush=True)
        runs.append({name: found[name] for name in names})
    each = [run[PLAIN].wall / run[OURS].wall for run in runs]
    middle = runs[each.index(statistics.median_low(each))]
    lines = hours(middle, len(conditions.cores()))
    for name in names[1:]:
        found_different = [difference for run in runs for difference in differences(run[OURS], run[name])]
        same = "agrees with ours to the last bit"
        lines.append(
            f"{name}: " + (f"DIFFERS from ours: {'; '.join(found_different[:3])}" if found_different else same)
        )
    return [*lines, f"wall-clock of {PLAIN} by ours: {', '.join(f'{ratio:.2f}' for ratio in sorted(each))}"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", nargs="*", choices=list(STUDIES), default=list(STUDIES))
    parser.add_argument("--set", dest="sets", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--tuned", action="store_true", help="also Ray Tune with reuse_actors and without file loggers")
    parser.add_argument("--no-service", action="store_true", help="leave out the study of 10-second trials")
    chosen = parser.parse_args()
    if chosen.repeats < 1:
        parser.error("at least 1 repeat")
    if odd := [text for text in chosen.sets if "=" not in text]:
        parser.error(f"--set {odd[0]}: write --set key=value")
    sets = dict(text.split("=", 1) for text in chosen.sets)
    told = conditions.lines({"each trial": "1 core, 1 thread, fp32", "repeats": chosen.repeats})
    print("\n".join(line for line in [*told, conditions.busy()] if line), flush=True)
    for name in chosen.studies:
        print(f"\n{name}: {STUDIES[name]}", flush=True)
        print("\n".join(compare(STUDIES[name], sets, chosen.repeats, chosen.tuned)), flush=True)
        print(f"load after: {os.getloadavg()[0]:.1f}", flush=True)
    if not chosen.no_service:
        print()
        service.main([])


if __name__ == "__main__":
    main()
