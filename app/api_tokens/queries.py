"""Reads of API tokens."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.api_tokens.model import ApiToken, Scope
from app.api_tokens.secret import hash_secret
from app.api_tokens.tables import api_tokens
from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId

TOKEN_COLUMNS: Final = (
    api_tokens.c.id,
    api_tokens.c.name,
    api_tokens.c.ending,
    api_tokens.c.project_id,
    api_tokens.c.scopes,
    api_tokens.c.made_by,
    api_tokens.c.made_at,
    api_tokens.c.expires_at,
    api_tokens.c.revoked_at,
    api_tokens.c.last_used_at,
    api_tokens.c.last_address,
)
_MOST_MAKERS: Final = 1_000
# Postgres's clock, so that all processes agree about when a token ends.
IS_LIVE: Final = api_tokens.c.revoked_at.is_(None) & or_(
    api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > func.now()
)


async def find_live_token(connection: AsyncConnection, secret: str) -> ApiToken | None:
    """Return the token with a secret; None if it is unknown, revoked or expired."""
    rows = await connection.execute(
        select(*TOKEN_COLUMNS).where(api_tokens.c.token_sha256 == hash_secret(secret), IS_LIVE)
    )
    row = rows.first()
    return None if row is None else read_token_row(row)


async def get_token(connection: AsyncConnection, token_id: int) -> ApiToken:
    """Return a token, also one that is revoked.

    Raises:
        NotFound: There is no such token.
    """
    rows = await connection.execute(select(*TOKEN_COLUMNS).where(api_tokens.c.id == token_id))
    row = rows.first()
    if row is None:
        raise NotFound(f"no token {token_id}")
    return read_token_row(row)


async def list_tokens(
    connection: AsyncConnection,
    project_id: ProjectId | None = None,
    *,
    makers: Sequence[PersonId] = (),
    limit: int = 200,
) -> list[ApiToken]:
    """Return tokens, those that work first, then the newest first.

    Args:
        connection: The connection to read with.
        project_id: The project that they belong to; None for the tokens of all projects.
        makers: People whose tokens for all their projects are listed beside those of the project.
        limit: The most tokens that are returned.
    """
    query = select(*TOKEN_COLUMNS)
    if project_id is not None:
        is_of_maker: ColumnElement[bool] = api_tokens.c.project_id.is_(None) & (
            api_tokens.c.made_by.in_(makers)
        )
        query = query.where((api_tokens.c.project_id == project_id) | is_of_maker)
    rows = await connection.execute(
        query.order_by(IS_LIVE.desc(), api_tokens.c.id.desc()).limit(limit)
    )
    return [read_token_row(row) for row in rows]


async def list_makers_of_wide_tokens(connection: AsyncConnection) -> list[PersonId]:
    """Return the people who have tokens for all their projects, at most 1,000."""
    query = (
        select(api_tokens.c.made_by)
        .where(api_tokens.c.project_id.is_(None))
        .distinct()
        .order_by(api_tokens.c.made_by)
        .limit(_MOST_MAKERS)
    )
    return [PersonId(person_id) for person_id in await connection.scalars(query)]


async def read_token_names(
    connection: AsyncConnection, token_ids: Collection[int]
) -> dict[int, str]:
    """Return the names of some tokens by id, also of those that are revoked."""
    if not token_ids:
        return {}
    rows = await connection.execute(
        select(api_tokens.c.id, api_tokens.c.name).where(api_tokens.c.id.in_(sorted(token_ids)))
    )
    return {row.id: row.name for row in rows}


async def count_live_tokens(
    connection: AsyncConnection, *, project_id: ProjectId | None, made_by: PersonId | None
) -> int:
    """Count the tokens that work: those of a project, or of a maker for all their projects."""
    quantity = await connection.scalar(
        select(func.count()).where(
            api_tokens.c.project_id == project_id
            if project_id is not None
            else api_tokens.c.project_id.is_(None) & (api_tokens.c.made_by == made_by),
            IS_LIVE,
        )
    )
    return quantity or 0


def read_token_row(row: Any) -> ApiToken:
    """Turn a row that has `TOKEN_COLUMNS` into a token."""
    return ApiToken(
        id=row.id,
        name=row.name,
        ending=row.ending,
        project_id=None if row.project_id is None else ProjectId(row.project_id),
        # A newer release may have scopes that this one does not know.
        scopes=frozenset(Scope(name) for name in row.scopes if name in set(Scope)),
        made_by=None if row.made_by is None else PersonId(row.made_by),
        made_at=row.made_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        last_address=row.last_address,
    )
