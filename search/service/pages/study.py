"""A study on record: its answer, its files, and what can be done with it."""

from __future__ import annotations

import asyncio
import shlex

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from search.core.errors import UserError
from search.core.sequences import SUFFIX, sequence_of
from search.ledger.answers import one_listed
from search.report.paths import study_folder
from search.service import acts
from search.service.acts import Service
from search.service.bounds import CONFIRM_SEEDS, CONFIRM_SETTINGS, SEEDS, number_of
from search.service.pages.shown import places_words, show, text_of
from search.service.people import Role, require
from search.service.reports import PREFIX as REPORTS
from search.service.study_files import files_of
from search.service.templating import page_of
from search.service.watching import Watching


class StudyPage:
    """The page of a study."""

    def __init__(self, service: Service, watching: Watching) -> None:
        self.service, self.watching = service, watching

    async def study(self, request: Request) -> Response:
        """A study on record: its answer, its files, and what can be done with it."""

        def read() -> dict[str, object]:
            study = one_listed(self.service.ledger.engine, int(request.path_params["study"]))
            folder = study_folder(self.service.places.results, study.name)
            sequence = sequence_of(study.name)
            return {
                "study": study,
                "page": page_of(study),
                "growth": self.watching.growth(study.name, page_of(study), study.running),
                "reports": f"{REPORTS}/{folder.name}/",
                "files": files_of(folder),
                "sequence": sequence,
                "commands": "\n".join(
                    shlex.join(["python", "-m", "search", *words, *places_words(self.service)])
                    for words in (_of_sequence(sequence) if sequence else _of_study(study.name))
                ),
                "weights": self.service.weights.said(study.name),
            }

        given = await asyncio.to_thread(read)
        self.service.look()
        return show(request, "study.html", given)

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
            given = {name: text_of(form, name) for name in ("count", "top", "seeds")}
        if deed == "confirm":
            top, seeds = number_of(given["top"], CONFIRM_SETTINGS), number_of(given["seeds"], CONFIRM_SEEDS)
            entry = await acts.confirm(self.service, person, study.name, top, seeds)
        else:
            count = 0 if deed == "again" else number_of(given["count"], SEEDS)
            entry = await acts.add_seeds(self.service, person, study.name, count)
        return RedirectResponse(f"/entries/{entry.id}", 303)


def _of_study(name: str) -> list[list[str]]:
    return [[verb, name] for verb in ("report", "show", "export", "visualize")]


def _of_sequence(name: str) -> list[list[str]]:
    """Return the commands by which a sequence goes on, gets its test figure, and is listed."""
    against = ["--against", name]
    return [["judge", "FILE", *against], ["judge", *against, "--final"], ["show", f"{name}{SUFFIX}"]]
