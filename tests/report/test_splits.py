"""Several splits in one study: settings are compared within a split, and runs of different data are never crossed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.core.trial import DataCard
from search.ledger.ledger import Ledger
from search.report.formats.render import table_frame
from search.report.table.build import comparison_table
from search.space.model import Axis, Grid
from search.statistics.results import Trust
from tests.report.builder import key_of
from tests.report.independent import holm
from tests.report.judging import SPACE, Bench, card, pattern

SPLITS = (0, 1)
BOTH = replace(SPACE, axes=[Axis("gamma", Grid([0, 1, 2])), Axis("data.split_seed", Grid(list(SPLITS)))])
FIGURES = ["val_accuracy_low", "val_accuracy_high", "val_accuracy_difference", "val_accuracy_p"]


def split_card(split: int) -> DataCard:
    """Images drawn by another split seed: some of them are the same, in other places."""
    names = {name: [f"image {i + 20 * split}" for i in range(n)] for name, n in (("val", 40), ("test", 30))}
    return replace(card(fingerprint=f"split {split}"), images=names)


def fill(bench: Bench, splits: tuple[int, ...], named: bool) -> Bench:
    for split in splits:
        data = split_card(split)
        bench.ledger.put_data(data)
        for a in (0, 1, 2):
            for s in range(3):
                parameters = {"gamma": a, **({"data.split_seed": split} if named else {})}
                right = pattern(a, s, 40, 5 * split)
                keys = [key_of(split, a, s, epoch) for epoch in (1, 2)]
                bench.run(parameters, s, right, right[:30], data=data, keys=keys)
    return bench


def test_with_the_split_as_an_axis_each_split_is_analysed_alone(ledger: Ledger, tmp_path) -> None:
    both = table_frame(comparison_table(fill(Bench(ledger, BOTH), SPLITS, True).opened))
    adjusted = holm(both["val_accuracy_p"].dropna().tolist())
    assert both["val_accuracy_p_holm"].dropna().tolist() == pytest.approx(adjusted)
    assert len(adjusted) == 4
    for split in SPLITS:
        own = Bench(Ledger(str(tmp_path / f"{split}.db")), SPACE, split_card(split))
        alone = table_frame(comparison_table(fill(own, (split,), False).opened))
        here = both[both["data.split_seed"] == split]
        assert np.array_equal(here[FIGURES].to_numpy(float), alone[FIGURES].to_numpy(float), equal_nan=True)


def test_the_table_says_that_nothing_is_compared_across_splits(ledger: Ledger) -> None:
    table = comparison_table(fill(Bench(ledger, BOTH), SPLITS, True).opened)
    notes = "\n".join(table.notes)
    assert "Settings were measured on 2 sets of validation images: no difference across." in notes
    assert "Settings were measured on 2 sets of test images: no difference across." in notes
    assert "p values adjusted by Holm over 4 comparisons" in notes


def test_options_that_move_the_split_have_no_difference(ledger: Ledger) -> None:
    """An option that sets the split seed beside something else cannot be told from its split."""
    bench = Bench(ledger)
    for a, split in ((0, 0), (1, 1)):
        data = split_card(split)
        ledger.put_data(data)
        for s in range(3):
            bench.run({"gamma": a}, s, pattern(a, s, 40), pattern(a, s, 30), data=data)
    line = comparison_table(bench.opened).lines[1]
    assert line.judged.known
    assert line.judged.difference is not None
    assert line.judged.difference.state is Trust.NOT_ESTIMABLE
    assert line.judged.difference.reason == "the baseline was measured on other images, or has no predictions"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (split_card(1), "seeds of a setting were measured on different val images"),
        (
            replace(split_card(0), fingerprint="more training images"),
            "seeds of a setting were run on different data, of which training images are a part",
        ),
    ],
)
def test_seeds_on_different_data_are_not_crossed(ledger: Ledger, data: DataCard, reason: str) -> None:
    """As where a folder of images was changed between two runs."""
    bench = Bench(ledger, SPACE, split_card(0))
    ledger.put_data(data)
    for a in (0, 1, 2):
        for s in range(3):
            bench.run({"gamma": a}, s, pattern(a, s, 40), pattern(a, s, 30), data=data if s == 2 else None)
    table = comparison_table(bench.opened)
    assert all(not line.judged.known for line in table.lines)
    assert f"for val_accuracy: they need predictions, and {reason}." in "\n".join(table.notes)
