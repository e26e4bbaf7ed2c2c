"""Browsers for tests: clients with cookies of their own, signed in as somebody or nobody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from app.accounts import sign_ins
from app.accounts.model import Person
from app.memberships import writes as membership_writes
from app.memberships.model import Role
from app.web.frame import access
from tests.support.servers.server import Server


def stranger(server: Server) -> httpx2.AsyncClient:
    """Make a browser that nobody is signed in with; use it as a context."""
    headers = {"origin": server.base_url, "accept": "text/html"}
    return httpx2.AsyncClient(
        base_url=server.base_url, trust_env=False, headers=headers, timeout=120
    )


@asynccontextmanager
async def signed_in(
    server: Server, person: Person, *, role: Role | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """Make a browser of somebody who has a role in the app's project, or none."""
    async with server.database.transaction() as connection:
        token = await sign_ins.start_sign_in(connection, person.id, user_agent="tests")
        if role is not None:
            await membership_writes.set_member(connection, server.app.id, person.id, role)
    async with stranger(server) as browser:
        browser.cookies.set(access.cookie_name(server.service.page_services), token)
        yield browser
