"""What the tests take from whoever starts them: as little as possible.

A test has the same outcome in a terminal, under `nohup`, in cron, in a background job, in another folder, under another
locale and on a machine that does ten things at once.
"""

from __future__ import annotations

import locale
import os
import signal
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""Where the tests run: paths in commands and space files are relative to the repository."""

PATIENCE = float(os.environ.get("TEST_PATIENCE", "1"))
"""How many times longer everything may take; for a machine that is busier than usual."""

HANG_S = 600 * PATIENCE
"""Seconds after which what a test waits for is taken to hang. Nothing is timed by it: the longest takes a twentieth."""

SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGALRM", "SIGCHLD", "SIGTSTP", "SIGUSR1", "SIGUSR2", "SIGXFSZ")
"""Signals that whoever starts the tests may have told them to ignore, as `nohup`, cron and background jobs do."""

FOREIGN = (
    *("CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),
    *("LANGUAGE", "PYTHONCOERCECLOCALE", "PYTHONINSPECT", "PYTHONIOENCODING", "PYTHONOPTIMIZE", "PYTHONSAFEPATH"),
    *("PYTHONUNBUFFERED", "PYTHONUTF8", "PYTHONWARNINGS"),
    *("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_TMPDIR", "WANDB_MODE"),
)
"""Variables that change what a command prints, or where it looks, and that a test sets where it wants them."""


def settle() -> None:
    """Give this process, and so its children, the signals, the variables, the locale and the folder of a fresh shell.

    A child inherits that a signal is ignored or blocked, and Python installs no handler for an ignored SIGINT: it could
    not be ended by Ctrl-C. Call this from the main thread.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for name in SIGNALS:
        number = getattr(signal, name)
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    for name in [*FOREIGN, *(name for name in os.environ if name.startswith("LC_"))]:
        os.environ.pop(name, None)
    os.environ["LANG"] = "C.UTF-8"
    locale.setlocale(locale.LC_ALL, "")
    if data := os.environ.get("SEARCH_DATA"):
        os.environ["SEARCH_DATA"] = os.path.abspath(data)  # it may be relative to where the tests were started
    os.umask(0o022)
    os.chdir(ROOT)
