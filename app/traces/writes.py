"""Adding blocks of spans: the first write of an id wins.

Rows go to Postgres as arrays, one statement for a batch, whatever is in it.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    column,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from app.core.ids import EventId, ProjectId
from app.db.text import clean_or_none
from app.db.types import Hex32
from app.traces.model import NewBlock

_NAME_BYTES: Final = 2_048
_AT: Final = DateTime(timezone=True)
_COLUMNS: Final[dict[str, TypeEngine[Any]]] = {
    "project_id": BigInteger(),
    **dict.fromkeys(("block_id", "transaction_id", "trace_id", "replay_id"), Hex32()),
    **dict.fromkeys(("received_at", "started_at", "ended_at"), _AT),
    "drift_ms": BigInteger(),
    "spans": Integer(),
    "content": LargeBinary(),
}
_NAMES: Final = ("name", "op", "status", "platform", "release", "environment")
_ALL: Final = _COLUMNS | dict.fromkeys(_NAMES, Text())
_INSERT: Final = (
    text(
        f"""
        insert into span_blocks ({", ".join(_ALL)})
        select * from unnest({", ".join(f":{name}" for name in _ALL)}) as new ({", ".join(_ALL)})
        on conflict do nothing
        returning project_id, block_id
        """  # noqa: S608 - made of the names above
    )
    .bindparams(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _ALL.items()))
    .columns(column("project_id", BigInteger), column("block_id", Hex32))
)


async def add_blocks(
    connection: AsyncConnection, new: Sequence[NewBlock]
) -> set[tuple[ProjectId, EventId]]:
    """Store blocks that are not there yet.

    Returns:
        The keys of those that were stored; the others were duplicates.
    """
    if not new:
        return set()
    by_key = {(one.project_id, one.block_id): one for one in reversed(new)}
    # Sorted, so that two processes lock rows in the same order.
    rows = [by_key[key] for key in sorted(by_key)]
    values = {name: [getattr(one, name) for one in rows] for name in _COLUMNS}
    values |= {
        name: [clean_or_none(getattr(one, name), limit_bytes=_NAME_BYTES) for one in rows]
        for name in _NAMES
    }
    found = await connection.execute(_INSERT, values)
    return {(ProjectId(row.project_id), EventId(row.block_id)) for row in found}
