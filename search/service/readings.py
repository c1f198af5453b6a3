"""What a study on record shows, for programs: its table, what may be concluded, what the audit finds, and settings.

Made by the process that examines (`search.service.examine`), never by the server.
"""

from __future__ import annotations

import json
from pathlib import Path

from search.core.errors import UserError
from search.ledger.ledger import Ledger
from search.places import existing_ledger

STUDY_READINGS = ("table", "verdicts", "audit")


def read_study(what: str, results: Path, storage: str | None, name: str) -> dict[str, object]:
    """Read a study; whoever does has looked at its table, and that is on record.

    Args:
        what: one of `STUDY_READINGS`.
        results, storage: where the ledger is.
        name: of the study, on record.

    Raises:
        StudyNotFound: there is no such study, or no ledger.
    """
    ledger = existing_ledger(results, storage)
    try:
        return _read(what, ledger, name)
    finally:
        ledger.close()


def _read(what: str, ledger: Ledger, name: str) -> dict[str, object]:
    from search.report.formats.render import table_json, table_markdown
    from search.report.health.examine import examine
    from search.report.page.conclusions import conclusions
    from search.report.record.looks import look_or_reason
    from search.report.table.build import comparison_of
    from search.study.opened import OpenStudy

    opened = OpenStudy(ledger, ledger.study(name))
    unrecorded = look_or_reason(opened)
    compared = comparison_of(opened)
    if what == "audit":
        return {"study": name, "findings": [finding.plain() for finding in examine(compared)]}
    stage = opened.confirm_stage()
    if what == "verdicts":
        concluded = conclusions(compared, None if stage is None else comparison_of(stage))
        return {**concluded, **({"unrecorded": unrecorded} if unrecorded else {})}
    table = {"study": name, **json.loads(table_json(compared.table)), "markdown": table_markdown(compared.table)}
    return {**table, "confirm_stage": None if stage is None else stage.record.name}


def settings_of(workload: str) -> dict[str, object]:
    """Return the settings that a workload describes: name -> rule (type, bounds, default, description).

    Raises:
        UserError: there is no such workload.
    """
    from search.workload import Measuring, load_workload

    loaded = load_workload(workload)
    described = getattr(loaded, "settings", None)
    if described is None:
        raise UserError(f"workload {workload!r} describes its settings in the space file itself")
    metrics = list(loaded.metrics) if isinstance(loaded, Measuring) else []
    return {
        "workload": workload,
        "settings": {name: dict(rule) for name, rule in described.items()},
        "metrics": metrics,
    }
