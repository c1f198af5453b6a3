"""The description of all calls for programs, in the form of OpenAPI 3.1, and the schemas of what they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from search import __version__
from search.service import bounds
from search.service.people import Role

Schema = Mapping[str, object]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
SUBMISSION: Schema = {
    "type": "object",
    "properties": {
        "files": {
            "type": "object",
            "additionalProperties": TEXT,
            "description": "name -> text; the space file first, then the base files it extends",
        },
        "text": {"type": "string", "description": "in place of files: the space file alone"},
        "name": {"type": "string", "description": "with text: the study's name, where the file has none"},
        "options": {
            "type": "object",
            "properties": {
                "data": {"type": "string", "description": "another data set"},
                "set": {"type": "array", "items": TEXT, "description": "KEY=VALUE, as behind --set"},
                "new_revision": {"type": "boolean"},
                "judge": {"type": "boolean", "description": "add seeds until the claims of the file are decided"},
                "max_seeds": {"type": "integer", "description": "with judge: seeds that are paid for at most"},
            },
        },
    },
}

PAGED: Mapping[str, Schema] = {
    "limit": {
        **NUMBER,
        "minimum": bounds.LIMITS.low,
        "maximum": bounds.LIMITS.high,
        "default": bounds.LIMIT,
        "description": "how many at most",
    },
    "after": {**TEXT, "description": "what `next` of the page before says; left out for the first page"},
}
"""What stands behind the ``?`` where a list is asked for."""

REFUSAL: Schema = {
    "type": "object",
    "properties": {
        "reason": TEXT,
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"file": TEXT, "line": NUMBER, "key": TEXT, "message": TEXT},
            },
        },
    },
    "required": ["reason", "faults"],
}
REFUSALS = {
    400: "what was sent cannot be used",
    401: "a token is needed",
    403: "this person may not, or a page of another site or name asks",
    404: "there is no such thing",
    408: "the body did not come in time",
    409: "not now",
    413: "the body is too large",
    414: "the address is too long",
    415: "no JSON",
    422: "a file has faults",
    429: "too many wrong tokens",
    503: "the database does not answer, or the server has too many connections",
}
"""Status -> why something is not done; `reason` says more."""

READING = (400, 401, 403, 414, 429, 503)
WRITING = (*READING, 404, 408, 409, 413, 415, 422)


class Described(Protocol):
    """What is told of a call."""

    @property
    def method(self) -> str:
        """As HTTP has it."""

    @property
    def bare_path(self) -> str:
        """Below the common beginning, with names in braces."""

    @property
    def role(self) -> Role:
        """Who may."""

    @property
    def summary(self) -> str:
        """What it does."""

    @property
    def body(self) -> Schema:
        """Schema of what is sent; empty for nothing."""

    @property
    def status(self) -> int:
        """Where it is done."""

    @property
    def query(self) -> Mapping[str, Schema]:
        """Schemas of what stands behind the ``?``."""


def openapi(calls: Sequence[Described], prefix: str) -> dict[str, object]:
    """Return the description of calls.

    Args:
        calls: all of them.
        prefix: beginning of their addresses.
    """
    paths: dict[str, dict[str, object]] = {}
    for call in calls:
        path = f"{prefix}{call.bare_path}"
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        parameters: list[Schema] = [
            {"name": name, "in": "path", "required": True, "schema": NUMBER if name == "entry" else TEXT}
            for name in names
        ]
        parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in call.query.items()]
        refusals = WRITING if call.method != "GET" else (*READING, 404) if names else READING
        body = {"requestBody": {"content": _json(call.body), "required": True}} if call.body else {}
        paths.setdefault(path, {})[call.method.lower()] = {
            "summary": call.summary,
            "description": f"For a {call.role.name.lower()}.",
            "parameters": parameters,
            **body,
            "responses": {
                str(call.status): {"description": "done", "content": _json({"type": "object"})},
                **{
                    str(status): {"description": REFUSALS[status], "content": _json(REFUSAL)}
                    for status in sorted(refusals)
                },
            },
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "search", "version": __version__},
        "paths": paths,
        "security": [{"token": []}, {}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _json(schema: Schema) -> dict[str, object]:
    return {"application/json": {"schema": schema}}
