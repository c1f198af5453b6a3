"""The pieces of the benchmark of training: every side trains what it says, and figures become the lines they should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks import loops, photos, rates
from benchmarks.harness import Failed, turns
from benchmarks.rates import CASES, LIMIT, OURS, RECIPE, REPORT_B, Case, Epoch, Found, Side
from benchmarks.training import Gaps, gaps, kernels_of, traced

SMALL = {name: Case(case.name, case.data, 32, 4, case.settings, case.images) for name, case in CASES.items()}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return photos.drawn("flowers-17", 8, tmp_path_factory.mktemp("drawn"))


# Photographs -------------------------------------------------------------------------------------------------


def test_drawn_photographs_are_files_of_different_images(files):
    assert len(files.paths) == len(set(files.paths)) == 8
    assert files.labels == list(range(8))
    assert all(path.stat().st_size > 2000 for path in files.paths)
    assert files.name == "drawn, 8 different, in place of flowers-17"


def test_more_photographs_than_are_drawn_are_these_over_again(tmp_path):
    many = photos.drawn("flowers-102", 130, tmp_path)
    assert len(many.paths) == 130
    assert len(set(many.paths)) == 64
    assert many.paths[64] == many.paths[0]
    assert many.classes == 102


def test_decoded_once_they_are_what_ours_trains_on(files):
    data = photos.decoded(files, 16)
    assert data.images["train"].shape == (8, 3, 16, 16)
    assert data.images["train"].dtype == np.uint8
    assert data.labels["train"].tolist() == list(files.labels)
    assert len(data.images["val"]) == len(data.images["test"]) == photos.EVALUATED
    assert len({image.tobytes() for image in data.images["train"]}) == 8
    assert len(data.card.classes) == 17


@pytest.mark.parametrize(
    ("there", "wanted", "places"), [(10, 5, [0, 2, 4, 6, 8]), (3, 3, [0, 1, 2]), (3, 7, [0, 1, 2, 0, 1, 2, 0])]
)
def test_photographs_are_taken_from_all_over(there, wanted, places):
    assert photos.spread(there, wanted) == places


# Sides -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("way", [OURS, LIMIT])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_ours_and_the_limit_train_whole_batches(name, way, precision, files):
    for graphs in (False, True):
        epoch = loops.epoch_of(Side(way, precision, graphs=graphs), SMALL[name], files, 1, 0, "cpu")
        assert epoch() == epoch() == epoch() == 8


@pytest.mark.parametrize("amp", ["fp32", "bf16"])
@pytest.mark.parametrize("last", [False, True])
def test_the_recipe_trains_with_and_without_its_flags(amp, last, files):
    assert loops.epoch_of(Side(RECIPE, amp, last), SMALL["model_c"], files, 1, 0, "cpu")() == 8


@pytest.mark.slow
def test_report_bs_pipeline_trains(files):
    assert loops.epoch_of(Side(REPORT_B), SMALL["resnet18"], files, 1, 0, "cpu")() == 8


def test_cases_are_settings_of_the_classifier():
    for case in CASES.values():
        fixed, each = loops.settings_of(case, "fp32")
        assert fixed["data.size"] == case.size
        assert {name: value for name, value in {**fixed, **each}.items() if name in case.settings}.keys() >= {
            "input.normalise",
            "optimizer.name",
            "optimizer.lr",
        }


def test_what_is_compared():
    names = [str(side) for side in rates.sides(CASES["resnet18"], ["fp32", "bf16"], "cpu")]
    assert names == [
        "ours, fp32",
        "device's limit, fp32",
        "ours, bf16",
        "device's limit, bf16",
        "report B's pipeline",
    ]
    names = [str(side) for side in rates.sides(CASES["model_c"], ["fp32", "bf16"], "cpu")]
    assert names[4:] == [
        "torchvision's recipe",
        "torchvision's recipe, channels_last",
        "torchvision's recipe, amp",
        "torchvision's recipe, channels_last, amp",
    ]


def test_on_a_gpu_steps_are_recorded_too():
    names = [str(side) for side in rates.sides(CASES["resnet18"], ["bf16"], "cuda")]
    assert names == [
        "ours, bf16",
        "device's limit, bf16",
        "ours, bf16, graphs",
        "device's limit, bf16, graphs",
        "report B's pipeline",
    ]


def test_ours_is_held_against_the_limit_of_its_own_kind():
    kinds = [Side(way, "fp32", graphs=graphs) for graphs in (False, True) for way in (OURS, LIMIT)]
    aims = rates.targets(Found(CASES["model_c"], {side: epochs(1.0) for side in kinds}), "NVIDIA H100")
    assert [text.split(": ")[1] for text, _ in aims] == [
        "ours, fp32 by device's limit, fp32",
        "ours, fp32, graphs by device's limit, fp32, graphs",
    ]


# Figures -----------------------------------------------------------------------------------------------------


def epochs(*seconds):
    return [Epoch(48, each, 2.0) for each in seconds]


def found(ours, limit, other, case="resnet18", way=REPORT_B):
    return Found(CASES[case], {Side(OURS): epochs(*ours), Side(LIMIT): epochs(*limit), Side(way): epochs(*other)})


def test_ratios_are_taken_within_a_repeat():
    of = found([1, 8, 2], [1, 8, 2], [4, 32, 8])
    assert of.ratios(Side(OURS), Side(REPORT_B)) == [4, 4, 4]
    assert of.rate(Side(OURS)) == 24


def test_the_table_has_a_line_per_side():
    lines = rates.table(found([1.0], [0.5], [4.0]), 2)
    head = "resnet18 at 224 px images/s per core-s of 2 cores ours fp32 by it"
    assert " ".join(lines[0].split()) == head
    assert lines[1].split() == ["ours,", "fp32", "48.0", "[48.0", "to", "48.0]", "24.0", "2.00"]
    assert lines[2].split()[-4:] == ["0.50", "[0.50", "to", "0.50]"]
    assert lines[3].split()[-4:] == ["4.00", "[4.00", "to", "4.00]"]


LIMITED = "resnet18 at 224 px: ours, fp32 by device's limit, fp32: 0.95, at least 0.9"


@pytest.mark.parametrize(
    ("device", "other", "texts"),
    [
        (
            "cpu",
            3.0,
            [
                (f"{LIMITED} (1.00 in processor time)", True),
                (
                    "resnet18 at 224 px: ours, fp32 by report B's pipeline: 3.00, at least 3 (1.00 in processor time)",
                    True,
                ),
            ],
        ),
        (
            "cpu",
            2.9,
            [
                (f"{LIMITED} (1.00 in processor time)", True),
                (
                    "resnet18 at 224 px: ours, fp32 by report B's pipeline: 2.90, at least 3 (1.00 in processor time)",
                    False,
                ),
            ],
        ),
        (
            "NVIDIA H200, 140 GiB",
            3.0,
            [(LIMITED, True)],
        ),
        ("NVIDIA H100, 80 GiB", 3.0, [(LIMITED, True)]),
    ],
)
def test_targets_are_read_off_the_figures(device, other, texts):
    assert rates.targets(found([1.0], [0.95], [other]), device) == texts


def test_bf16_has_a_target_on_an_h200():
    of = Found(CASES["resnet18"], {Side(OURS, "bf16"): epochs(0.001), Side(OURS, "fp32"): epochs(0.001)})
    assert rates.targets(of, "NVIDIA H200, 140 GiB") == [
        ("resnet18 at 224 px: ours, bf16 on an H200: 48,000 images/s, at least 10,000", True)
    ]


def test_the_recipe_has_a_target_of_its_own():
    aims = rates.targets(found([1.0], [2.0], [1.4], "model_c", RECIPE), "cpu")
    sentence = "model_c at 64 px: ours, fp32 by torchvision's recipe: 1.40, at least 1.5 (1.00 in processor time)"
    assert aims[1] == (sentence, False)


def test_processor_time_is_compared_too():
    epochs = {Side(OURS): [Epoch(48, 1.0, 2.0)], Side(LIMIT): [Epoch(48, 1.0, 1.5)]}
    assert Found(CASES["model_c"], epochs).thrift(Side(OURS), Side(LIMIT)) == 0.75


@pytest.mark.parametrize(("images", "whole"), [(1, 48), (48, 48), (95, 48), (96, 96)])
def test_epochs_are_whole_batches(images, whole):
    assert rates.rounded(images, 48) == whole


# Gaps --------------------------------------------------------------------------------------------------------


def test_gaps_lie_between_kernels_that_do_not_overlap():
    kernels = [(0, 10, "a"), (10, 40, "b"), (15, 20, "beside b"), (45, 60, "c"), (1060, 1100, "d"), (1100, 1110, "e")]
    spans = [(float(start), float(end), name) for start, end, name in kernels]
    of = gaps(spans, shown=2)
    assert of == gaps(spans[::-1], shown=2)
    assert of.longest == [(1000.0, "c", "d"), (5.0, "b", "c")]
    assert (of.kernels, of.span, of.over) == (6, 1110.0, 0)
    assert of.busy == pytest.approx(105 / 1110)


def test_the_ends_of_an_epoch_are_none_of_the_steady_state():
    body = [(1000.0 * step, 1000.0 * step + 990, "work") for step in range(10, 90)]
    ends = [(0.0, 1.0, "upload"), (100_000.0, 100_001.0, "evaluation")]
    of = gaps([*ends, *body])
    assert (of.kernels, of.over) == (80, 0)
    assert [gap for gap, _, _ in of.longest] == [10, 10, 10]
    assert of.busy == pytest.approx(0.99, abs=1e-3)


def test_a_long_gap_is_counted_and_named():
    body = [(100.0 * step, 100.0 * step + 95, f"k{step}") for step in range(1000)]
    del body[500:511]
    of = gaps(body)
    assert of.over == 1
    assert of.longest[0] == (1105.0, "k499", "k511")
    lines = of.lines("model_c, fp32")
    assert lines[-1] == "  NO    largest gap 1,105.0 us, none over 1,000 us (1 are)"
    assert Gaps(2, 10.0, 1.0, [], 0).lines("x")[-1] == "  yes   largest gap 0.0 us, none over 1,000 us (0 are)"


def test_a_trace_without_kernels_is_refused():
    sentence = "the trace holds no kernels; the epoch was not trained on the device that was traced"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        gaps([])


def test_kernels_copies_and_fills_are_taken_from_a_trace():
    trace = {
        "traceEvents": [
            {"cat": "kernel", "ts": 1.0, "dur": 2.0, "name": "gemm"},
            {"cat": "gpu_memcpy", "ts": 4.0, "dur": 1.0, "name": "copy"},
            {"cat": "cpu_op", "ts": 0.0, "dur": 9.0, "name": "aten::mm"},
            {"cat": "gpu_user_annotation", "ts": 0.0, "dur": 9.0, "name": "Optimizer.step"},
            {"ph": "M", "name": "process_name"},
        ]
    }
    assert kernels_of(trace, "cuda") == [(1.0, 3.0, "gemm"), (4.0, 5.0, "copy")]
    assert kernels_of(trace, "cpu") == [(0.0, 9.0, "aten::mm")]


def test_an_epoch_is_traced(files):
    epoch = loops.epoch_of(Side(OURS), SMALL["model_c"], files, 1, 0, "cpu")
    of = traced(epoch, "cpu")
    assert of.kernels > 100
    assert 0 < of.busy <= 1
    assert not math.isnan(of.span)


# Turns -------------------------------------------------------------------------------------------------------

SERVER = "import itertools; from benchmarks.harness import serve; n = itertools.count(); serve(lambda: {'n': next(n)})"


def test_sides_stay_and_take_turns():
    with turns({"a": ["-c", SERVER], "b": ["-c", SERVER]}) as processes:
        taken = [processes[name].take()["n"] for name in "abba"]
    assert taken == [0, 0, 1, 1]


def test_a_side_that_ends_says_why():
    with pytest.raises(Failed) as caught, turns({"a": ["-c", "raise ValueError('of this')"]}):
        pass
    assert str(caught.value).startswith("a ended with code 1:\nTraceback")
    assert str(caught.value).endswith("ValueError: of this\n")
