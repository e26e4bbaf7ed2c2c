"""Adding events, and counting them in their issues: the first write of an event id wins.

Rows go to Postgres as arrays, one statement for a batch, by the driver itself: SQLAlchemy would
look at every value again.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.db.engine import driver_of
from app.db.rows import arrays
from app.db.text import clean, clean_or_none, json_text
from app.issues import counting
from app.issues.model import NewEvent

_TITLE_BYTES: Final = 1_024
_VALUE_BYTES: Final = 8 * 1024
_TEXTS: Final = {
    "culprit": _TITLE_BYTES, "exception_type": _TITLE_BYTES, "exception_value": _VALUE_BYTES,
    "mechanism": _TITLE_BYTES, "platform": _TITLE_BYTES, "release": _TITLE_BYTES,
    "environment": _TITLE_BYTES, "sdk_name": _TITLE_BYTES,
}  # fmt: skip
"""What may be absent, and the bytes that are kept of it."""
_COLUMNS: Final = {
    "project_id": "bigint",
    **dict.fromkeys(("event_id", "trace_id", "replay_id", "issue_id"), "uuid"),
    **dict.fromkeys(("received_at", "at"), "timestamptz"),
    "drift_ms": "bigint",
    **dict.fromkeys(("level", "kind", "title", *_TEXTS, "span_id", "parent_span_id"), "text"),
    "handled": "boolean",
    "recorded_user": "jsonb",
    "payload": "bytea",
}
_INSERT: Final = f"""
    insert into events ({", ".join(_COLUMNS)}) select * from unnest({arrays(_COLUMNS.values())})
    on conflict do nothing
    returning project_id, event_id
"""  # noqa: S608 - made of the names above


async def add_events(
    connection: AsyncConnection, new: Sequence[NewEvent]
) -> set[tuple[ProjectId, EventId]]:
    """Store events that are not there yet, and add them to their issues.

    Returns:
        The keys of those that were stored; the others were duplicates.
    """
    if not new:
        return set()
    issue_ids = await counting.choose_issues(connection, new)
    first = {
        (one.project_id, one.event_id): (one, issue_id)
        for one, issue_id in reversed([*zip(new, issue_ids, strict=True)])
    }
    # Sorted, so that two processes lock rows in the same order.
    rows = [first[key] for key in sorted(first)]
    driver = await driver_of(connection)
    result = await driver.fetch(_INSERT, *[_column_values(name, rows) for name in _COLUMNS])
    added = {(ProjectId(row["project_id"]), EventId(row["event_id"].hex)) for row in result}
    await counting.count_events(connection, [first[key] for key in sorted(added)])
    return added


def _column_values(name: str, rows: Sequence[tuple[NewEvent, IssueId]]) -> list[Any]:
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
    "recorded_user": lambda one, _: json_text(dict(one.user)),
    "issue_id": lambda _, issue_id: issue_id,
}
