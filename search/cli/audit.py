"""The verb that audits: published figures of files by arithmetic, studies by what their rows show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.options import places, say
from search.core.errors import AuditFailed, Fault, Faults, FlawsFound, StudyNotFound, UserError
from search.core.shown import counted, printable
from search.system import streams

if TYPE_CHECKING:
    from search.audit.audit import Audited
    from search.notebook import Study
    from search.report.health.finding import Finding


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="FILE|STUDY...")
@places
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--fail-on",
    type=click.Choice(["flaw", "note"]),
    help="Exit with 4 where a study has a flaw; `note`: also where it has a note.",
)
@click.option(
    "--retrain",
    "share",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="Train this share of a study's epochs again, compare every bit, and write a certificate; 1 for all of them.",
)
def audit(
    what: Sequence[str], results: str, storage: str | None, as_json: bool, fail_on: str | None, share: float | None
) -> None:
    """Check published figures by arithmetic, or a study by its rows.

    Of a FILE: figures that cannot be, and what they are too few to show; exit code 1 where a figure is arithmetically
    impossible. Of a STUDY: settings that changed nothing, stops that cost the winner, data that overlap, and more, each
    with what to do; exit code 4 where `--fail-on` says so. Nothing is trained, but for `--retrain`: exit code 4 where a
    row comes out otherwise.

    Example: python -m search audit focal
    """
    files, studies = _sorted_out(dict.fromkeys(what), results, storage)
    if fail_on is not None and not studies:
        raise click.UsageError(
            "--fail-on is for studies; a file with an impossible figure ends with exit code 1 anyway"
        )
    if share is not None:
        if files or len(studies) != 1:
            raise click.UsageError("--retrain is for one study; name that alone")
        if fail_on is not None:
            raise click.UsageError("--retrain fails where a row differs; leave --fail-on out")
        _retrain(studies[0], share, as_json)
        return
    audited, faults = _of_files(files)
    of_study = {study.name: study.findings() for study in studies}
    if as_json:
        rows: list[dict[str, Any]] = [
            {"file": one.file, "figures": one.figures, "findings": [finding.plain() for finding in one.findings]}
            for one in audited
        ]
        rows += [
            {"study": name, "findings": [finding.plain() for finding in findings]}
            for name, findings in of_study.items()
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=not streams.unicode()))
    for finding in [finding for one in audited for finding in one.findings] if not as_json else ():
        say(str(finding))
    for name, findings in of_study.items():
        _print_study(name, findings, as_json)
    _end(audited, faults, as_json)
    if severe := [name for name, findings in of_study.items() if _fails(findings, fail_on)]:
        raise AuditFailed(f"--fail-on {fail_on}: {', '.join(map(printable, severe))}")


def _sorted_out(names: Iterable[str], results: str, storage: str | None) -> tuple[list[str], list[Study]]:
    """Return which names are files, and the studies that the others are.

    A name of a file that is there is the file; one that ends like a space file is one that is missing.

    Raises:
        StudyNotFound: a name is neither.
    """
    files: list[str] = []
    studies: list[Study] = []
    for name in names:
        is_file = Path(name).is_file()
        study = None
        try:
            if not name.endswith((".yaml", ".yml")):
                from search.api import open_study  # which brings the database

                study = open_study(name, results=results, storage=storage)
        except StudyNotFound as error:
            if not is_file:
                raise UserError(f"{printable(name)!r} is no file, and {error}") from error
        if study is not None and not is_file:
            studies.append(study)
            continue
        files.append(name)
        if study is not None:
            say(
                f"note: {name!r} is a file and a study on record; the file is audited. For the study, give the command "
                "in another folder, with --results",
                err=True,
            )
    return files, studies


def _retrain(study: Study, share: float, as_json: bool) -> None:
    """Train a share of a study again, write the certificate, and print it.

    Raises:
        AuditFailed: a row differs.
    """
    from search.proof.certificate import HASH, text

    content = study.retrain(share, say=lambda line: say(line, err=True), fork=True)  # nothing was computed here
    as_text = json.dumps(content, indent=2, ensure_ascii=not streams.unicode()) + "\n" if as_json else text(content)
    click.echo(as_text, nl=False)  # before it is written: the folder may be one that cannot be
    paths = study.write_certificate(content)
    say(f"certificate: {' and '.join(map(str, paths))}, sha256 {content[HASH]}", err=True)
    if differing := content["rows_differing"]:
        rows = f"{counted(differing, 'row')} of study {study.name!r}"
        raise AuditFailed(f"{rows} {'comes' if differing == 1 else 'come'} out otherwise when trained again")


def _of_files(files: Sequence[str]) -> tuple[list[Audited], list[Fault]]:
    """Audit files; return what was found, and the faults of those that cannot be read."""
    if not files:
        return [], []
    from search.audit.audit import audit as check
    from search.space.reader import read_space

    faults: list[Fault] = []
    spaces = []
    for file in files:
        try:
            spaces.append(read_space(file))
        except Faults as error:
            faults += list(error.faults)
    return check(spaces), faults


def _print_study(name: str, findings: Sequence[Finding], as_json: bool) -> None:
    """Print what was found in a study, and how much."""
    for finding in findings if not as_json else ():
        say(f"{printable(name)}: {finding.severity}: {finding.name}")
        for text in (finding.seen, f"Why: {finding.why}", f"Remedy: {finding.remedy}"):
            say(f"  {printable(text)}")
    from search.report.health.finding import severities

    say(f"study {name!r}: {severities(findings) if findings else 'nothing found'}", err=as_json)


def _fails(findings: Sequence[Finding], fail_on: str | None) -> bool:
    return any(fail_on in ("note", finding.severity) for finding in findings)


def _end(audited: Sequence[Audited], faults: Sequence[Fault], as_json: bool) -> None:
    """Print what was found in files, counted.

    Raises:
        Faults: a file cannot be read.
        FlawsFound: a figure cannot be.
    """
    flaws = sum(len(one.flaws) for one in audited)
    notes = sum(len(one.findings) for one in audited) - flaws
    figures = sum(one.figures for one in audited)
    checked = f"{counted(len(audited), 'file')}, {counted(figures, 'published figure')}"
    summary = f"{checked}: {counted(flaws, 'flaw')}, {counted(notes, 'note')}"
    if faults:
        if audited:
            say(summary, err=as_json)
        raise Faults(faults)
    if flaws:
        raise FlawsFound(summary)
    if audited:
        say(summary, err=as_json)
