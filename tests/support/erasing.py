"""Erasures in tests: begins them as the pages do, and waits for their receipts."""

import asyncio
from collections.abc import Sequence

from app.core import clock
from app.erasure.jobs import rows
from app.erasure.jobs.begin import ErasureWish, begin_erasures
from app.erasure.jobs.model import Erasure, ErasureKind, ErasureState
from app.erasure.jobs.scopes import ErasureScope, make_person_scope
from app.erasure.people.names import PersonName
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S


async def erase_person(server: Server, names: Sequence[PersonName]) -> Erasure:
    """Erase a person as one act, and wait for the receipt."""
    return await erase(server, ErasureKind.PERSON, make_person_scope(names))


async def erase(server: Server, kind: ErasureKind, scope: ErasureScope) -> Erasure:
    """Begin an erasure in the server's first project, and wait for the receipt."""
    wish = ErasureWish(kind, server.app.id, scope, None, clock.now())
    act = await begin_erasures(server.database, [wish])
    return await wait_for_state(server, act.erasures[0].id)


async def wait_for_state(
    server: Server, erasure_id: int, state: ErasureState = ErasureState.FINISHED
) -> Erasure:
    """Wait until an erasure is in a state."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            server.service.page_services.eraser.hurry()
            async with server.database.reading() as connection:
                erasure = await rows.get_erasure(connection, erasure_id)
            if erasure.state is state:
                return erasure
            await asyncio.sleep(0.02)


async def list_all(server: Server) -> list[Erasure]:
    """Return all erasures, the newest first."""
    async with server.database.reading() as connection:
        return await rows.list_erasures(connection, None, limit=1_000)
