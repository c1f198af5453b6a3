"""The blocks of seeds that a file's claims ask for: priced, trained and looked at, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from search import api
from search.core.errors import UserError
from search.judge.blocks import MIN_SEEDS, first_seeds, looks_left, looks_planned, settled
from search.plan.place import ASKED
from search.plan.plan import Plan
from search.plan.priced import ledger_to_read, priced
from search.report.record.looks import looks_of, seeds_finished
from search.space.model import Space
from search.space.reader import read_space
from search.statistics.verdicts import Kind
from search.study.revision import continued_study

if TYPE_CHECKING:
    from search.engine.executor.kept import KeptRay
    from search.engine.live import View
    from search.notebook import Study
    from search.report.table.model import Claim


@dataclass(frozen=True)
class Block:
    """One look.

    Attributes:
        number: of the look, counted from 1.
        planned: seeds of all looks.
        price: of the seeds that it added.
        whole: epochs of the last look's trials at full length.
        study: with the table of this look, `Study.written`.
    """

    number: int
    planned: tuple[int, ...]
    price: Plan
    whole: int
    study: Study

    @property
    def seeds(self) -> int:
        """Seeds of each setting at this look."""
        return self.planned[self.number - 1]

    @property
    def cut(self) -> str:
        """Why this look was not taken, as sentences: a limit of the file ended its training; "" where it was."""
        return self.study.written.incomplete if self.study.written is not None else ""

    @property
    def claims(self) -> list[Claim]:
        """The claims of the file with their verdicts; all undecided where the look was not taken."""
        claims = list(self.study.written.verdicts) if self.study.written is not None else []
        return (
            [replace(claim, kind=Kind.UNDECIDED, reason=self.cut, evidence={}) for claim in claims]
            if self.cut
            else claims
        )

    @property
    def spared(self) -> int:
        """Epochs of the whole budget that were not trained, as its trials would take them at full length."""
        return max(self.whole - self.price.epochs.full, 0)

    @property
    def looked(self) -> int:
        """Looks on record with this one, those of earlier commands among them."""
        return looks_of(self.study.opened, self.study.ledger.trials(self.study.opened.record.id))

    @property
    def settled(self) -> bool:
        """Whether every claim is decided."""
        return settled(self.claims)


def judged(
    file: str,
    changes: Mapping[str, object],
    results: Path,
    storage: str | None,
    most: int | None,
    view: View,
    say: Callable[[str], object],
    ray: KeptRay | None = None,
) -> Iterator[Block]:
    """Add seeds block by block until every claim of a file is decided, the last look was taken, or a limit is reached.

    Args:
        file: a space file with `report.claims`.
        changes: as for `search.space.reader.read_space`.
        results, storage: where the ledger is.
        most: seeds that are paid for at most.
        view: shows the runs.
        say: told the price of each block before it is trained.
        ray: that all blocks use.

    Yields:
        each look that was taken, once its table is written; at last one that a limit of the file cut, see `Block.cut`.

    Raises:
        UserError: the file states no claims, or is a search, or more seeds are on record than the last look has.
    """
    space = read_space(file, changes)
    _require(space, most)
    planned = looks_planned(space.report.looks, most)
    finished = _finished(space, results, storage)
    left = looks_left(planned, finished)
    if not left:
        raise UserError(
            f"study {space.name!r} has {finished} seeds on record, and the last look is at {planned[-1]}: a later one "
            "is planned with `report.looks` in the file, before its seeds are trained"
        )
    for seeds in left:
        looked = {"seeds": first_seeds(space.seeds, seeds), "report.looks": list(planned)}
        stage = read_space(file, {**changes, **looked})
        price = priced(stage, results, storage, say)
        if ray is not None and price.place.source == ASKED and not price.place.gpus:  # which GPUs, Ray knows
            ray.learn(stage.workload, price.place.cpus, price.place.gpus, price.place.execution_class)
        number = planned.index(seeds) + 1
        say(_offer(number, planned, price))
        study = api.run(stage, results=results, storage=storage, view=view, ray=ray)
        yield (block := Block(number, planned, price, price.epochs.full // seeds * planned[-1], study))
        if block.settled or block.cut:
            return


def _require(space: Space, most: int | None) -> None:
    """Refuse what no verdict can come of."""
    if not space.report.claims:
        raise UserError(
            f"{space.file}: states no claims; write what is to be judged under report.claims, such as "
            "`- better: [a, b]`"
        )
    if space.search.sampler != "grid":
        raise UserError(
            f"{space.file}: a search chooses what it shows, so that its claims are judged by its confirm stage "
            "alone (search.confirm); `judge` takes grids"
        )
    if most is not None and most < MIN_SEEDS:
        raise UserError(f"--max-seeds {most}: a verdict on a difference needs {MIN_SEEDS} seeds")


def _finished(space: Space, results: Path, storage: str | None) -> int:
    """Return the seeds that are on record of the study that a space continues."""
    with ledger_to_read(results, storage) as ledger:
        record = continued_study(ledger, space)
        return seeds_finished(ledger.trials(record.id)) if record is not None else 0


def _offer(number: int, planned: tuple[int, ...], price: Plan) -> str:
    """Say what a block costs, before it is trained."""
    from search.core.shown import counted, duration

    to_train = price.epochs.train + price.epochs.again + price.epochs.prove
    wall = "" if price.seconds.wall is None or not to_train else f", about {duration(price.seconds.wall)}"
    most = "" if number == len(planned) else f"; undecided claims go on, to {planned[-1]} seeds at most"
    look = f"look {number} of {len(planned)}, at {planned[number - 1]} seeds"
    return f"{look}: {counted(to_train, 'epoch')} to train{wall}{most}"
