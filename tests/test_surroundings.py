"""Tests do not depend on how they are started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.surroundings import HANG_S, ROOT, SIGNALS

INNER = '''
import locale, os, signal, sys
from tests.surroundings import settle
settle()
import subprocess
child = """
import signal, sys
print(signal.getsignal(signal.SIGINT).__name__, sys.stdout.encoding, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""
hung_up = int(signal.getsignal(signal.SIGHUP))
print(locale.nl_langinfo(locale.CODESET), os.getcwd(), oct(os.umask(0)), hung_up, flush=True)
subprocess.run([sys.executable, "-c", child])
'''


def test_ignored_signals_another_locale_and_another_folder_change_nothing(tmp_path) -> None:
    def as_cron_does() -> None:
        for name in SIGNALS:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        os.umask(0o077)

    foreign = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", INNER],
        env={**os.environ, **foreign, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        preexec_fn=as_cron_does,
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.stderr == ""
    own, child = done.stdout.splitlines()
    assert own == f"UTF-8 {ROOT} 0o22 {int(signal.SIG_DFL)}"
    assert child == "default_int_handler utf-8 set()"
