"""The tools of an agent, with the descriptions that it chooses them by."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from search import __version__
from search.core.errors import Faults, UserError
from search.service.agents import words
from search.service.agents.desk import NOTHING, Desk
from search.service.agents.guide import INSTRUCTIONS
from search.service.bounds import LIMIT, LIMITS
from search.service.client import files_of

MAX_WAIT_S = 50
"""Seconds that `status` waits at most: clients give up on a tool after a minute."""

WAIT_SPACING_S = 0.5
"""Seconds between two questions while it waits."""

Text = Annotated[str | None, Field(description="The space file itself, as YAML text. Give this or `file`, not both.")]
File = Annotated[
    str | None,
    Field(description="In place of `text`: path of a space file on this machine; files it extends go with it."),
]
Name = Annotated[
    str | None,
    Field(description="With `text`: name of the study, where the file says none under `name`; by default `study`."),
]
Changes = Annotated[
    list[str],
    Field(description='Changes of the file for this call, each KEY=VALUE: ["epochs=3", "seeds=[0,1,2,3,4]"].'),
]
Data = Annotated[str | None, Field(description="Another data set than the file names, or a folder of images.")]
MaxSeeds = Annotated[int | None, Field(description="Of `judge`: seeds that are paid for at most; by default 10.", ge=3)]
StudyName = Annotated[str, Field(description="Name of a study on record, as `status` gives it.")]
Number = Annotated[int, Field(description="Number of an entry of the queue, as `submit` or `judge` gave it.", ge=1)]

_NO_CHANGES: list[str] = []

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
QUEUES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
STOPS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)


class Tools:
    """The tools; their docstrings are what an agent reads.

    Args:
        desk: where they get things done.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def settings(
        self, workload: Annotated[str, Field(description="An installed workload.")] = "classifier"
    ) -> CallToolResult:
        """List what can be varied or fixed: every setting of a workload with its type, bounds, default and meaning.

        Call it first, to write a space file with the right names. The workload `classifier` trains image classifiers.
        """
        answer = await self._ask("GET", "/workloads/{workload}/settings", workload=workload)
        return _result(words.settings(answer), answer)

    async def check(
        self, text: Text = None, file: File = None, name: Name = None, data: Data = None, changes: Changes = _NO_CHANGES
    ) -> CallToolResult:
        """Check a space file without training anything: every fault at once, each with line, key and remedy.

        Call it before `plan`, and again until it says that the file is sound.
        """
        answer = await self._ask("POST", "/check", self._submission(text, file, name, data, changes))
        return _result(words.faults(answer), answer)

    async def plan(
        self,
        text: Text = None,
        file: File = None,
        name: Name = None,
        data: Data = None,
        changes: Changes = _NO_CHANGES,
        judge: Annotated[bool, Field(description="Price `judge`: all seeds up to its last look.")] = False,
        max_seeds: MaxSeeds = None,
    ) -> CallToolResult:
        """Say what a study will cost before it is run: trials, epochs, time and disk, what is on record already, and
        which difference its seeds and examples can find. Nothing is trained.

        Read the smallest difference that it will find: where that is larger than the one in question, more seeds are
        needed, or the verdict will be "undecided". Time is unknown until a similar trial is on record.
        """
        wish = _judging(max_seeds) if judge else {}
        answer = await self._ask("POST", "/plan", self._submission(text, file, name, data, changes, wish))
        return _result(words.plan(answer), answer)

    async def submit(
        self,
        text: Text = None,
        file: File = None,
        name: Name = None,
        data: Data = None,
        changes: Changes = _NO_CHANGES,
        new_revision: Annotated[
            bool,
            Field(description="Start a new revision, where a run was refused because machine, data or code changed."),
        ] = False,
    ) -> CallToolResult:
        """Queue a study to be trained, with exactly the seeds of its file; returns the number of its entry at once.

        It costs what `plan` said. Epochs on record are not trained again, so submitting the same file again goes on
        after a stop, and costs nothing where all is there. A file with faults is refused. Where the question is how
        sure one may be, take `judge` in its place, from the first run on. Then call `status`.
        """
        body = self._submission(text, file, name, data, changes, {"new_revision": new_revision})
        return await self._queue(body)

    async def judge(
        self,
        text: Text = None,
        file: File = None,
        name: Name = None,
        data: Data = None,
        changes: Changes = _NO_CHANGES,
        max_seeds: MaxSeeds = None,
    ) -> CallToolResult:
        """Queue a study whose seeds are added until every claim of its file is decided; returns its entry's number.

        It looks after 3, 5, 7 and 10 seeds (or those of `report.looks`), with levels that make all looks together err
        as rarely as a single one, so stopping early is honest. The right tool for "is a better than b, and how sure are
        you": it pays for no more seeds than that takes. The file must state `report.claims`, and be a grid; a margin
        lets it end early where a setting cannot be better by that much. At most it costs what `plan` with judge=true
        says. Then call `status`, then `verdicts`.
        """
        return await self._queue(self._submission(text, file, name, data, changes, _judging(max_seeds)))

    async def status(
        self,
        entry: Annotated[
            int | None, Field(description="Number of an entry; without one, the queue and studies are listed.")
        ] = None,
        wait_seconds: Annotated[
            float,
            Field(description="Wait so long for the entry to end, and answer as soon as it has.", ge=0, le=MAX_WAIT_S),
        ] = 0,
        limit: Annotated[
            int, Field(description="Without an entry: how many of each list.", ge=LIMITS.low, le=LIMITS.high)
        ] = LIMIT,
        entries_after: Annotated[
            str | None, Field(description="Without an entry: go on behind those entries, as the last answer said.")
        ] = None,
        studies_after: Annotated[
            str | None, Field(description="Without an entry: go on behind those studies, as the last answer said.")
        ] = None,
    ) -> CallToolResult:
        """Say how far an entry of the queue is, waiting for its end where asked; or list the queue and the newest
        studies.

        Returns how it ended: done, failed trials, stopped, refused (with what to mend) or broken.
        """
        if entry is None:
            entries = await self._ask("GET", "/entries", query=_page(limit, entries_after))
            studies = await self._ask("GET", "/studies", query=_page(limit, studies_after))
            found = {
                **{"entries": entries["entries"], "entries_next": entries["next"]},
                **{"studies": studies["studies"], "studies_next": studies["next"]},
            }
            return _result(words.queue(found, self._desk.working()), found)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_seconds
        while (answer := await self._ask("GET", "/entries/{entry}", entry=entry))["phase"] != "ended":
            if loop.time() >= until:
                break
            await asyncio.sleep(WAIT_SPACING_S)
        return _result(words.status(answer, self._desk.working()), answer)

    async def stop(self, entry: Number) -> CallToolResult:
        """Stop an entry, as Ctrl-C does: epochs that are nearly done are waited for; a second call ends it at once.

        Nothing that was trained is lost: submit the same file again to go on.
        """
        answer = await self._ask("POST", "/entries/{entry}/stop", {}, entry=entry)
        state = (
            "has ended" if answer["phase"] == "ended" else "was asked to stop; `status` with wait_seconds tells when"
        )
        return _result(f"Entry {entry} (study {answer['name']!r}) {state}.", answer)

    async def verdicts(self, study: StudyName) -> CallToolResult:
        """Say what may be concluded from a study, and what may not, with the words to cite.

        The one source for any statement on a study: each claim with its verdict (supported, contradicted, undecided),
        interval, p value, seeds and examples. Quote `cite`; do not reword a verdict into a stronger one. Call it when
        `status` says that the study has ended, not to see whether it looks good yet: each look is on record.
        """
        answer = await self._ask("GET", "/studies/{study}/verdicts", study=study)
        return _result(words.verdicts(answer), answer)

    async def table(self, study: StudyName) -> CallToolResult:
        """Return the comparison table of a study as Markdown, with intervals, differences and every note.

        For figures to show. It decides nothing by itself: what may be said of it tells `verdicts`.
        """
        answer = await self._ask("GET", "/studies/{study}/table", study=study)
        return _result(words.table(answer), answer)

    async def audit(self, study: StudyName) -> CallToolResult:
        """Look for what is wrong with a study: settings that changed nothing, data that overlap, stops that cost the
        winner, the best at the edge of its range, and more, each with why it matters and what to do.

        Call it before citing. A flaw means that part of the table is not what it seems to be.
        """
        answer = await self._ask("GET", "/studies/{study}/audit", study=study)
        return _result(words.audit(answer), answer)

    async def _queue(self, body: Mapping[str, object]) -> CallToolResult:
        entry = await self._ask("POST", "/entries", body)
        return _result(words.queued(entry, self._desk.working()), entry)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] = NOTHING,
        **names: str | int,
    ) -> dict[str, Any]:
        try:
            return await self._desk.ask(method, path, body, query, **names)
        except Faults as error:
            listed = words.faults({"faults": [vars(fault) for fault in error.faults]})
            if path == "/check":  # a file that is no YAML: an answer like any other
                return {"faults": [vars(fault) for fault in error.faults]}
            raise ToolError(listed) from error
        except UserError as error:
            raise ToolError(str(error)) from error

    def _submission(
        self,
        text: str | None,
        file: str | None,
        name: str | None,
        data: str | None,
        changes: list[str],
        wishes: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        """Return the body of a submission, as `search.service.submission` reads it."""
        if (text is None) == (file is None):
            raise ToolError("give either `text`, a space file as YAML, or `file`, its path")
        options: dict[str, object] = {"set": changes, **(wishes or {})}
        if data is not None:
            options["data"] = data
        if file is None:
            return {"text": text, "options": options, **({"name": name} if name else {})}
        if name is not None:
            raise ToolError("`name` goes with `text`; a file has its own, or changes=['name=...']")
        try:
            return {"files": files_of(file), "options": options}
        except UserError as error:
            raise ToolError(str(error)) from error


def _page(limit: int, after: str | None) -> dict[str, str]:
    return {"limit": str(limit), **({} if after is None else {"after": after})}


def _judging(max_seeds: int | None) -> dict[str, object]:
    return {"judge": True, **({} if max_seeds is None else {"max_seeds": max_seeds})}


def _result(text: str, content: Mapping[str, Any]) -> CallToolResult:
    """Return an answer in words, with the same as data."""
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=dict(content))


def agent_server(desk: Desk) -> MCPServer[Any]:
    """Return a server of the protocol whose tools ask a desk."""
    server: MCPServer[Any] = MCPServer(
        "search",
        title="Controlled comparisons of training runs",
        instructions=INSTRUCTIONS,
        version=__version__,
        log_level="WARNING",
    )
    tools = Tools(desk)
    reading = (tools.settings, tools.check, tools.plan, tools.status, tools.verdicts, tools.table, tools.audit)
    hints = [*((tool, READS) for tool in reading), (tools.submit, QUEUES), (tools.judge, QUEUES), (tools.stop, STOPS)]
    for tool, hint in hints:
        server.add_tool(tool, description=inspect.getdoc(tool), annotations=hint)  # without its indentation
    return server
