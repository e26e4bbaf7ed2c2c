"""API tokens, and clients that use them as build servers do."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

import httpx2

from app.api_tokens import writes
from app.api_tokens.model import Scope
from app.api_tokens.secret import make_secret
from app.core import clock
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S


async def make_token(
    database: Database,
    project_id: ProjectId | None,
    *,
    scopes: Iterable[Scope] = tuple(Scope),
    made_by: PersonId | None = None,
    expires_at: datetime | None = None,
    name: str = "Build server",
    address: str = "https://replays.example.com",
) -> str:
    """Make a token with all scopes unless told otherwise; returns its secret."""
    secret = make_secret(address, now=clock.now())
    async with database.transaction() as connection:
        await writes.add_token(
            connection,
            secret,
            name=name,
            scopes=frozenset(scopes),
            project_id=project_id,
            made_by=made_by,
            expires_at=expires_at,
        )
    return secret


@asynccontextmanager
async def builder(server: Server, secret: str | None) -> AsyncIterator[httpx2.AsyncClient]:
    """Open a client that sends a token with each request; None for one without a token."""
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    async with httpx2.AsyncClient(
        base_url=server.base_url, headers=headers, trust_env=False, timeout=PATIENCE_S
    ) as client:
        yield client


@asynccontextmanager
async def project_builder(
    server: Server, *scopes: Scope, project_id: ProjectId | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """Open a client with a new token for a project, with all scopes unless some are named."""
    secret = await make_token(
        server.database, project_id or server.app.id, scopes=scopes or tuple(Scope)
    )
    async with builder(server, secret) as client:
        yield client
