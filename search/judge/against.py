"""Proposals judged one after another against what was accepted last, on record: `search.judge.sequence` with a ledger.

The sequence is a study without trials whose order log is the sequence's state. Every proposal is a study of two
settings, the incumbent and the proposal, trained like any other, so that rows on record are trained no second time.
Validation scores alone are read; no page of these studies is written, for it would show test figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from search.core.derived import rule_of
from search.core.errors import UserError
from search.core.sequences import sequence_of
from search.core.shown import counted
from search.judge import sequence
from search.judge.candidates import AXIS, KEY_SEED, candidates, compared_space, planner_of
from search.judge.sequence import (
    CONFIRM_SEEDS,
    CONFIRMING,
    JUDGED,
    MIN_NOISE_DF,
    PROPOSED,
    SCREEN_SEEDS,
    SCREENED,
    SHOWN,
    UNKNOWN_NOISE_SEEDS,
    Candidate,
    History,
    Noise,
    Proposal,
    folded,
    fresh_seeds,
    noise_of,
    one_sided,
)
from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.scored import score_rules
from search.plan.similar import squares_on_record
from search.report.record.curves import Curve, Curves, read_curves
from search.report.record.evidence import gather, gather_scores, keys_of
from search.report.record.panel import Panel
from search.report.table.unmoved import SEED, unmoved
from search.space.model import Space
from search.space.recorded import rebuild
from search.statistics.cell import cell
from search.statistics.crossed import compare
from search.statistics.results import CellEstimate, Difference, Trust
from search.study.leaf import Leaf, Planner
from search.study.opened import OpenStudy

INCUMBENT, PROPOSAL = "incumbent", "proposal"
FIRST_SEED = 1_000
"""Seeds of a sequence begin here: those that people list begin at 0."""

Train = Callable[[Space, Ledger], str]
"""Trains what is missing of a space; returns the name of its study."""


NOT_ADMITTED = "not admitted"
"""Verdict on a proposal beyond the bound of false keeps."""


@dataclass(frozen=True)
class Told:
    """What is said of one proposal.

    Attributes:
        proposal: as it stands; None where it is the incumbent itself, or is not admitted.
        name: what its file calls it.
        verdict: kept, not better, or "not admitted".
        earlier: it was judged before, perhaps under another name.
    """

    proposal: Proposal | None
    name: str
    verdict: str
    earlier: bool = False


class Against:
    """A sequence of a ledger.

    Args:
        ledger: where it is.
        record: the study that is its log.
        train: trains a space.
        say: told what is done.
    """

    def __init__(self, ledger: Ledger, record: StudyRecord, train: Train, say: Callable[[str], object]) -> None:
        self._ledger, self._record, self._train, self._say = ledger, record, train, say
        self.space = rebuild(record.space, record.name)
        self._planners: dict[str, Planner] = {}

    @property
    def name(self) -> str:
        """What the sequence is called."""
        return sequence_of(self._record.name)

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.space.search.objective.metric

    @property
    def history(self) -> History:
        """The sequence as it stands."""
        return folded((entry.kind, entry.detail) for entry in self._ledger.decisions(self._record.id))

    def judge(self, space: Space, most: float) -> Iterator[Told]:
        """Judge the settings of a file, each a proposal, in the file's order.

        Args:
            space: of the file, a grid.
            most: expected false keeps that are allowed.
        """
        for candidate, leaf in candidates(space, self._record):
            self._fits(space, candidate, leaf)
            state = self.history
            if state.judged(candidate.key) is None and candidate.key == state.candidate(0).key:
                yield Told(None, candidate.name, sequence.REJECTED, earlier=True)
                continue
            earlier = state.judged(candidate.key)
            if earlier is None and not state.admits(most):
                yield Told(None, candidate.name, NOT_ADMITTED)
                continue
            known = earlier is not None and bool(earlier.verdict)
            proposal = earlier if earlier is not None else self._propose(candidate, state)
            while not proposal.verdict:
                self._advance(proposal)
                proposal = self.history.proposals[proposal.number - 1]
            yield Told(proposal, candidate.name, proposal.verdict, known)

    def final(self) -> tuple[Candidate, CellEstimate, str, int]:
        """Return the incumbent with its test figure on fresh seeds, the test metric, and how often it was looked at.

        Raises:
            UserError: rows have no test metric.
        """
        state = self.history
        number = state.incumbent_number
        seeds = state.shown.get(number) or self._fresh([state.incumbent], CONFIRM_SEEDS, state)
        read, runs = self._read(self._space(f"final {number}", {INCUMBENT: state.incumbent}, seeds), seeds)
        metric = f"test_{self.metric.removeprefix('val_')}"
        if metric not in read.metrics:
            raise UserError(f"sequence {self.name!r}: rows have no {metric}, so there is no figure it never read")
        panel = self._panel(read, [runs[INCUMBENT]], metric, "test", "best")
        with self._ledger.step(self._record.id) as step:
            step.log(SHOWN, number=number, seeds=list(seeds))
        estimate = (
            cell(panel.scores, 0) if isinstance(panel, Panel) else CellEstimate(Trust.NOT_ESTIMABLE, reason=panel)
        )
        return state.incumbent, estimate, metric, state.looks + 1

    def _propose(self, candidate: Candidate, state: History) -> Proposal:
        """Record a proposal, with the seeds and the noise by which it will be screened."""
        noise = self._noise(candidate, state)
        count = UNKNOWN_NOISE_SEEDS if noise is None else SCREEN_SEEDS
        seeds = self._fresh([state.incumbent, candidate], count, state)
        with self._ledger.step(self._record.id) as step:
            step.log(
                PROPOSED,
                **candidate.told,
                against=state.incumbent_number,
                seeds=seeds,
                noise=None if noise is None else asdict(noise),
            )
        return self.history.proposals[-1]

    def _noise(self, candidate: Candidate, state: History) -> Noise | None:
        """Return the noise that is known of runs on these data; None of too few degrees of freedom."""
        data = self._leaf(candidate, KEY_SEED).data
        told = squares_on_record(self._ledger, self.space.workload, data, self.metric)
        known = [sequence.pooled(state.noises, "comparisons of this sequence")]
        if told is not None:
            own, name, _ = told
            known.append(noise_of(own.squares, own.df, own.seeds, own.images, name))
        best = max((one for one in known if one is not None), key=lambda one: one.df, default=None)
        return best if best is not None and best.df >= MIN_NOISE_DF else None

    def _advance(self, proposal: Proposal) -> None:
        """Take a proposal one step further, and record it."""
        state = self.history
        if proposal.screening is None:
            difference, examples, reason = self._compared(proposal, proposal.seeds, "screening")
            gain = difference.gain if difference is not None else None
            if difference is None or gain is None:
                p = 1.0
            elif difference.state is Trust.SAME_RUN:
                p, reason = 1.0, "the same runs"
            else:
                p = proposal.noise.p(gain, examples) if proposal.noise is not None else one_sided(difference)
            self._log(SCREENED, proposal, gain, p, reason, difference)
        elif not proposal.confirming:
            pair = [state.candidate(proposal.against), proposal.candidate]
            with self._ledger.step(self._record.id) as step:
                step.log(CONFIRMING, number=proposal.number, seeds=self._fresh(pair, CONFIRM_SEEDS, state))
        else:
            difference, _, reason = self._compared(proposal, proposal.confirming, "confirmation")
            whole = difference is not None and difference.seeds == CONFIRM_SEEDS
            p = one_sided(difference) if difference is not None and whole else 1.0
            self._log(JUDGED, proposal, difference.gain if difference is not None else None, p, reason, difference)

    def _log(
        self, kind: str, proposal: Proposal, gain: float | None, p: float, reason: str, difference: Difference | None
    ) -> None:
        noise = None
        if difference is not None and difference.squares is not None and difference.seeds > 1:
            source = f"proposal {proposal.number}"
            noise = noise_of(difference.squares, difference.seeds - 1, difference.seeds, difference.images, source)
        with self._ledger.step(self._record.id) as step:
            told = None if noise is None else asdict(noise)
            step.log(kind, number=proposal.number, gain=gain, p=p, reason=reason, noise=told)

    def _compared(self, proposal: Proposal, seeds: Sequence[int], step: str) -> tuple[Difference | None, int, str]:
        """Train a proposal and its incumbent under some seeds; return their difference, the examples, why there is
        none."""
        state = self.history
        pair = {INCUMBENT: state.candidate(proposal.against), PROPOSAL: proposal.candidate}
        self._say(
            f"proposal {proposal.number}, {proposal.candidate.name}: {step} on {counted(len(seeds), 'fresh seed')} of "
            f"either side ({', '.join(map(str, seeds))})"
        )
        every = [*proposal.seeds, *proposal.confirming]
        read, runs = self._read(self._space(str(proposal.number), pair, every), seeds)
        value = self.space.report.value
        panel = self._panel(read, [runs[INCUMBENT], runs[PROPOSAL]], self.metric, "val", value)
        if not isinstance(panel, Panel):
            return None, 0, panel
        if SEED in unmoved([runs[INCUMBENT], runs[PROPOSAL]], ()).axes:  # copies of one run tell of no other run
            return None, 0, "the seed changed no bit"
        (difference,) = compare(panel.scores, [(1, 0)], stuck=panel.unlearned)
        return difference, panel.scores.images, difference.reason

    def _panel(
        self, read: Curves, lines: Sequence[Sequence[Curve]], metric: str, split: str, value: str
    ) -> Panel | str:
        """Return the scores of lines that were measured on the same examples; else why there are none."""
        evidence = gather(read, lines, metric, split, value)
        rules = score_rules(read.study.ledger, keys_of(lines, value))
        rule = rules.get(metric) or rule_of(metric)
        if evidence.why and rule is not None:
            evidence = gather_scores(read, lines, metric, rule, value)
        if evidence.why or len(evidence.panels) != 1 or len(evidence.panels[0].places) != len(lines):
            return evidence.why or "they were measured on different examples"
        return evidence.panels[0]

    def _read(self, space: Space, seeds: Sequence[int]) -> tuple[Curves, dict[str, list[Curve]]]:
        """Train a space; return its curves, and by candidate those of some seeds."""
        name = self._train(space, self._ledger)
        read = read_curves(OpenStudy(self._ledger, self._ledger.study(name)))
        runs: dict[str, list[Curve]] = {INCUMBENT: [], PROPOSAL: []}
        for curve in read.curves:
            if curve.trial.seed in seeds:
                runs[str(curve.trial.parameters[AXIS])].append(curve)
        return read, runs

    def _space(self, what: str, sides: Mapping[str, Candidate], seeds: Sequence[int]) -> Space:
        return compared_space(self.space, self.name, what, sides, seeds)

    def _fresh(self, sides: Sequence[Candidate], number: int, state: History) -> list[int]:
        """Return seeds under which neither side was ever run: who chose it may have seen those runs."""
        used = set(state.seeds)
        while True:
            seeds = fresh_seeds(used, number, FIRST_SEED)
            last = {seed: [self._leaf(one, seed).path[-1] for one in sides] for seed in seeds}
            known = self._ledger.rows([key for keys in last.values() for key in keys]).keys()
            seen = {seed for seed, keys in last.items() if known & set(keys)}
            if not seen:
                return seeds
            used |= seen

    def _leaf(self, candidate: Candidate, seed: int) -> Leaf:
        """Return the leaf of a candidate under a seed."""
        if candidate.key not in self._planners:
            space = self._space("0", {INCUMBENT: candidate}, [KEY_SEED])
            self._planners[candidate.key] = planner_of(space, self._record)
        return self._planners[candidate.key].leaf(0, 0, seed, {AXIS: INCUMBENT})

    def _fits(self, space: Space, candidate: Candidate, leaf: Leaf) -> None:
        """Refuse what cannot be compared with the incumbent.

        Raises:
            UserError: it is of another workload, or on other data.
        """
        if space.workload != self.space.workload:
            raise UserError(
                f"{space.file}: is of workload {space.workload!r}, and the sequence {self.name!r} of "
                f"{self.space.workload!r}; only settings of one workload are compared"
            )
        if leaf.data != self._leaf(self.history.candidate(0), KEY_SEED).data:
            raise UserError(
                f"{space.file}: {candidate.name} is trained on other data than the sequence {self.name!r}; give both "
                "the same data and split"
            )
