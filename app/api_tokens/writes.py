"""Writes of API tokens; the caller commits."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.api_tokens.model import ApiToken, Scope
from app.api_tokens.queries import TOKEN_COLUMNS, read_token_row
from app.api_tokens.secret import hash_secret
from app.api_tokens.tables import api_tokens
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PersonId, ProjectId
from app.db import text

NOTE_USE_EVERY: Final = timedelta(minutes=1)

_NAME_CHARS: Final = 80
_ENDING_CHARS: Final = 4
_ADDRESS_BYTES: Final = 100
_MOST_NETWORKS: Final = 50
"""Runners of a cloud have another address each time; of so many, the latest are remembered."""


async def add_token(
    connection: AsyncConnection,
    secret: str,
    *,
    name: str,
    scopes: AbstractSet[Scope],
    project_id: ProjectId | None,
    made_by: PersonId | None,
    expires_at: datetime | None = None,
) -> ApiToken:
    """Add a token; its secret is not stored.

    Raises:
        InvalidInput: It has no name, or too long a one.
    """
    label = text.clean(name).strip()
    if not 0 < len(label) <= _NAME_CHARS:
        raise InvalidInput(
            f"give the token a name of 1 to {_NAME_CHARS} characters, such as `GitHub, releases`"
        )
    rows = await connection.execute(
        insert(api_tokens)
        .values(
            token_sha256=hash_secret(secret),
            name=label,
            ending=secret[-_ENDING_CHARS:],
            project_id=project_id,
            scopes=sorted(scopes),
            made_by=made_by,
            expires_at=expires_at,
        )
        .returning(*TOKEN_COLUMNS)
    )
    return read_token_row(rows.one())


async def revoke_token(connection: AsyncConnection, token_id: int) -> bool:
    """Revoke a token; requests with it are refused as soon as this is committed.

    Returns:
        True if it was not revoked before.

    Raises:
        NotFound: There is no such token.
    """
    revoked = await connection.execute(
        update(api_tokens)
        .where(api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    if revoked.rowcount:
        return True
    if await connection.scalar(select(api_tokens.c.id).where(api_tokens.c.id == token_id)) is None:
        raise NotFound(f"no token {token_id}")
    return False


async def note_use(
    connection: AsyncConnection, token_id: int, *, now: datetime, address: str, network: str
) -> bool:
    """Record that a token was used now.

    Args:
        connection: The transaction of the caller.
        token_id: The token.
        now: The time.
        address: The IP address of the client.
        network: The network of that address, by which places are told apart.

    Returns:
        True if it was never used from this network before, as far as is remembered.
    """
    networks = api_tokens.c.networks
    # Two requests at once must not both find the network new: the row is locked first.
    known = await connection.scalar(
        select(networks).where(api_tokens.c.id == token_id).with_for_update()
    )
    is_new = network not in (known or ())
    remembered = [*(known or ()), *([network] if is_new else [])][-_MOST_NETWORKS:]
    await connection.execute(
        update(api_tokens)
        .where(api_tokens.c.id == token_id)
        .values(
            last_used_at=now,
            last_address=text.clean(address, limit_bytes=_ADDRESS_BYTES),
            networks=remembered,
        )
    )
    return is_new
