"""Adding blocks of spans: the first write of an id wins.

Rows go to Postgres as arrays, one statement for a batch, by the driver itself: SQLAlchemy would
look at every value again.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId
from app.db.engine import driver_of
from app.db.rows import arrays
from app.db.text import clean_or_none
from app.traces.model import NewBlock

_NAME_BYTES: Final = 2_048
_AT: Final = "timestamptz"
_COLUMNS: Final = {
    "project_id": "bigint",
    **dict.fromkeys(("block_id", "transaction_id", "trace_id", "replay_id"), "uuid"),
    **dict.fromkeys(("received_at", "started_at", "ended_at"), _AT),
    "drift_ms": "bigint",
    "spans": "integer",
    "content": "bytea",
}
_NAMES: Final = ("name", "op", "status", "platform", "release", "environment")
_ALL: Final = _COLUMNS | dict.fromkeys(_NAMES, "text")
_INSERT: Final = f"""
    insert into span_blocks ({", ".join(_ALL)}) select * from unnest({arrays(_ALL.values())})
    on conflict do nothing
    returning project_id, block_id
"""  # noqa: S608 - made of the names above


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
    columns = [[getattr(one, name) for one in rows] for name in _COLUMNS]
    columns += [
        [clean_or_none(getattr(one, name), limit_bytes=_NAME_BYTES) for one in rows]
        for name in _NAMES
    ]
    driver = await driver_of(connection)
    return {
        (ProjectId(row["project_id"]), EventId(row["block_id"].hex))
        for row in await driver.fetch(_INSERT, *columns)
    }
