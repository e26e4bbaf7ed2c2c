"""Adding events, and counting them in their issues: the first write of an event id wins.

Rows go to Postgres as one array for each column: a statement that is the same for every batch is
compiled and planned once, one that names each value of each row is not.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, LargeBinary, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from app.core.ids import EventId, IssueId, ProjectId
from app.db.text import clean, clean_json, clean_or_none
from app.errors import issues
from app.errors.model import NewEvent

_TITLE_BYTES: Final = 1_024
_VALUE_BYTES: Final = 8 * 1024
_AT: Final = DateTime(timezone=True)
_COLUMNS: Final[dict[str, TypeEngine[Any]]] = {
    "project_id": BigInteger(), "event_id": Text(), "received_at": _AT, "at": _AT,
    "drift_ms": BigInteger(), "level": Text(), "kind": Text(), "title": Text(), "culprit": Text(),
    "exception_type": Text(), "exception_value": Text(), "handled": Boolean(), "mechanism": Text(),
    "platform": Text(), "release": Text(), "environment": Text(), "sdk_name": Text(),
    "recorded_user": Text(), "trace_id": Text(), "span_id": Text(), "replay_id": Text(),
    "payload": LargeBinary(), "issue_id": Text(),
}  # fmt: skip
_TEXTS: Final = {
    "culprit": _TITLE_BYTES, "exception_type": _TITLE_BYTES, "exception_value": _VALUE_BYTES,
    "mechanism": _TITLE_BYTES, "platform": _TITLE_BYTES, "release": _TITLE_BYTES,
    "environment": _TITLE_BYTES, "sdk_name": _TITLE_BYTES,
}  # fmt: skip
"""What may be absent, and the bytes that are kept of it."""
_CAST: Final = {
    "recorded_user": "::jsonb",
    **dict.fromkeys(("event_id", "trace_id", "replay_id", "issue_id"), "::uuid"),
}
"""Sent as text: Postgres reads that for less than Python takes to make an id of it."""
_INSERT: Final = text(
    f"""
    insert into events ({", ".join(_COLUMNS)})
    select {", ".join(f"{name}{_CAST.get(name, '')}" for name in _COLUMNS)}
    from unnest({", ".join(f":{name}" for name in _COLUMNS)}) as new ({", ".join(_COLUMNS)})
    on conflict do nothing
    returning project_id, event_id
    """  # noqa: S608 - made of the names above
).bindparams(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _COLUMNS.items()))


async def add_events(
    connection: AsyncConnection, new: Sequence[NewEvent]
) -> set[tuple[ProjectId, EventId]]:
    """Store events that are not there yet, and add them to their issues.

    Returns:
        The keys of those that were stored; the others were duplicates.
    """
    if not new:
        return set()
    issue_ids = await issues.place(connection, new)
    first = {
        (one.project_id, one.event_id): (one, issue_id)
        for one, issue_id in reversed([*zip(new, issue_ids, strict=True)])
    }
    # Sorted, so that two processes lock rows in the same order.
    rows = [first[key] for key in sorted(first)]
    result = await connection.execute(_INSERT, {name: _column(name, rows) for name in _COLUMNS})
    added = {(ProjectId(row.project_id), EventId(row.event_id.hex)) for row in result}
    await issues.add(connection, [first[key] for key in sorted(added)])
    return added


def _column(name: str, rows: Sequence[tuple[NewEvent, IssueId]]) -> list[Any]:
    """Return the values of a column, as Postgres can store them."""
    limit_bytes = _TEXTS.get(name)
    if limit_bytes is not None:
        return [clean_or_none(getattr(one, name), limit_bytes=limit_bytes) for one, _ in rows]
    made = _MADE.get(name)
    if made is not None:
        return [made(one, issue_id) for one, issue_id in rows]
    return [getattr(one, name) for one, _ in rows]


_MADE: Final[dict[str, Callable[[NewEvent, IssueId], Any]]] = {
    "title": lambda one, _: clean(one.title, limit_bytes=_TITLE_BYTES),
    "recorded_user": lambda one, _: msgspec.json.encode(clean_json(dict(one.user))).decode(),
    "issue_id": lambda _, issue_id: issue_id,
}
