"""Running a workload's code: whatever it does instead of answering is told with the place in its source."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from search.system.streams import wrapped

SLOW_AFTER_S = 10.0
"""What an import or a question of `check` may take before a line says where it is."""

EXTRAS = {
    "accelerate": "transformers",
    "lightning": "lightning",
    "pytorch_lightning": "lightning",
    "transformers": "transformers",
}
"""Library that training code may import -> the extra of this project that installs it."""

_OURS = (str(Path(__file__).parents[1]) + os.sep, "<frozen ")
_INSTALLED = tuple({sysconfig.get_paths()[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def first_line(error: BaseException) -> str:
    """Return the class of an exception, and the first line of its message."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}{f': {first}' if first else ''}"


def reason_of(error: BaseException) -> str:
    """Say in one phrase what a workload's code raised, in which file and line of its own, and what helps."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    place = _place([(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)])
    sentence = isinstance(error, ModuleNotFoundError) or getattr(error, "is_sentence", False)
    reason = str(error) if sentence else repr(error)
    reason += f" ({place})" if place else ""
    if isinstance(error, SystemExit):
        reason += '; a workload must not end the process: what a script does goes under `if __name__ == "__main__":`'
    elif isinstance(error, ModuleNotFoundError) and (extra := EXTRAS.get((error.name or "").partition(".")[0])):
        reason += "" if "pip install" in reason else f"; pip install 'search-service[{extra}]'"
    elif isinstance(error, ModuleNotFoundError) and "pip install" not in reason:
        reason += "; install what it belongs to, or name its folder in PYTHONPATH"
    elif _unreachable(error):
        reason += "; have what it fetches from the network there before, and read it from a file"
    return reason


def _unreachable(error: BaseException | None) -> bool:
    """Return whether an error came of a network that is not there, or does not answer."""
    while error is not None and not isinstance(error, (socket.gaierror, ConnectionError, TimeoutError)):
        error = error.__cause__ or error.__context__
    return error is not None


def hidden_modules(error: BaseException | None = None) -> str:
    """Return, as the end of a message, which files of the working folder hide modules that were meant perhaps, or "".

    Looked at are modules that are imported, and files in which the import of one raised the error.
    """
    folder = Path.cwd()
    files = [getattr(module, "__file__", None) for name, module in sys.modules.items() if "." not in name]
    files += [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__ if error else None)]
    files += [error.filename] if isinstance(error, SyntaxError) else []
    paths = {Path(file).parent if Path(file).name == "__init__.py" else Path(file) for file in files if file}
    hiding = sorted(path for path in paths if path.parent == folder and _is_elsewhere(path.stem, folder))
    return "".join(f"; {path} hides the module {path.stem!r} that is installed: rename it" for path in hiding)


def _is_elsewhere(name: str, folder: Path) -> bool:
    """Whether a module of this name is Python's own, or is found outside of a folder and of other copies of ours."""
    if name in sys.stdlib_module_names:
        return True
    own = Path(__file__).parents[1]
    places = {Path(place).resolve() for place in sys.path} - {folder.resolve()}
    others = [
        str(place) for place in places if place == own.parent or not Path(place, own.name, "__init__.py").is_file()
    ]
    spec = PathFinder.find_spec(name, others) if name != own.name else None
    return spec is not None and spec.origin is not None


def _place(frames: Sequence[tuple[str, int | None]]) -> str:
    """Return the innermost place that is neither ours nor of an installed package, else the innermost not ours.

    Code that was made of text ("<string>", as of a data class) belongs to the file that had it made.
    """
    others = [(file, line) for file, line in frames if not file.startswith(_OURS)]
    files = [place for place in others if not place[0].startswith("<")]
    own = [place for place in files if not place[0].startswith(_INSTALLED)]
    return "{}, line {}".format(*(own or files or others)[-1]) if others else ""


@contextlib.contextmanager
def watched(doing: str) -> Iterator[None]:
    """Run a workload's code in the foreground, before anything is shown.

    * What it prints goes to standard error, behind a line that names it, for standard output is for results.
    * Where it takes longer than `SLOW_AFTER_S`, or is interrupted, a line names it and the place it has come to.
    * Where it forks and lets the child go on, the child ends here: two processes must not work on one command.
    """
    process, thread = os.getpid(), threading.get_ident()
    timer = threading.Timer(SLOW_AFTER_S, _slow, (doing, thread))
    timer.daemon = True
    timer.start()
    try:
        with contextlib.redirect_stdout(_Named(doing)):
            yield
    except KeyboardInterrupt as error:
        _say(f"{doing} was interrupted: {reason_of(error)}")
        raise
    finally:
        timer.cancel()
        if os.getpid() != process:
            _say(f"{doing} has forked this process; the child ends here")
            os._exit(1)


def _slow(doing: str, thread: int) -> None:
    frame = sys._current_frames().get(thread)
    frames = [(each.f_code.co_filename, line) for each, line in traceback.walk_stack(frame)] if frame else []
    _say(f"{doing} has taken {SLOW_AFTER_S:g} s so far; it is at {_place(frames[::-1])}")


def _say(text: str) -> None:
    if sys.stderr is not None:  # or print would take standard output
        with contextlib.suppress(OSError, ValueError):
            print(wrapped(text, sys.stderr), file=sys.stderr, flush=True)


class _Named:
    """Stands for standard output: names who writes, and passes it on to standard error."""

    def __init__(self, doing: str) -> None:
        self._doing, self._target = doing, sys.stderr or sys.stdout

    def write(self, text: str) -> int:
        if self._doing:
            doing, self._doing = self._doing, ""
            _say(f"{doing} prints:")
        return self._target.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)
