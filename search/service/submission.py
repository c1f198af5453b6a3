"""A submitted space file with the base files it extends: names that stay below its folder, within a size.

Nothing is imported here, and no file of this machine is read but space files that are shipped with the service.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from search.core.errors import Faults, UserError
from search.space.nodes import Problems
from search.space.shipped import shipped_folder
from search.space.yaml import parse
from search.statistics.results import VERDICT_SEEDS

MAX_FILES_BYTES = 1_000_000
"""Bytes of all files of a submission together."""

MAX_FILES = 20
MAX_NAME_BYTES = 200
"""Bytes of a name in UTF-8: file systems count bytes, and take 255 of them in each part."""

MAX_SETTINGS = 100
MAX_SETTING_LETTERS = 10_000

_NAMES = "data, set, new_revision, judge and max_seeds"

_PART = re.compile(r"[\w][\w .+-]*")


@dataclass(frozen=True)
class Submission:
    """What somebody submits: name -> text, the space file first, and options of the command `run`."""

    files: Mapping[str, str]
    options: Mapping[str, object]

    @property
    def name(self) -> str:
        """The name of the space file."""
        return next(iter(self.files))


def submission(body: Mapping[str, object]) -> Submission:
    """Read what was submitted.

    Args:
        body: ``files`` (name -> text, the space file first) or ``text`` (of the space file alone), and ``options``.

    Raises:
        UserError: it is none.
        Faults: a file is no YAML, or extends one that was not submitted with it.
    """
    if unknown := sorted(set(body) - {"files", "text", "name", "options"}):
        raise UserError(f"unknown field {unknown[0]!r}: a submission has files or text, name and options")
    given = body.get("files", {f"{body.get('name') or 'study'}.yaml": body["text"]} if "text" in body else None)
    if not isinstance(given, Mapping) or not given or len(given) > MAX_FILES:
        raise UserError(f"`files` must be a mapping from name to text, of 1 to {MAX_FILES} files, the space file first")
    options, files = _options(body.get("options", {})), dict[str, str]()
    for name, text in given.items():
        files[_sound_name(name)] = _sound_text(name, text)
    for name in files:
        if folder := next((other for other in files if name.startswith(f"{other}/")), None):
            raise UserError(f"file {name!r}: {folder!r} is a file too, and cannot be a folder; rename one of them")
    if sum(len(text.encode("utf-8", "replace")) for text in files.values()) > MAX_FILES_BYTES:
        raise UserError(f"the files are larger than {MAX_FILES_BYTES:,} bytes; a space file is a page of text")
    return Submission(_with_bases(files), options)


def _sound_name(name: object) -> str:
    parts = str(name).split("/")
    short = len(str(name).encode("utf-8", "replace")) <= MAX_NAME_BYTES
    sound = isinstance(name, str) and short and all(_PART.fullmatch(part) for part in parts)
    if not sound or not parts[-1].endswith((".yaml", ".yml")):
        raise UserError(
            f"file {str(name)[:MAX_NAME_BYTES]!r}: must be a name such as 'focal.yaml' or 'base/report.yaml', of "
            f"letters, digits, spaces and . + - _, at most {MAX_NAME_BYTES} bytes, below the folder of the space file"
        )
    return str(name)


def _sound_text(name: object, text: object) -> str:
    if not isinstance(text, str):
        raise UserError(f"file {str(name)!r}: its content must be text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"file {str(name)!r}: is not UTF-8; save it as UTF-8") from error
    return text


def _with_bases(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files with those they extend that are shipped; every other base must be among them.

    Raises:
        Faults: it is not, or a file is no YAML.
    """
    result, problems = dict(files), Problems()
    waiting = list(files)
    while waiting:
        name = waiting.pop()
        root = parse(result[name], name, problems)
        node = root.entries.get("extends") if root is not None else None
        if node is None or not isinstance(node.value, str) or not node.value:
            continue  # what it may be else, reading it says
        base = posixpath.normpath(posixpath.join(posixpath.dirname(name), node.value))
        if base in result:
            continue
        text = _shipped(base)
        if text is None:
            problems.add(node, f"found {node.value!r}, but no file {base!r} was submitted with it; submit both")
        else:
            result[base] = text
            waiting.append(base)
    if problems.faults:
        raise Faults(problems.faults)
    return result


def _shipped(name: str) -> str | None:
    if not all(_PART.fullmatch(part) for part in name.split("/")):
        return None
    path = shipped_folder() / name
    return path.read_text("utf-8") if path.is_file() else None


def _options(given: object) -> dict[str, object]:
    if not isinstance(given, Mapping):
        raise UserError(f"`options` must be a mapping of {_NAMES}")
    if unknown := sorted(set(given) - {"data", "set", "new_revision", "judge", "max_seeds"}):
        raise UserError(f"unknown option {unknown[0]!r}: a submission has the options {_NAMES}")
    data, sets, again = given.get("data"), given.get("set", []), given.get("new_revision", False)
    if data is not None and (not isinstance(data, str) or not data or len(data) > MAX_SETTING_LETTERS):
        raise UserError("the option `data` must be the name of a data set, or a folder")
    texts = isinstance(sets, list) and all(isinstance(text, str) and len(text) <= MAX_SETTING_LETTERS for text in sets)
    if not texts or len(sets) > MAX_SETTINGS or any("=" not in text or "\0" in text for text in sets):
        raise UserError(f"the option `set` must be a list of at most {MAX_SETTINGS} texts KEY=VALUE")
    if not isinstance(again, bool):
        raise UserError("the option `new_revision` must be true or false")
    return {
        **({"data": data} if data is not None else {}),
        **({"set": list(sets)} if sets else {}),
        **({"new_revision": True} if again else {}),
        **_judging(given, again),
    }


def _judging(given: Mapping[str, object], again: bool) -> dict[str, object]:
    """Return the options of an entry whose command is `judge`; {} for `run`."""
    judge, most = given.get("judge", False), given.get("max_seeds")
    if not isinstance(judge, bool):
        raise UserError("the option `judge` must be true or false")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < VERDICT_SEEDS or not judge):
        raise UserError(f"the option `max_seeds` must be a number from {VERDICT_SEEDS} on, with `judge`")
    if judge and again:
        raise UserError("the option `new_revision` is for a run; `judge` adds seeds to the study there is")
    return {**({"judge": True} if judge else {}), **({"max_seeds": most} if most is not None else {})}
