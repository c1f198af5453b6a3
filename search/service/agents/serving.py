"""Serving an agent from the first message to the last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from search.core.errors import UserError
from search.ledger.ledger import Ledger
from search.ledger.queue import Queue
from search.service.folder import Places

MISSING = (
    "`mcp` needs packages that are not installed ({name}): pip install 'search-service[mcp]', or in a checkout "
    "pip install -e '.[mcp]'"
)


def require_packages() -> None:
    """See that what speaks the protocol is installed.

    Raises:
        UserError: it is not.
    """
    try:
        import mcp.server.mcpserver as _speaks
    except ModuleNotFoundError as error:
        raise UserError(MISSING.format(name=error.name)) from error
    del _speaks


def serve_near(ledger: Ledger, places: Places, slots: int, allow_code: bool, say: Callable[[str], object]) -> None:
    """Serve an agent from this process, until it hangs up; what runs then goes on.

    Args:
        ledger: of the studies, in whose database the queue is.
        places: the results folder, and the database.
        slots: studies that run at once, where this process works on the queue.
        allow_code: whether files may name code that is not installed.
        say: told of what fails.
    """
    from search.service.acts import Service
    from search.service.agents.desk import Near
    from search.service.agents.runner import Runner
    from search.service.agents.tools import agent_server
    from search.service.examiner import Examiner
    from search.service.people import owner
    from search.service.supervisor import Supervisor
    from search.service.weights import Weights

    queue, examiner = Queue(ledger.engine), Examiner(places, allow_code)
    supervisor = Supervisor(queue, places, slots, allow_code, say)
    runner = Runner(ledger.engine, supervisor, say)
    service = Service(ledger, queue, places, examiner, supervisor.wake, slots, Weights(places, allow_code))

    async def served() -> None:
        try:
            await agent_server(Near(service, owner(), runner.working)).run_stdio_async()
        finally:
            for task in service.tasks:
                task.cancel()
            await examiner.close()

    runner.start()
    try:
        asyncio.run(served())
    finally:
        runner.end()


def serve_far(url: str) -> None:
    """Serve an agent whose tools ask a server at an address, until it hangs up.

    Raises:
        UserError: the address is none.
    """
    from search.service.agents.desk import Far
    from search.service.agents.tools import agent_server
    from search.service.client import Client

    asyncio.run(agent_server(Far(Client(url), url)).run_stdio_async())
