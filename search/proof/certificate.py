"""The certificate of a retraining: what was trained again and compared, as data and as text, under a hash of its own.

The hash makes no forgery impossible. It names this very certificate: whoever has published it cannot change it later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from search.core.shown import counted, folded
from search.ledger.tables import utc_now
from search.proof.retrain import Retrained
from search.proof.sample import epochs_of
from search.system.machine import installed_version, processor, versions

HASH = "sha256"
"""Entry of a certificate's own hash."""

WIDTH = 100
"""Letters of a line of the text."""


def certificate(trained: Retrained) -> dict[str, Any]:
    """Return a certificate as plain data, with its hash."""
    from_states = sum(stretch.start > 0 for stretch in trained.stretches)
    return sealed(
        {
            "certificate": "rows of a study, trained again",
            "study": trained.study,
            "made": utc_now(),
            "result": "rows differ" if trained.differing else "every row equal to the last bit",
            "share_asked_for": trained.share,
            "seed_of_the_sample": trained.seed,
            "rows_on_record": trained.rows,
            "rows_compared": len(trained.compared),
            "rows_differing": len(trained.differing),
            "epochs_trained": epochs_of(trained.stretches),
            "trainings_from_nothing": len(trained.stretches) - from_states,
            "trainings_from_saved_states": from_states,
            "execution_class": dict(trained.execution_class),
            "processor": processor(),
            "versions": {"search-service": installed_version("search-service"), **versions()},
            "code": dict(trained.code),
            "data": sorted({stretch.chain.data for stretch in trained.stretches}),
            "trainings": [
                {
                    "trial": stretch.chain.trial,
                    "settings": stretch.chain.subject.name,
                    "from_state": stretch.state,
                    "epochs": [stretch.start + 1, stretch.end],
                    "keys": list(stretch.keys),
                }
                for stretch in trained.stretches
            ],
            "differences": [
                {"trial": row.trial, "key": row.key, **asdict(row.difference)} for row in trained.differing
            ],
        }
    )


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a certificate with its hash, in the place of any that it has."""
    unsealed = {name: value for name, value in content.items() if name != HASH}
    text = json.dumps(unsealed, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return {**unsealed, HASH: hashlib.sha256(text.encode()).hexdigest()}


def untouched(content: Mapping[str, Any]) -> bool:
    """Whether a certificate is what it was when its hash was made."""
    return bool(sealed(content)[HASH] == content.get(HASH))


def text(content: Mapping[str, Any]) -> str:
    """Return a certificate for people."""
    compared, rows = content["rows_compared"], content["rows_on_record"]
    lines = [
        f"Study {content['study']}: {content['result']}",
        "",
        f"{compared:,} of {counted(rows, 'row')} on record ({100 * compared / rows:.3g} %) were trained again on "
        f"{content['made'][:10]} and compared, metrics, predictions and scores: "
        f"{counted(content['rows_differing'], 'row')} "
        f"differ{'s' if content['rows_differing'] == 1 else ''}.",
        f"{counted(content['epochs_trained'], 'epoch')} trained, each stretch in a process in which nothing was "
        f"trained before: {content['trainings_from_nothing']} from nothing, {content['trainings_from_saved_states']} "
        "from saved states.",
    ]
    for row in content["differences"]:
        lines.append(
            f"  trial {row['trial']}, epoch {row['epoch']}: {row['metric']} is {row['expected']} on record, and "
            f"{row['found']} trained again (key {row['key']})"
        )
    lines += [
        "",
        f"execution class: {_pairs(content['execution_class'])}",
        f"processor: {content['processor']}",
        f"versions: {_pairs(content['versions'])}",
        f"code: {_pairs(content['code'])}",
        f"data: {', '.join(content['data'])}",
        f"sample: {content['share_asked_for']:g} of the rows, drawn with seed {content['seed_of_the_sample']}",
        f"trials: {', '.join(_stretch(each) for each in content['trainings'])}",
        f"made: {content['made']}; sha256 of certificate.json: {content[HASH]}",
    ]
    return "\n".join("\n".join(folded(line, WIDTH, 2)) for line in lines) + "\n"


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _stretch(each: Mapping[str, Any]) -> str:
    first, last = each["epochs"]
    return f"{each['trial']} (epochs {first} to {last}{', from a saved state' if each['from_state'] else ''})"
