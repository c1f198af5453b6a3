"""What a server takes over a ledger with many studies: processor time of each page, of viewers, and under a load.

    python -m benchmarks.service [--studies 20 200] [--trials 1000] [--epochs 10] [--viewers 20] [--submitters 5]
                                 [--seconds 60] [--folder FOLDER]

A ledger is filled with so many settled studies (`benchmarks.record`), each with an entry of the queue that ended, and a
server is started over it, once for each number of studies. Filling takes about 3 s of a core for each study of 1,000
trials; with --folder it is kept there, and a later call goes on from it.

*pages*: milliseconds of processor time of each page and of each call of REST, of the server and of the processes in
which it has studies looked at, measured over many requests. Of pages of a study "first" is of a study that nobody has
looked at before, the others of one that was looked at a moment ago. The ratio is that of most studies by fewest: where
a page does not depend on how much is on record it is 1.

*idle*: the share of one core that the server takes while viewers hear the events of pages on which nothing happens:
each of an entry of its own, that waits behind one which runs.

*load*: for so many seconds a study runs, viewers hear the events of its page and fetch its curves, others load Home
and the page of a study again and again, and submitters check, plan, submit, stop and take away. Printed are the
longest and the middle time of each kind of request by the clock, the share of a core that the server took, and its
memory before and after.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import optuna

from benchmarks import harness, servers
from benchmarks.record import fill
from benchmarks.servers import Served
from search.core.errors import UserError
from search.core.queue import Outcome, begun, concluded
from search.ledger.answers import keep_answer, stale
from search.ledger.ledger import Ledger
from search.ledger.queue import Queue
from search.ledger.tables import utc_now
from search.report.record.looks import record_look
from search.service.answers import make_answer
from search.service.client import Client
from search.study.opened import OpenStudy

Answer = TypeVar("Answer")

MIN_MEASURED_S, MAX_REQUESTS = 1.0, 100
"""Requests of one kind go on until they took so much processor time together, or are so many."""

FRESH_STUDIES = 8
SETTLE_S = 3.0
RELOAD_SPACING_S = 5.0
SLOW_S = 1.0

RUNNING = """workload: classifier
fixed: {epochs: 100, data: digits, data.limit: [180, 200, 200]}
space:
  optimizer.lr: {grid: [0.005, 0.01, 0.02, 0.05]}
  loss.gamma: {grid: [0, 0.5, 1, 2, 5]}
seeds: 50
"""
SUBMITTED = """workload: classifier
fixed: {epochs: 5, data: digits}
space:
  optimizer.lr: {grid: [0.005, 0.05]}
seeds: [0, 1]
"""


def prepared(folder: Path, studies: int, trials: int, epochs: int) -> None:
    """Fill a results folder: studies, what they came to, and entries of the queue that ended.

    What a study came to is made for the first one; the others are given the same, for it takes some seconds each.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    names = fill(folder, studies, trials, epochs)
    ledger = Ledger(str(folder / "search.db"))
    try:
        queue, records = Queue(ledger.engine), ledger.studies()
        content: Mapping[str, object] = {}
        behind = set(stale(ledger.engine, len(names)))
        for record in records:
            if record.name in behind:
                content = content or make_answer(ledger, record.name, folder)
                record_look(OpenStudy(ledger, record))
                keep_answer(ledger.engine, record.id, content)
        for record in records[len(queue.entries()) :]:
            number = queue.submit(record.name, {f"{record.name}.yaml": record.space}, {}, "ann").id
            queue.change(number, "server", "start", partial(begun, now=utc_now(), reached=0))
            queue.name_study(number, record.name)
            queue.change(number, "command", "end", partial(concluded, now=utc_now(), outcome=Outcome.DONE, said=""))
    finally:
        ledger.close()


def idle_share(server: Served, seconds: float) -> float:
    """Return the share of a core that a server takes during so many seconds."""
    began, before = time.monotonic(), server.processor_s()
    time.sleep(seconds)
    return (server.processor_s() - before) / (time.monotonic() - began)


def each_ms(server: Served, paths: Sequence[str], most: int = MAX_REQUESTS) -> float:
    """Return the milliseconds of processor time that a request takes, over requests of these paths in turn."""
    before, count = server.processor_s(), 0
    while count < most and (count < len(paths) or server.processor_s() - before < MIN_MEASURED_S):
        server.get(paths[count % len(paths)])
        count += 1
    return 1000 * (server.processor_s() - before) / count


def pages(server: Served, studies: int) -> Iterator[tuple[str, float]]:
    """Yield what is asked for, and the milliseconds of processor time of one request."""
    first = f"/studies/{studies}/"
    some = [f"/studies/{studies - place}/" for place in range(1, FRESH_STUDIES + 1)]
    name = f"/api/v1/studies/study-{studies - 1:04}"
    yield "Home", each_ms(server, ["/"])
    yield "Home, older studies", each_ms(server, ["/?first=10"])
    yield "study, first", each_ms(server, some, len(some))
    yield "study", each_ms(server, [first])
    yield "curves of a study", each_ms(server, [f"{first}curves.svg"])
    yield "entry that ended", each_ms(server, [f"/entries/{studies}"])
    yield "Submit", each_ms(server, ["/submit"])
    yield "Compare", each_ms(server, ["/compare"])
    yield "Actions", each_ms(server, ["/actions"])
    yield "REST: entries", each_ms(server, ["/api/v1/entries"])
    yield "REST: an entry", each_ms(server, [f"/api/v1/entries/{studies}"])
    yield "REST: studies", each_ms(server, ["/api/v1/studies"])
    yield "REST: curves", each_ms(server, [f"{name}/curves"])
    yield "REST: verdicts", each_ms(server, [f"{name}/verdicts"], 2)
    yield "report", each_ms(server, ["/reports/study-0000/report.html"])
    yield "list of reports", each_ms(server, ["/reports/"])


def idle(server: Served, viewers: int, seconds: float) -> float:
    """Return the share of a core that a server takes with viewers of entries that wait behind one that runs."""
    client = Client(server.url)

    def submitted(name: str, text: str) -> int:
        return int(client.ask("POST", "/entries", {"text": text, "name": name})["id"])

    running = submitted("ahead", RUNNING)
    waits = [submitted(f"behind-{place}", SUBMITTED) for place in range(viewers)]
    while any(client.ask("GET", f"/entries/{number}")["price"] is None for number in waits):
        time.sleep(1)
    addresses = [f"{server.url}/entries/{number}/events?phase=queued&from=0" for number in waits]
    with servers.audience(viewers, addresses, seconds + 2 * SETTLE_S + 60):
        time.sleep(2 * SETTLE_S)
        share = idle_share(server, seconds)
    for number in waits:
        client.ask("DELETE", f"/entries/{number}")
    client.ask("POST", f"/entries/{running}/stop", {})
    return share


class Load:
    """Many who ask at once, for some seconds.

    Args:
        server: is asked.
        seconds: for which they go on.
    """

    def __init__(self, server: Served, seconds: float) -> None:
        self.server, self.seconds, self.until = server, seconds, 0.0
        self.taken: defaultdict[str, list[float]] = defaultdict(list)
        self.refused: list[str] = []

    def timed(self, kind: str, ask: Callable[[], Answer]) -> Answer:
        """Ask, and note how long the answer took by the clock."""
        began = time.monotonic()
        try:
            return ask()
        finally:
            self.taken[kind].append(time.monotonic() - began)

    def reader(self, kind: str, path: str) -> None:
        """Load a page again and again."""
        while time.monotonic() < self.until:
            self.timed(kind, lambda: self.server.get(path))
            time.sleep(RELOAD_SPACING_S)

    def submitter(self, number: int) -> None:
        """Check, plan, submit, look, stop and take away, again and again."""
        client, turn = Client(self.server.url), 0
        while time.monotonic() < self.until:
            turn += 1
            body = {"text": SUBMITTED, "name": f"submitted-{number}-{turn}"}
            with contextlib.suppress(UserError):
                self.timed("check", partial(client.ask, "POST", "/check", body))
                self.timed("plan", partial(client.ask, "POST", "/plan", body))
                entry = self.timed("submit", partial(client.ask, "POST", "/entries", body))["id"]
                for kind, method, path in (
                    ("queue", "GET", "/entries"),
                    ("look", "GET", f"/entries/{entry}"),
                    ("stop", "POST", f"/entries/{entry}/stop"),
                    ("take away", "DELETE", f"/entries/{entry}"),
                ):
                    self.timed(kind, partial(client.ask, method, path, {} if method == "POST" else None))
                continue
            self.refused.append(body["name"])
            time.sleep(1)

    def run(self, study: str, viewers: int, submitters: int) -> list[str]:
        """Let all of them ask; return lines of what it took."""
        client = Client(self.server.url)
        running = client.ask("POST", "/entries", {"text": RUNNING, "name": "running"})["id"]
        while client.ask("GET", f"/entries/{running}")["live"].get("trials") is None:
            time.sleep(0.5)
        began = time.monotonic()
        self.until = began + self.seconds
        events = f"{self.server.url}/entries/{running}/events?phase=running&from=0"
        pages_read = {"Home": "/", "study": study, "Watch": f"/entries/{running}"}
        each = [threading.Thread(target=self.reader, args=item) for item in pages_read.items()]
        each += [threading.Thread(target=self.submitter, args=(number,)) for number in range(submitters)]
        with servers.audience(viewers, [events], self.seconds):
            memory, before = self.server.megabytes(), self.server.processor_s()
            own = servers.processor_s(self.server.pid, waited=False)
            for thread in each:
                thread.start()
            for thread in each:
                thread.join()
            took = time.monotonic() - began
            share, mine = self.server.processor_s() - before, servers.processor_s(self.server.pid, waited=False) - own
        client.ask("POST", f"/entries/{running}/stop", {})
        lines = [f"{'by the clock':14}{'requests':>10}{'middle s':>10}{'longest s':>11}{f'above {SLOW_S:.0f} s':>11}"]
        for kind, waited in self.taken.items():
            slow = sum(one > SLOW_S for one in waited)
            lines.append(f"{kind:14}{len(waited):10}{statistics.median(waited):10.3f}{max(waited):11.3f}{slow:11}")
        lines.append(
            f"server {100 * mine / took:.1f} % of a core, with what it has examined {100 * share / took:.1f} %"
        )
        lines.append(f"its memory {memory:.0f} MB before, {self.server.megabytes():.0f} MB after")
        return [*lines, *([f"refused: {', '.join(self.refused)}"] if self.refused else [])]


def measure(folder: Path, studies: int, chosen: argparse.Namespace) -> dict[str, float]:
    """Print what a server takes over so many studies; return the milliseconds of each page."""
    prepared(folder, studies, chosen.trials, chosen.epochs)
    found: dict[str, float] = {}
    print(f"\n{studies} studies of {chosen.trials:,} trials", flush=True)
    with serving_over(folder) as server:
        if "pages" in chosen.parts:
            for page, milliseconds in pages(server, studies):
                found[page] = milliseconds
                print(f"{page:22}{milliseconds:9.1f} ms", flush=True)
        print(f"the server has {server.megabytes():.0f} MB", flush=True)
        if "idle" in chosen.parts:
            print(f"without viewers: {100 * idle_share(server, chosen.seconds / 3):.1f} % of a core", flush=True)
            share = idle(server, chosen.viewers, chosen.seconds / 3)
            print(f"with {chosen.viewers} viewers where nothing happens: {100 * share:.1f} % of a core", flush=True)
        if "load" in chosen.parts:
            load = Load(server, chosen.seconds)
            print("\n".join(load.run(f"/studies/{studies}/", chosen.viewers, chosen.submitters)), flush=True)
    return found


@contextlib.contextmanager
def serving_over(folder: Path) -> Iterator[Served]:
    """Start a server, and wait until it has done what it does first."""
    with servers.serving(folder) as server:
        server.get("/")
        time.sleep(SETTLE_S)
        yield server


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, nargs="+", default=[20, 200], help="on record")
    parser.add_argument("--trials", type=int, default=1000, help="of each study")
    parser.add_argument("--epochs", type=int, default=10, help="of each trial")
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--submitters", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="that the load lasts; viewers are measured a third")
    parser.add_argument("--parts", nargs="+", choices=["pages", "idle", "load"], default=["pages", "idle", "load"])
    parser.add_argument("--folder", type=Path, help="keep what was filled there, a folder for each number of studies")
    chosen = parser.parse_args(arguments)
    least = max(FRESH_STUDIES + 1, chosen.viewers)
    if min(chosen.studies) < least:
        parser.error(f"--studies {min(chosen.studies)}: must be at least {least}")
    with contextlib.ExitStack() as stack:
        folder = chosen.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="service-")))
        found = {studies: measure(folder / f"{studies}", studies, chosen) for studies in sorted(chosen.studies)}
    few, many = found[min(found)], found[max(found)]
    if len(found) > 1 and few:
        print(f"\nprocessor time of a page, {max(found)} studies by {min(found)}")
        for page, milliseconds in many.items():
            print(f"{page:22}{milliseconds / few[page] if few[page] else float('nan'):9.2f}")
    lines = [*harness.conditions({"viewers": chosen.viewers, "submitters": chosen.submitters}), harness.busy()]
    print("\n" + "\n".join(line for line in lines if line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
