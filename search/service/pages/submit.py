"""Submit: a space file is checked, priced and queued."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from search.core.errors import Faults, UserError
from search.ledger.answers import one_listed
from search.service import acts
from search.service.acts import Service
from search.service.bounds import NUMBERS, SEEDS, TRIALS, number_of
from search.service.example import EXAMPLE
from search.service.pages.shown import show, text_of
from search.service.people import Person, Role, require
from search.service.rest.replies import status_of
from search.service.submission import Submission, submission

FORM = {"text": "", "name": "", "data": "", "seeds": "", "trials": ""}


class Submit:
    """The page of a submission."""

    def __init__(self, service: Service) -> None:
        self.service = service

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
            given = {name: text_of(form, name) for name in FORM}
            uploaded = form.get("file")
            if isinstance(uploaded, UploadFile) and uploaded.filename:
                given["text"] = (await uploaded.read()).decode("utf-8", "replace")
            act = text_of(form, "act")
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
        return show(request, "submit.html", more, status)


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
