"""What `search.workload` promises, as a suite that runs over any workload.

    class TestMine(WorkloadContract):
        name = "package.module:attribute"
        settings = {"lr": 0.1, "seed": 1}

Every epoch is trained on one CPU thread, so give settings that train in seconds.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import numpy as np
import pytest

from search.core import prefix
from search.core.derived import derived, with_derived
from search.core.trial import Row
from search.ledger import codec
from search.workload import Measuring, Occupying, OnDemand, Run, Settings, Workload, identity, load_workload
from search.workload.measured import row_of
from search.workload.settings import why_not
from tests.surroundings import HANG_S


class WorkloadContract:
    """Inherit, name the workload and give it settings to train.

    Attributes:
        name: as a space file names it.
        settings: a trial's settings, as a person would write them, with the seed.
        between: settings of another run that is trained in the same process in between.
        epochs: how many are trained; at least 2.
        absorbed: settings that the schedule turns into others (a decay scheme becomes learning rates).
    """

    name: ClassVar[str]
    settings: ClassVar[Settings]
    between: ClassVar[Settings | None] = None
    epochs: ClassVar[int] = 3
    absorbed: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture(scope="class")
    @classmethod
    def workload(cls) -> Workload:
        return load_workload(cls.name)

    @pytest.fixture(scope="class")
    @classmethod
    def canonical(cls, workload: Workload) -> dict[str, Any]:
        return workload.canonical(cls.settings)

    @pytest.fixture(scope="class")
    @classmethod
    def alone(cls, workload: Workload, canonical: Settings) -> list[Row]:
        """The rows of an undisturbed run: what every other run must repeat."""
        run, each = begin(workload, canonical, cls.epochs)
        return [measure(run, now) for now in each]

    # What can be set ------------------------------------------------------------------------------------------

    def test_every_setting_is_described_by_a_rule_that_its_default_obeys(self, workload):
        for name, rule in workload.settings.items():
            jsonschema.Draft202012Validator.check_schema(dict(rule))
            assert {"type", "enum"} & set(rule), f"{name} takes anything"
            assert rule.get("description"), f"{name} does not say what it means"
            assert "default" not in rule or why_not(rule["default"], rule) == "", name
            assert set(rule.get("when", {})) <= set(workload.settings), f"{name} hangs on settings that are not there"

    def test_canonical_is_idempotent(self, workload, canonical):
        assert spelt(workload.canonical(canonical)) == spelt(canonical)

    def test_canonical_does_not_depend_on_the_order_of_settings(self, workload, canonical):
        backwards = dict(reversed(list(self.settings.items())))
        assert spelt(workload.canonical(backwards)) == spelt(canonical)

    def test_canonical_leaves_what_it_was_given_alone(self, workload):
        given = json.loads(json.dumps(dict(self.settings)))
        workload.canonical(given)
        assert spelt(given) == spelt(self.settings)

    def test_canonical_keeps_the_seed(self, canonical):
        assert canonical["seed"] == self.settings["seed"]

    def test_canonical_settings_are_plain_data(self, canonical):
        assert_plain(canonical)

    def test_the_last_bits_of_a_number_do_not_matter(self, workload, canonical):
        blurred = {name: blur(value) for name, value in canonical.items()}
        assert spelt(workload.canonical(blurred)) == spelt(canonical)

    def test_defaults_may_be_written_or_left_out(self, workload, canonical):
        rules = workload.settings
        sparse = {
            name: value
            for name, value in canonical.items()
            if not ("default" in rules.get(name, {}) and spelt(value) == spelt(rules[name]["default"]))
        }
        assert spelt(workload.canonical(sparse)) == spelt(canonical)

    def test_a_misspelt_setting_is_a_fault_that_names_it(self, workload):
        wrong = f"{next(iter(workload.settings))}x"
        with pytest.raises(ValueError, match=wrong) as refused:
            workload.canonical({**self.settings, wrong: 1})
        assert wrong in [name for name, _ in refused.value.faults]

    # The schedule ---------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("epochs", [0, 1, 2, 7])
    def test_a_schedule_has_one_mapping_per_epoch(self, workload, canonical, epochs):
        assert len(workload.schedule(canonical, epochs)[1]) == epochs

    def test_a_longer_schedule_extends_a_shorter_one(self, workload, canonical):
        fixed, each = workload.schedule(canonical, 12)
        for epochs in range(12):
            shorter_fixed, shorter = workload.schedule(canonical, epochs)
            assert spelt(shorter_fixed) == spelt(fixed)
            assert spelt(shorter) == spelt(each[:epochs])

    def test_fixed_and_epoch_settings_cover_the_trial_without_overlap(self, workload, canonical):
        fixed, each = workload.schedule(canonical, self.epochs)
        for now in each:
            assert not set(fixed) & set(now)
            assert set(fixed) | set(now) >= set(canonical) - self.absorbed
            described = {name: workload.settings[name] for name in now if name in workload.settings}
            assert [name for name, rule in described.items() if not rule.get("epoch")] == []
        assert "seed" in fixed
        for name in set(fixed) & set(canonical):
            assert spelt(fixed[name]) == spelt(canonical[name])

    def test_a_schedule_is_plain_data_in_its_final_spelling(self, workload, canonical):
        fixed, each = workload.schedule(canonical, 12)
        for settings in (fixed, *each):
            assert_plain(settings)
            for number in numbers(settings):
                assert number == float(f"{number:.12g}"), "numbers are rounded to 12 significant digits"

    def test_a_schedule_leaves_what_it_was_given_alone(self, workload, canonical):
        before = spelt(canonical)
        fixed, each = workload.schedule(canonical, 3)
        for settings in (fixed, *each):
            settings["scribble"] = 1
        assert spelt(canonical) == before
        assert "scribble" not in spelt(workload.schedule(canonical, 3))

    def test_defaults_are_in_no_key(self, workload, canonical):
        fixed, each = workload.schedule(canonical, self.epochs)
        for settings in (fixed, *each):
            for name, value in prefix.without_defaults(settings, workload.settings).items():
                default = workload.settings.get(name, {}).get("default", ...)
                assert default is ... or prefix.fingerprint(value) != prefix.fingerprint(default), name

    def test_everything_that_a_key_is_made_of_can_be_hashed(self, workload, canonical):
        assert len(set(keys(self.name, workload, canonical, self.epochs))) == self.epochs
        assert keys(self.name, workload, canonical, 5)[:2] == keys(self.name, workload, canonical, 2)

    def test_the_seed_is_in_every_key(self, workload, canonical):
        other = {**canonical, "seed": canonical["seed"] + 1}
        ours, theirs = (keys(self.name, workload, settings, self.epochs) for settings in (canonical, other))
        assert not set(ours) & set(theirs)

    def test_what_was_said_once_of_data_weights_and_machine_is_said_again(self, workload, canonical):
        fixed, _ = workload.schedule(canonical, 1)
        one, other = workload.data(fixed), workload.data(fixed)
        assert (one is None and other is None) or one.fingerprint == other.fingerprint
        for answers in ([workload.inputs(fixed) for _ in "12"], [workload.execution_class(1, 0) for _ in "12"]):
            assert answers[0] == answers[1]
            assert all(isinstance(text, str) for item in answers[0].items() for text in item)

    # Rows -----------------------------------------------------------------------------------------------------

    def test_rows_are_complete(self, workload, canonical, alone):
        card = workload.data(workload.schedule(canonical, 1)[0])
        for row in alone:
            assert row.metrics
            assert set(row.metrics) == set(alone[0].metrics)
            if isinstance(workload, Measuring):  # some are worked out where the row is read
                told = with_derived(row, derived(workload.metrics), card.truth if card is not None else {})
                on_demand = workload.on_demand if isinstance(workload, OnDemand) else {}
                unasked = {metric for metric, setting in on_demand.items() if not canonical[setting]}
                assert set(told.metrics) == set(workload.metrics) - unasked
                assert set(row.metrics) == set(workload.metrics) - set(derived(workload.metrics)) - unasked
            assert set(row.predictions) == set(alone[0].predictions)
            for split, predicted in row.predictions.items():
                assert predicted.dtype.kind in "iu"
                assert card is not None, "predictions need a data card with the truth"
                assert predicted.shape == np.asarray(card.truth[split]).shape
                assert predicted.size == 0 or 0 <= predicted.min() <= predicted.max() < len(card.classes)

    def test_rows_come_back_from_the_ledger(self, alone):
        for row in alone:
            assert codec.decode_row(codec.encode_row(row)).differences(row) == []

    def test_a_second_run_gives_the_same_bits(self, workload, canonical, alone):
        run, each = begin(workload, canonical, self.epochs)
        assert_same([measure(run, now) for now in each], alone)

    def test_what_the_process_did_in_between_does_not_matter(self, workload, canonical, alone):
        other = workload.canonical(self.between or {**self.settings, "seed": self.settings["seed"] + 1})
        stranger, strange = begin(workload, other, self.epochs)
        run, each = begin(workload, canonical, self.epochs)
        rows = []
        for now, strange_now in zip(each, strange, strict=True):
            stir()
            measure(stranger, strange_now)
            rows.append(measure(run, now))
        assert_same(rows, alone)

    def test_saving_does_not_disturb_a_run(self, workload, canonical, alone):
        only_with_states(workload)
        run, each = begin(workload, canonical, self.epochs)
        rows = []
        for now in each:
            assert isinstance(run.save(), bytes)
            rows.append(measure(run, now))
        assert_same(rows, alone)

    def test_what_a_run_takes_of_its_gpu_is_told_and_disturbs_nothing(self, workload, canonical, alone):
        run, each = begin(workload, canonical, self.epochs)
        if not isinstance(run, Occupying):
            return  # it may be left out: such a run shares its GPU with nobody
        rows = []
        for now in each:
            assert_usage(run.usage())
            rows.append(measure(run, now))
            assert_usage(run.usage())
        assert_same(rows, alone)

    def test_every_state_goes_on_bit_for_bit(self, workload, canonical, alone):
        only_with_states(workload)
        run, each = begin(workload, canonical, self.epochs)
        for done, now in enumerate(each):
            resumed, _ = begin(workload, canonical, self.epochs)
            resumed.load(run.save())
            stir()
            assert_same([measure(resumed, later) for later in each[done : done + 2]], alone[done : done + 2])
            measure(run, now)

    def test_a_used_run_can_take_up_another_state(self, workload, canonical, alone):
        only_with_states(workload)
        run, each = begin(workload, canonical, self.epochs)
        start = run.save()
        for now in each[:-1]:
            measure(run, now)
        run.load(start)
        assert_same([measure(run, each[0])], alone[:1])

    def test_a_fresh_process_gives_the_same_bits_from_the_start_and_half_way(self, workload, canonical, alone):
        run, each = begin(workload, canonical, self.epochs)
        half = self.epochs // 2 if workload.resumable else 0
        for now in each[:half]:
            measure(run, now)
        state = base64.b64encode(run.save()).decode() if half else ""
        task = {"name": self.name, "settings": canonical, "epochs": self.epochs, "half": half, "state": state}
        rows = {which: [unpack(blob) for blob in blobs] for which, blobs in in_a_fresh_process(task).items()}
        assert_same(rows["resumed"], alone[half:])
        assert_same(rows["whole"], alone)


# What the suite and its fresh process have in common ----------------------------------------------------------


def begin(workload: Workload, canonical: Settings, epochs: int) -> tuple[Run, Sequence[Settings]]:
    fixed, each = workload.schedule(canonical, epochs)
    return workload.start(fixed, 1, 0), each


def only_with_states(workload: Workload) -> None:
    if not workload.resumable:
        pytest.skip("each run of this workload is trained from its first epoch")


def measure(run: Run, settings: Settings) -> Row:
    return row_of(run.train_epoch(settings))


def keys(name: str, workload: Workload, canonical: Settings, epochs: int) -> list[str]:
    fixed, each = workload.schedule(canonical, epochs)
    card = workload.data(fixed)
    root = prefix.root_key(
        identity(name, workload),
        card.fingerprint if card else "",
        workload.inputs(fixed),
        prefix.without_defaults(fixed, workload.settings),
        workload.execution_class(1, 0),
    )
    return prefix.path(root, [prefix.without_defaults(now, workload.settings) for now in each])


def assert_same(rows: Sequence[Row], expected: Sequence[Row]) -> None:
    assert [row.differences(other) for row, other in zip(rows, expected, strict=True)] == [[]] * len(expected)


def assert_usage(usage: Mapping[str, float] | None) -> None:
    """Nothing is known, or fractions and a count are."""
    if usage is None:
        return
    assert "memory" in usage
    assert set(usage) <= {"memory", "busy", "refused"}
    assert 0 < usage["memory"] <= 1
    assert 0 <= usage.get("busy", 0) <= 1
    assert usage.get("refused", 0) >= 0


def assert_plain(settings: Settings) -> None:
    """Lists, mappings, text, bool, int, float and null exactly: no tuples, enums or numpy numbers."""
    assert spelt(json.loads(json.dumps(settings, allow_nan=False))) == spelt(settings)


def spelt(value: Any) -> str:
    """Types and values, whatever the order of names: 1, 1.0, True, (1,) and [1] are all spelt apart."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(sorted(f'{name!r}: {spelt(item)}' for name, item in value.items()))}}}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}[{', '.join(map(spelt, value))}]"
    return f"{type(value).__name__} {value!r}"


def numbers(value: Any) -> Iterable[float]:
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for item in items:
        yield from numbers(item)
    if isinstance(value, float):
        yield value


def blur(value: Any) -> Any:
    """Move floats to their neighbour nearer zero."""
    if isinstance(value, list):
        return [blur(item) for item in value]
    return float(np.nextafter(value, 0)) if isinstance(value, float) else value


def stir() -> None:
    """Leave the global generators in another place."""
    random.seed()
    np.random.seed(random.randrange(2**32))
    if torch := sys.modules.get("torch"):
        torch.manual_seed(random.randrange(2**32))


def in_a_fresh_process(task: Mapping[str, Any]) -> dict[str, list[str]]:
    command = [sys.executable, "-m", "tests.contracts.workload_contract"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, cwd=root, timeout=HANG_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def pack(row: Row) -> str:
    return base64.b64encode(codec.encode_row(row)).decode()


def unpack(text: str) -> Row:
    return codec.decode_row(base64.b64decode(text))


def main() -> None:
    """Do the fresh process's part: go on from a state, then train the whole run."""
    task = json.load(sys.stdin)
    workload = load_workload(task["name"])
    resumed, each = begin(workload, task["settings"], task["epochs"])
    if task["state"]:
        resumed.load(base64.b64decode(task["state"]))
    rows = {"resumed": [pack(measure(resumed, now)) for now in each[task["half"] :]]}
    whole, each = begin(workload, task["settings"], task["epochs"])
    print(json.dumps({**rows, "whole": [pack(measure(whole, now)) for now in each]}))


if __name__ == "__main__":
    main()
