"""The pages that people read: made on the server, whole without a script."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from search.core.errors import Faults, UserError
from search.core.queue import Entry, Phase
from search.core.shown import duration
from search.ledger.answers import Listed, listed, one_listed
from search.report import design
from search.report.paths import study_folder
from search.service import acts
from search.service.acts import Service
from search.service.bounds import CONFIRM_SEEDS, CONFIRM_SETTINGS, NUMBERS, POSITIONS, SEEDS, TRIALS, number_of
from search.service.curve_picture import shown
from search.service.example import EXAMPLE
from search.service.folder import arguments, live, output_from, verb
from search.service.people import Person, Role, require
from search.service.reports import PREFIX as REPORTS
from search.service.rest import CALLS, status_of
from search.service.shown_table import rows_of
from search.service.study_files import TOLD, files_of
from search.service.submission import Submission, submission
from search.service.waiting import prices
from search.service.watching import Watching

STUDIES_SHOWN = 20
STUDIES_COMPARED = 50
"""Studies that can be chosen to be compared: the newest."""
ENDED_SHOWN = 10
MAX_FIND_LETTERS = 200
OUTPUT_SHOWN_BYTES = 1 << 16

FORM = {"text": "", "name": "", "data": "", "seeds": "", "trials": ""}


class Pages:
    """Makes the pages of one server."""

    def __init__(self, service: Service) -> None:
        self.service, self.watching = service, Watching(service)

    def show(self, request: Request, name: str, given: Mapping[str, object], status: int = 200) -> Response:
        """Return a page."""
        person: Person = request.state.person
        here = {"person": person, "current": request.url.path, "may": person.role >= Role.RUNNER}
        return HTMLResponse(_TEMPLATES.get_template(name).render({**here, **given}), status)

    def refused(self, request: Request, reason: str, status: int) -> Response:
        """Return the page that says why something was not done, or is not there."""
        return self.show(request, "refused.html", {"reason": reason, "missing": status == 404}, status)

    async def home(self, request: Request) -> Response:
        """Studies with their answers, what runs, and the queue."""
        first = number_of(request.query_params.get("first", "0"), NUMBERS)
        find = request.query_params.get("find", "")[:MAX_FIND_LETTERS].strip()
        engine, places = self.service.ledger.engine, self.service.places

        def read() -> tuple[list[Entry], list[Entry], list[Listed], dict[int, dict[str, object]]]:
            entries = self.service.queue.open_entries()
            running = [entry for entry in entries if entry.phase is Phase.RUNNING]
            lives = {entry.id: live(places.folder(entry.id)) for entry in running}
            studies = listed(engine, first, STUDIES_SHOWN + 1, find)
            return entries, self.service.queue.ended_last(ENDED_SHOWN), studies, lives

        entries, ended, studies, lives = await asyncio.to_thread(read)
        waiting = [entry for entry in entries if entry.phase is Phase.QUEUED]
        held = [entry for entry in entries if entry.phase is Phase.HELD]
        given = {
            "running": [(entry, lives[entry.id]) for entry in entries if entry.id in lives],
            "waiting": prices(waiting, list(lives.values()), self.service.slots),
            "held": held,
            "ended": ended,
            "studies": studies[:STUDIES_SHOWN],
            "older": first + STUDIES_SHOWN if len(studies) > STUDIES_SHOWN else None,
            "newer": max(0, first - STUDIES_SHOWN) if first else None,
            "find": find,
        }
        return self.show(request, "home.html", given)

    async def submit_form(self, request: Request) -> Response:
        """The form of a submission: empty, with an example, or with the file of a study on record."""
        query = request.query_params
        if "study" in query:
            number = number_of(query["study"], NUMBERS)
            return self._form(request, {**FORM, **await asyncio.to_thread(self._file_of, number)})
        return self._form(request, {**FORM, **(EXAMPLE if "example" in query else {})})

    def _file_of(self, number: int) -> dict[str, str]:
        record = self.service.ledger.study(one_listed(self.service.ledger.engine, number).name)
        return {"text": record.space, "name": record.base_name}

    async def submit(self, request: Request) -> Response:
        """Check, price or queue what was sent."""
        person: Person = request.state.person
        async with request.form(max_files=1, max_fields=20) as form:
            given = {name: _text(form, name) for name in FORM}
            uploaded = form.get("file")
            if isinstance(uploaded, UploadFile) and uploaded.filename:
                given["text"] = (await uploaded.read()).decode("utf-8", "replace")
            act = _text(form, "act")
        try:
            require(person, Role.RUNNER, "have a file looked at, or submit it")
            submitted = await asyncio.to_thread(_submitted, given)
            if act == "queue":
                entry = await acts.submit(self.service, person, submitted)
                return RedirectResponse(f"/entries/{entry.id}", 303)
            answer = await self.service.examiner.ask("plan" if act == "plan" else "check", submitted)
        except Faults as error:
            return self._form(request, given, [vars(fault) for fault in error.faults], status=422)
        except UserError as error:
            return self._form(request, given, reason=str(error), status=status_of(error))
        if answer["faults"]:
            return self._form(request, given, answer["faults"], status=422)
        said = f"Sound: study {answer['name']}, {answer['trials']} trials. {' '.join(answer['notes'])}"
        return self._form(request, given, said=said, plan=answer if act == "plan" else None)

    def _form(
        self,
        request: Request,
        form: Mapping[str, str],
        faults: list[dict[str, Any]] | None = None,
        said: str = "",
        reason: str = "",
        plan: Mapping[str, object] | None = None,
        status: int = 200,
    ) -> Response:
        lines = form["text"].count("\n") + 1
        margin = [""] * lines if faults else []
        for fault in faults or ():
            place = min(max(int(fault["line"]), 1), lines) - 1
            key = f"{fault['key']}: " if fault["key"] else ""
            told = f"{key}{fault['message']}"
            margin[place] = f"{margin[place]}\n{told}" if margin[place] else f"line {place + 1}: {told}"
        if faults:
            said = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        more = {"form": form, "margin": margin, "said": said, "reason": reason, "plan": plan}
        return self.show(request, "submit.html", more, status)

    async def entry(self, request: Request) -> Response:
        """One entry: watched while it runs, right after a reload."""
        number = int(request.path_params["entry"])

        def read() -> dict[str, object]:
            entry, folder = self.service.queue.entry(number), self.service.places.folder(number)
            output, written = output_from(folder, -OUTPUT_SHOWN_BYTES)
            return {
                "entry": entry,
                "live": live(folder),
                "output": output,
                "written": written,
                "actions": self.service.queue.actions(number),
                "command": self._command(entry),
                **self.watching.grown(entry),
            }

        return self.show(request, "entry.html", await asyncio.to_thread(read))

    def _command(self, entry: Entry) -> str:
        words = ["python", "-m", "search", verb(entry.options), next(iter(entry.files)), *arguments(entry.options)]
        return shlex.join([*words, *self._places()])

    def _places(self) -> list[str]:
        results = str(self.service.places.results)
        return [] if results == "results" else ["--results", results]

    async def act(self, request: Request) -> Response:
        """Do something to an entry, and show it."""
        number, deed, person = int(request.path_params["entry"]), request.path_params["act"], request.state.person
        require(person, Role.RUNNER, f"{deed} an entry")
        if deed == "move":
            async with request.form(max_files=0, max_fields=5) as form:
                position = number_of(_text(form, "position"), POSITIONS)
            await asyncio.to_thread(acts.move, self.service, person, number, position)
        else:
            if deed not in ENTRY_ACTS:
                raise UserError(f"there is no action {deed[:40]!r}")
            await asyncio.to_thread(ENTRY_ACTS[deed], self.service, person, number)
        return RedirectResponse("/" if deed == "delete" else f"/entries/{number}", 303)

    async def study(self, request: Request) -> Response:
        """A study on record: its answer, its files, and what can be done with it."""

        def read() -> dict[str, object]:
            study = one_listed(self.service.ledger.engine, int(request.path_params["study"]))
            folder = study_folder(self.service.places.results, study.name)
            commands = [
                shlex.join(["python", "-m", "search", verb, study.name, *self._places()])
                for verb in ("report", "show", "export", "visualize")
            ]
            return {
                "study": study,
                "page": page_of(study),
                **shown(self.service.watcher.growth(study.name), page_of(study), study.running),
                "reports": f"{REPORTS}/{folder.name}/",
                "files": files_of(folder),
                "commands": "\n".join(commands),
                "weights": self.service.weights.said(study.name),
            }

        return self.show(request, "study.html", await asyncio.to_thread(read))

    async def act_on_study(self, request: Request) -> Response:
        """Do something to a study on record, and show it."""
        number, deed, person = int(request.path_params["study"]), request.path_params["act"], request.state.person
        study = await asyncio.to_thread(one_listed, self.service.ledger.engine, number)
        if deed not in ("seeds", "again", "confirm", "delete", "weights"):
            raise UserError(f"there is no action {deed[:40]!r}")
        require(person, Role.ADMIN if deed == "delete" else Role.RUNNER, f"{deed} a study")
        if deed == "delete":
            await asyncio.to_thread(acts.take_off, self.service, person, study.id, study.name)
            return RedirectResponse("/", 303)
        if deed == "weights":
            await acts.write_weights(self.service, person, study.name)
            return RedirectResponse(f"{page_of(study)}#weights", 303)
        async with request.form(max_files=0, max_fields=5) as form:
            given = {name: _text(form, name) for name in ("count", "top", "seeds")}
        if deed == "confirm":
            top, seeds = number_of(given["top"], CONFIRM_SETTINGS), number_of(given["seeds"], CONFIRM_SEEDS)
            entry = await acts.confirm(self.service, person, study.name, top, seeds)
        else:
            count = 0 if deed == "again" else number_of(given["count"], SEEDS)
            entry = await acts.add_seeds(self.service, person, study.name, count)
        return RedirectResponse(f"/entries/{entry.id}", 303)

    async def compare(self, request: Request) -> Response:
        """Settings of several studies in one table."""
        query = request.query_params
        chosen = [number_of(text, NUMBERS) for text in query.getlist("study")]
        base = number_of(query.get("base", "0"), NUMBERS)
        engine = self.service.ledger.engine
        studies = await asyncio.to_thread(listed, engine, 0, STUDIES_COMPARED)
        table, reason = None, ""
        if chosen:
            names = [(await asyncio.to_thread(one_listed, engine, number)).name for number in chosen]
            try:
                table = await self.service.examiner.compare(names, base)
            except UserError as error:
                reason = str(error)
        again = "&".join(f"study={number}" for number in chosen)
        given = {"studies": studies, "chosen": chosen, "table": table, "reason": reason, "query": again}
        return self.show(request, "compare.html", given, 400 if reason else 200)

    async def actions(self, request: Request) -> Response:
        """Who did what."""
        return self.show(request, "actions.html", {"actions": await asyncio.to_thread(self.service.queue.actions)})

    async def rest(self, request: Request) -> Response:
        """The calls of REST."""
        return self.show(request, "rest.html", {"calls": CALLS})

    async def ours(self, request: Request) -> Response:
        """Our style sheet and scripts."""
        return _OURS.get(request.path_params["name"], lambda: Response("no such file\n", 404))()

    def route(self, path: str, answer: Callable[[Request], Awaitable[Response]], method: str = "GET") -> Route:
        """Return a route whose refusals are pages, too."""

        async def endpoint(request: Request) -> Response:
            try:
                return await answer(request)
            except UserError as error:
                return self.refused(request, str(error), status_of(error))

        return Route(path, endpoint, methods=[method])

    def routes(self) -> list[Route]:
        """Return the routes of all pages."""
        return [
            self.route("/", self.home),
            self.route("/submit", self.submit_form),
            self.route("/submit", self.submit, "POST"),
            self.route("/entries/{entry:int}", self.entry),
            self.route("/entries/{entry:int}/events", self.watching.events),
            self.route("/entries/{entry:int}/{act}", self.act, "POST"),
            self.route("/studies/{study:int}/", self.study),
            self.route("/studies/{study:int}/curves.svg", self.watching.curves),
            self.route("/studies/{study:int}/{act}", self.act_on_study, "POST"),
            self.route("/compare", self.compare),
            self.route("/actions", self.actions),
            self.route("/rest", self.rest),
            self.route("/ours/{name}", self.ours),
        ]


def enter_page(reason: str) -> Response:
    """Return the page that asks for a token."""
    status = 401 if reason else 200
    return HTMLResponse(_TEMPLATES.get_template("enter.html").render({"reason": reason}), status)


ENTRY_ACTS: Mapping[str, Callable[[Service, Person, int], object]] = {
    "stop": acts.stop,
    "again": acts.again,
    "release": acts.release,
    "delete": acts.delete,
}


def page_of(study: Listed) -> str:
    """Return the address of a study's page."""
    return f"/studies/{study.id}/"


def _file(name: str) -> str:
    return resources.files("search.service").joinpath("ours", name).read_text("utf-8")


_OURS: Mapping[str, Callable[[], Response]] = {
    "service.css": lambda: Response(f"{design.variables()}\n{_file('service.css')}", media_type="text/css"),
    "watch.js": lambda: Response(_file("watch.js"), media_type="text/javascript"),
    "icon.svg": lambda: Response(
        _file("icon.svg"), media_type="image/svg+xml", headers={"Content-Security-Policy": "style-src 'unsafe-inline'"}
    ),
    "submit.js": lambda: Response(_file("submit.js"), media_type="text/javascript"),
}


def _submitted(given: Mapping[str, str]) -> Submission:
    sets = [f"seeds={list(range(number_of(given['seeds'], SEEDS)))}"] if given["seeds"].strip() else []
    sets += [f"search.trials={number_of(given['trials'], TRIALS)}"] if given["trials"].strip() else []
    options: dict[str, object] = {"set": sets}
    if given["data"].strip():
        options["data"] = given["data"].strip()
    if not given["text"].strip():
        raise UserError("there is no space file: paste one, or choose one")
    name = given["name"].strip() or "study"
    return submission({"files": {f"{name}.yaml": given["text"].replace("\r\n", "\n")}, "options": options})


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def breakable(text: str) -> Markup:
    """Return a text as markup whose paths may go on in the next line behind a slash; nowhere else within a word."""
    return Markup("/<wbr>").join(str(text).split("/"))


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."


def _when(moment: str) -> str:
    return moment[:16].replace("T", " ")


def named(text: str) -> Markup:
    """Return a heading as markup that may be broken behind the points and low lines of a name."""
    return Markup(re.sub(r"(?<=\w)([._])(?=\w)", r"\1<wbr>", str(escape(text))))


_TEMPLATES = Environment(loader=PackageLoader("search.service", "templates"), autoescape=True, trim_blocks=True)
_TEMPLATES.filters |= {
    "when": _when,
    "duration": duration,
    "page_of": page_of,
    "breakable": breakable,
    "named": named,
    "rows": rows_of,
    "told": TOLD.get,
    "sentence": _sentence,
}
