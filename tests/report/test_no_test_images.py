"""A study of data without a test split: no file has a test column, and that there are no test images is said once."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest

from search.report.results import export, write_results
from tests.report.judging import Bench, card, pattern

NOTE = "no folder test: there is no test split, and nothing is measured on test images"
CLAIMS = ({"better": [1, 0]}, {"best": 2}, {"never": {"misses_a_class": True}})


@pytest.fixture
def untested(ledger) -> Bench:
    whole = card()
    data = replace(whole, truth={"val": whole.truth["val"]}, images={"val": whole.images["val"]}, notes=[NOTE])
    bench = Bench(ledger, data=data).reported(claims=CLAIMS)
    for a in (0, 1, 2):
        for s in range(3):
            bench.run({"gamma": a}, s, pattern(a, s, 40))
    return bench


@pytest.mark.parametrize("value", ["last", "best"])
def test_no_file_speaks_of_test_accuracy(untested, tmp_path, value):
    untested.reported(value=value)
    written = write_results(untested.opened, tmp_path)
    assert {path.name for path in written} >= {"table.csv", "table.md", "table.tex", "trials.csv", "report.html"}
    for path in written:
        if path.name == "report.html":
            text = path.read_text().split('<script type="application/json"')[0]
            assert "test_" not in text
            assert "test accuracy" not in text
        elif path.suffix == ".csv":
            assert not [column for column in pd.read_csv(path).columns if "test" in column]
        else:
            assert "test_" not in path.read_text()
    assert (tmp_path / "table.md").read_text().count(NOTE) == 1
    assert json.loads((tmp_path / "conditions.json").read_text())["data"][0]["sizes"] == {"val": 40}


def test_the_predictions_are_those_of_validation_images(untested, tmp_path):
    path = export(untested.opened, "predictions", "parquet", tmp_path / "predictions.parquet")
    found = pd.read_parquet(path)
    assert set(found["split"]) == {"val"}
    assert len(found) == 9 * 40


def test_the_page_explains_test_images_where_there_are_some(untested, tmp_path):
    untested.run({"gamma": 2}, 3, pattern(2, 3, 40), pattern(2, 3, 30), data=card(fingerprint="more"))
    untested.ledger.put_data(card(fingerprint="more"))
    write_results(untested.opened, tmp_path)
    assert "test_accuracy is the accuracy on them" in (tmp_path / "report.html").read_text()
