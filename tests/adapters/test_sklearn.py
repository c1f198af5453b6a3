"""Estimators of scikit-learn: the same bits from any state, their parameters as settings, and what is refused."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import scipy.sparse
from sklearn.cluster import Birch
from sklearn.decomposition import IncrementalPCA
from sklearn.linear_model import SGDClassifier
from sklearn.svm import SVC

from search.adapters.plain import decode, encode
from search.adapters.sklearn import EstimatorError, EstimatorWorkload, state, workload
from search.adapters.sklearn.training import _sound
from search.core.errors import Faults
from search.space.reader import space_from_mapping
from search.workload import SettingFaults, identity
from search.workload.measured import row_of
from search.workload.scored import PER_EXAMPLE
from tests.adapters import estimators
from tests.adapters.estimators import LABELS, RESUMABLE, SPLITS, Forgetful, Holding, X, labelled
from tests.contracts.workload_contract import WorkloadContract, stir

EPOCHS = 3


def begin(mine: EstimatorWorkload, **settings: Any) -> tuple[Any, list[dict[str, Any]]]:
    fixed, each = mine.schedule(mine.canonical({"seed": 1, **settings}), EPOCHS)
    return mine.start(fixed, 1, 0), each


def refusal(mine: EstimatorWorkload, **settings: Any) -> str:
    def train() -> None:
        run, each = begin(mine, **settings)
        run.train_epoch(each[0])

    with pytest.raises(EstimatorError) as refused:
        train()
    return str(refused.value)


# States ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RESUMABLE)
def test_every_state_goes_on_bit_for_bit(name: str) -> None:
    run, each = begin(RESUMABLE[name])
    rows, states = [], [run.save()]
    for now in each:
        rows.append(row_of(run.train_epoch(now)))
        states.append(run.save())
    assert len(set(states)) == EPOCHS + 1
    for epoch in range(EPOCHS):
        resumed, _ = begin(RESUMABLE[name])
        resumed.load(states[epoch])
        stir()
        later = [row_of(resumed.train_epoch(now)) for now in each[epoch:]]
        assert [row.differences(other) for row, other in zip(later, rows[epoch:], strict=True)] == [[]] * len(later)
        assert resumed.save() == states[-1]


@pytest.mark.parametrize("name", ["sgd", "regression", "adam", "momentum", "clusters", "nested", "chance"])
def test_the_seed_of_the_trial_moves_what_is_learned(name: str) -> None:
    (one, each), (other, _) = begin(RESUMABLE[name]), begin(RESUMABLE[name], seed=2)
    assert row_of(one.train_epoch(each[0])) != row_of(other.train_epoch(each[0]))


def test_a_random_state_of_the_script_is_replaced_by_the_seed_of_the_trial() -> None:
    fixed = workload(SGDClassifier(random_state=7), data=labelled, batch_size=16)
    (one, each), (other, _) = begin(fixed), begin(RESUMABLE["sgd"])
    assert row_of(one.train_epoch(each[0])) == row_of(other.train_epoch(each[0]))


def test_arrays_that_share_their_numbers_are_one_after_loading() -> None:
    run, each = begin(RESUMABLE["averaged"])
    run.train_epoch(each[0])
    assert np.shares_memory(run._estimator.coef_, run._estimator._average_coef)
    other, _ = begin(RESUMABLE["averaged"])
    other.load(run.save())
    assert np.shares_memory(other._estimator.coef_, other._estimator._average_coef)


def test_a_state_names_no_class_but_scikit_learns() -> None:
    harmful = encode({"epoch": 1, "learned": encode({"coef_": {"a part of scikit-learn": "subprocess:Popen"}})})
    run, _ = begin(RESUMABLE["sgd"])
    with pytest.raises(ValueError, match=r"^a part of the class subprocess\.Popen, which is none of scikit-learn's$"):
        run.load(harmful)


def test_a_state_of_another_scikit_learn_is_no_state() -> None:
    strange = encode({"epoch": 1, "learned": encode({"coef_": {"a part of scikit-learn": "sklearn.base:Gone"}})})
    run, _ = begin(RESUMABLE["sgd"])
    with pytest.raises(ValueError, match=r"^a part of the class sklearn\.base\.Gone, which this scikit-learn has not$"):
        run.load(strange)


def test_a_state_holds_plain_data_alone() -> None:
    run, each = begin(RESUMABLE["adam"])
    run.train_epoch(each[0])
    content = decode(decode(run.save())["learned"])
    assert content["_optimizer"]["a part of scikit-learn"].startswith("sklearn.")
    assert b"pickle" not in run.save()
    assert state.bits(content) == state.bits(decode(encode(content)))


REMEDY = (
    "take an estimator whose state is arrays, as linear models, MLPs, naive Bayes and MiniBatchKMeans have, or give "
    "resumable=False, and each run is trained from its first epoch"
)


def test_what_cannot_be_saved_is_refused_by_name_with_the_first_epoch() -> None:
    assert refusal(estimators.forest) == (
        f"RandomForestClassifier cannot be saved: ['estimators_'][0]['tree_'] is a sklearn.tree._tree.Tree; {REMEDY}"
    )
    holding = workload(Holding(), data=labelled, measure=lambda estimator, x, y: {"a": 1.0})
    assert refusal(holding) == (f"Holding cannot be saved: ['function_'] is a builtin_function_or_method; {REMEDY}")
    circle = workload(Birch(), data=labelled, measure=lambda estimator, x, y: {"a": 1.0})
    assert refusal(circle) == f"Birch cannot be saved: its parts hold each other in a circle; {REMEDY}"


def test_one_that_does_not_go_on_bit_for_bit_is_refused() -> None:
    _sound.clear()
    assert refusal(workload(Forgetful(), data=labelled)) == (
        "Forgetful does not go on bit for bit: loaded from its state it learns another 'seen_'; take another "
        "estimator, or give resumable=False, and each run is trained from its first epoch"
    )


def test_one_without_states_adds_trees_and_saves_nothing() -> None:
    run, each = begin(estimators.grown)
    losses = [run.train_epoch(now)["val_loss"] for now in each]
    assert losses == sorted(losses, reverse=True)
    assert len(run._estimator.estimators_) == 2 * EPOCHS
    with pytest.raises(NotImplementedError, match=r"^resumable=False: every run is trained from its first epoch$"):
        run.save()
    assert not estimators.grown.resumable


# Rows ------------------------------------------------------------------------------------------------------------


def test_a_classifier_measures_each_split_and_tells_its_classes() -> None:
    run, each = begin(RESUMABLE["averaged"])
    row, card = run.train_epoch(each[0]), RESUMABLE["averaged"].data({"seed": 1})
    assert set(row) == {"val_accuracy", "val_loss", "test_accuracy", "test_loss", *PER_EXAMPLE}
    assert list(card.classes) == ["left", "middle", "right"]
    for split in ("val", "test"):
        assert [card.classes[label] for label in card.truth[split]] == list(LABELS[SPLITS[split]])
        assert np.mean(row["predictions"][split] == card.truth[split]) == row[f"{split}_accuracy"]
        assert len(set(card.contents[split])) == 30
        assert np.mean(row["scores"][split]["loss"]) == pytest.approx(row[f"{split}_loss"], rel=1e-12)
    assert row_of(row, card).score_rules.keys() == {"val_loss", "test_loss"}


def test_a_regressor_measures_errors_and_any_other_its_score() -> None:
    run, each = begin(RESUMABLE["regression"])
    row = run.train_epoch(each[0])
    assert set(row) == {"val_loss", "val_r2", "scores", "score_rules"}
    assert np.mean(row["scores"]["val"]["loss"]) == pytest.approx(row["val_loss"], rel=1e-12)
    row_of(row, RESUMABLE["regression"].data({"seed": 1}))
    run, each = begin(RESUMABLE["clusters"])
    assert set(run.train_epoch(each[0])) == {"val_score", "test_score"}


def test_what_is_measured_may_be_a_function() -> None:
    mine = workload(SGDClassifier(), data=labelled, measure=lambda estimator, x, y: {"rows": float(len(y))})
    run, each = begin(mine)
    row = run.train_epoch(each[0])
    assert (row["val_rows"], row["test_rows"]) == (30.0, 30.0)
    assert set(row["predictions"]) == {"val", "test"}


def test_it_can_be_tried_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    rows = RESUMABLE["averaged"](epochs=2)
    assert len(rows) == 2
    assert capsys.readouterr().out.startswith(f"epoch 1: val_accuracy {rows[0]['val_accuracy']:.4g}, val_loss ")


# Settings --------------------------------------------------------------------------------------------------------


def test_parameters_of_an_estimator_are_settings_with_its_values_as_defaults() -> None:
    settings = estimators.sgd.settings
    assert (settings["loss"]["default"], settings["eta0"]["default"]) == ("log_loss", 0.1)
    assert settings["eta0"]["exclusiveMinimum"] == 0
    assert not {"random_state", "n_jobs", "verbose", "warm_start"} & set(settings)
    assert settings["batch_size"]["default"] == 16
    assert estimators.mlp.settings["hidden_layer_sizes"]["default"] == [8]


def test_numbers_are_whole_where_the_estimator_wants_them_whole() -> None:
    settings = estimators.mlp.canonical({"hidden_layer_sizes": [4.0, 2], "batch_size": 8.0, "alpha": 1})
    assert repr(settings["hidden_layer_sizes"]) == "[4, 2]"
    assert repr(settings["batch_size"]) == "8"
    assert repr(settings["alpha"]) == "1.0"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"alpha": -1}, ("alpha", "found -1.0, must be a float in the range [0.0, inf)")),
        ({"alfa": 1}, ("alfa", "unknown setting; did you mean 'alpha'?")),
        ({"eta0": 0}, ("eta0", "found 0, must be greater than 0")),
        ({"batch_size": 0}, ("batch_size", "found 0, must be at least 1")),
    ],
)
def test_what_scikit_learn_does_not_allow_is_a_fault_of_the_setting(
    settings: dict[str, Any], fault: tuple[str, str]
) -> None:
    with pytest.raises(SettingFaults) as refused:
        estimators.sgd.canonical(settings)
    assert refused.value.faults == [fault]


def test_a_fault_has_the_address_of_the_file() -> None:
    file = {
        "workload": "tests.adapters.estimators:sgd",
        "fixed": {"epochs": 2},
        "space": {"penalty": {"grid": ["l2", "l4"]}},
    }
    with pytest.raises(Faults) as refused:
        space_from_mapping(file)
    assert "space.penalty.grid[1]: found 'l4', must be" in str(refused.value)


def test_a_parameter_may_change_from_epoch_to_epoch() -> None:
    changed, each = begin(estimators.sgd, eta0={1: 0.1, 3: 0.001})
    plain, _ = begin(estimators.sgd)
    rows = [(row_of(changed.train_epoch(now)), row_of(plain.train_epoch({"eta0": 0.1}))) for now in each]
    assert [now["eta0"] for now in each] == [0.1, 0.1, 0.001]
    assert [one == other for one, other in rows] == [True, True, False]


def test_a_function_is_given_its_settings() -> None:
    run, each = begin(estimators.made, kind="hinge", eta0=0.1)
    assert set(estimators.made.settings) == {"kind", "alpha", "eta0"}
    run.train_epoch(each[0])
    assert run._estimator.get_params()["loss"] == "hinge"
    assert run._estimator.get_params()["eta0"] == 0.1


def test_data_may_depend_on_settings_and_never_on_the_seed() -> None:
    def data(run: Any) -> dict[str, Any]:
        assert "seed" not in run
        return {"train": (X[: run["count"]], LABELS[: run["count"]]), "val": (X, LABELS)}

    mine = workload(SGDClassifier(), data=data, settings={"count": 60})
    cards = [mine.data(mine.canonical({"count": count, "seed": seed})) for count, seed in ((60, 0), (60, 1), (70, 0))]
    assert cards[0].fingerprint == cards[1].fingerprint != cards[2].fingerprint
    run, each = begin(mine, count=60)
    run.train_epoch(each[0])


def test_check_shows_the_data_and_what_training_shares_with_other_splits() -> None:
    assert estimators.sgd.check_data({}) == [
        "data: labelled; train 90, val 30, test 30",
        "classes: 3: left, middle and right",
    ]
    leaking = workload(SGDClassifier(), data=lambda: (X, X[:7], LABELS, LABELS[:7]))
    assert leaking.check_data({})[2:] == ["val: 7 inputs of 7 equal to one of train"]


def test_the_identity_is_of_the_module_in_which_it_is_made() -> None:
    assert estimators.sgd.source_module == estimators.made.source_module == "tests.adapters.estimators"
    said = identity("tests.adapters.estimators:sgd", estimators.sgd)
    assert said["adapter"] == "sklearn 1"
    assert said["recipe"].startswith("source ")


# What is refused ----------------------------------------------------------------------------------------------------

WITHOUT_Y = {"train": X, "val": X}
DATA_RULE = (
    'it must return {"train": (X, y), "val": (X, y)} with perhaps "test", or what train_test_split(X, y) returns'
)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: {"train": (X, LABELS)}, f"data=<lambda> returned the splits 'train'; {DATA_RULE}"),
        (lambda: (X, LABELS), f"data=<lambda> returned 2 values; {DATA_RULE}"),
        (lambda: None, f"data=<lambda> returned a NoneType; {DATA_RULE}"),
        (
            lambda: {"train": (X, LABELS), "val": (X[:5], LABELS[:4])},
            "data=<lambda> returned 5 inputs and 4 targets of 'val'; each input has one",
        ),
        (
            lambda: {"train": (X, LABELS), "val": (X[:0], LABELS[:0])},
            "data=<lambda> returned no inputs of 'val'; leave the split out, or fill it",
        ),
        (lambda: WITHOUT_Y, "the data have no targets for 'train'; a classifier wants one label for each input, [n]"),
        (
            lambda: {"train": (X, X), "val": (X, X)},
            "the data have targets of the shape (150, 6) for 'train'; a classifier wants one label for each input, [n]",
        ),
    ],
)
def test_data_that_are_no_splits_are_refused(made: Any, sentence: str) -> None:
    assert refusal(workload(SGDClassifier(), data=made)) == sentence


def test_data_that_come_out_different_are_told() -> None:
    mine = workload(SGDClassifier(), data=lambda: (*[np.random.default_rng().random((9, 2))] * 2, *[LABELS[:9]] * 2))
    with pytest.raises(
        EstimatorError, match=r"^data=<lambda>: made twice, the data differ; give every random generator"
    ):
        mine.data({})


def test_an_estimator_without_epochs_is_refused_where_it_is_made() -> None:
    with pytest.raises(EstimatorError) as refused:
        workload(SVC(), data=labelled)
    assert str(refused.value) == (
        "SVC has neither partial_fit nor warm_start, so that it has no epochs; take one that has, such as SGDClassifier"
    )


def test_one_that_scores_nothing_wants_to_be_measured() -> None:
    assert refusal(workload(IncrementalPCA(2), data=labelled)) == (
        "IncrementalPCA has no score; give measure=, a function of the estimator, X and y that returns numbers by name"
    )


def test_settings_that_nothing_reads_and_those_read_too_early_are_named() -> None:
    unread = workload(data=labelled, settings={"width": 3})(lambda run: SGDClassifier())
    assert refusal(unread) == (
        "<lambda>: nothing reads 'width' of its settings, whose values would train the same; read run['width'], or "
        "remove them"
    )
    early = workload(data=labelled, settings={"eta0": {"epoch": True, "default": 0.1}})
    assert refusal(early(lambda run: SGDClassifier(eta0=run["eta0"]))) == (
        "<lambda>: run['eta0'] may change from epoch to epoch, and is given to the parameter 'eta0' before each; leave "
        'it out here, or leave out "epoch": True'
    )
    strange = workload(data=labelled, settings={"rate": {"epoch": True, "default": 0.1}})
    assert refusal(strange(lambda run: SGDClassifier())) == (
        "SGDClassifier has no parameter 'rate'; what the estimator is not given itself, the function that makes it "
        "reads"
    )
    assert refusal(workload(data=labelled)(lambda run: 3)) == "<lambda> returned a int, must return an estimator"


def test_a_setting_that_is_no_rule_is_refused() -> None:
    with pytest.raises(EstimatorError) as refused:
        workload(SGDClassifier(), data=labelled, settings={"alpha": None})
    assert str(refused.value) == (
        "SGDClassifier: the setting 'alpha' is None, must be a rule such as "
        '{"type": "number", "default": 0.1}, or its default: a number, text, True or False'
    )


def test_sparse_inputs_are_known_by_content() -> None:
    rows = scipy.sparse.csr_array(X)

    def card(matrix: Any) -> str:
        mine = workload(SGDClassifier(), data=lambda: (matrix, matrix, LABELS, LABELS), batch_size=30)
        run, each = begin(mine)
        run.train_epoch(each[0])
        return mine.data({}).fingerprint

    assert card(rows) == card(rows.copy()) != card(rows * 2)


# The contract, and a study -------------------------------------------------------------------------------------------


@pytest.mark.slow
class TestEstimator(WorkloadContract):
    name = "tests.adapters.estimators:sgd"
    settings: ClassVar = {"alpha": 0.001, "eta0": 0.1, "seed": 3}


@pytest.mark.slow
class TestNetwork(WorkloadContract):
    name = "tests.adapters.estimators:mlp"
    settings: ClassVar = {"alpha": 0.001, "seed": 3}
