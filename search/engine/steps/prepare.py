"""What a run looks at before it trains: the data, what rows on record decide already, and the nodes of a cluster."""

from __future__ import annotations

from itertools import islice

from search.core.trial import DataCard
from search.engine.decide.admission import LEAVES_PER_QUERY
from search.engine.live import View
from search.engine.machines.agreement import Question, StudySample, agreed
from search.engine.machines.challenge import Challenge
from search.engine.machines.nodes import Share
from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.measured import Measured
from search.plan.process import AskedClass
from search.space.addressed import addressed
from search.space.model import Space
from search.space.reading import read_all
from search.study.cards import check_card, unnoticed
from search.study.fold import begun, ended_for_good
from search.study.leaf import Planner, canonical
from search.system import gpus
from search.workload import Workload, identity


def read_data(space: Space, workload: Workload, view: View) -> tuple[StudySample, DataCard | None]:
    """Read the data of one configuration before anything is recorded or started: it may take long, or not be there.

    Returns:
        what was read, which every node of a cluster must find the same; and what a report must know of the data.

    Raises:
        UserError: it cannot be read, or contradicts itself.
    """
    view.say("reading the data")
    settings, service = canonical(space, workload, space.example(), space.seeds[0])
    with addressed(space):
        fixed, _ = workload.schedule(settings, service["epochs"])
        card = workload.data(fixed)
        inputs = dict(workload.inputs(fixed))
    if card is not None:
        check_card(card, space.workload)
        grouped = [f"{len(set(names)):,} groups of {split} examples" for split, names in card.groups.items()]
        view.say(f"data: {'; '.join([card.name, *card.notes, *grouped])}")
    if card is None or not card.fingerprint:
        view.say(unnoticed(space.workload))
    if space.search.sampler != "grid":  # of a grid every configuration is looked at when the run is planned
        read_all(space, workload)
    return StudySample(fixed, card.fingerprint if card is not None else "", inputs), card


def every_trial_ended(ledger: Ledger, record: StudyRecord, space: Space) -> bool:
    """Whether all trials on record ended for good."""
    trials = [trial for trial in ledger.trials(record.id) if trial.seed in space.seeds]
    return bool(trials) and all(ended_for_good(trial, space) for trial in trials)


def grid_on_record(ledger: Ledger, space: Space, planner: Planner) -> bool:
    """Whether rows on record decide every trial of a grid, so that a new study of them needs no worker either."""
    leaves = (
        planner.leaf(0, number, seed, parameters)
        for number, parameters in enumerate(space.grid())
        for seed in space.seeds
    )
    measured = Measured(ledger, space.search.measured)
    count = 1  # mostly the first one tells
    while batch := list(islice(leaves, count)):
        rows = measured.rows({key: leaf.data for leaf in batch for key in leaf.path})
        for fold in [begun(leaf, space) for leaf in batch]:
            while not fold.ended and (key := fold.next_key) in rows:
                fold.ended = fold.feed(rows[key].row, rows[key].seconds) is not None
            if not fold.ended:
                return False
        count = LEAVES_PER_QUERY
    return True


def asked_ahead(space: Space) -> AskedClass | None:
    """Ask a process of this machine what it is, while Ray starts: a worker imports the workload for as long as that
    takes. Return None where a trial may have a GPU: which part of it, Ray knows.

    Args:
        space: what is to be trained.
    """
    resources = space.resources
    no_gpus = resources.gpus == 0 or (resources.gpus is None and not gpus.count())
    return AskedClass(space.workload, resources.cpus, 0.0) if no_gpus else None


def proven_class(
    ledger: Ledger, space: Space, workload: Workload, address: str, share: Share, sample: StudySample, view: View
) -> dict[str, str]:
    """Return the execution class of the cluster's nodes, each of which proved that it can train this study.

    Args:
        ledger: where rows are; its folder of states must be shared by all nodes.
        space, workload: what is trained.
        address: HOST:PORT of the cluster.
        share: what a trial gets, and the nodes.
        sample: the data as this machine reads it.
        view: told who is asked.

    Raises:
        UserError: a node cannot, or they differ.
    """
    from search.engine.executor import tune
    from search.engine.executor.cluster import ask

    states = str(ledger.states.folder)
    setup = tune.worker_setup(space.workload, share.cpus, share.gpus, {}, states=states)
    view.say(f"asking every node that offers workers: {', '.join(map(str, share.nodes))}")
    with Challenge(states) as challenge:
        question = Question(setup, challenge.name, sample.fixed)
        answers = ask(share.nodes, question, view.say)
        return agreed(address, answers, challenge, identity(space.workload, workload), sample)
