"""Notes the debug files that events miss, and the events that wait for a worker.

    digest ─ new events ─► missing_files: by file, to be done when it comes
                        └► symbolication_queue: pending, to be done soon
    upload ─ arrival ─► the events that miss the file, the newest first

Sources of native code and names of Dart come in files of their own, with the debug id of the binary
to which they belong. Such a file may never come, so no page says that an event misses it; but an
event that used the binary is noted under `COMPANION`, and symbolicated again when one comes.

An upload may be committed after a batch has looked for the file and before it is stored. So digest
looks once more when it writes the missing files, under a lock that the worker of an arrival waits
for: either digest sees the file and queues the event, or the worker sees the note.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId
from app.db.engine import get_driver
from app.db.rows import RowShape, run_with_rows
from app.db.text import clean, clean_or_none
from app.db.types import Hex32
from app.symbolication.model import MissingDebugFile, SymbolicatedEvent

EventKey = tuple[ProjectId, EventId]

COMPANION: Final = "companion"
"""The kind and the reason of a row for a file that may come beside one that an event has used."""
COMPANION_KINDS: Final = ("source_bundle", "dart_symbol_map")

_TEXT_BYTES: Final = 500
_LOCK_CLASS: Final = 1937337954
"""The number is "symb" in ASCII."""
_LOCK: Final = f"""
    select pg_advisory_xact_lock_shared({_LOCK_CLASS}, slot)
    from (select distinct hashint8(id) as slot from unnest($1::bigint[]) as p (id) order by 1) s
"""  # noqa: S608 - made of a number
_WAIT: Final = f"select pg_advisory_xact_lock({_LOCK_CLASS}, hashint8($1::bigint))"
_SHAPE: Final = RowShape(
    {
        "project_id": "bigint", "event_id": "uuid", "kind": "text", "file_key": "text",
        "name": "text", "day": "date", "debug_id": "text", "arch": "text", "release": "text",
        "dist": "text", "frames": "integer", "reason": "text",
    }
)  # fmt: skip
_UPLOAD_TAKES: Final = timedelta(minutes=1)
"""The longest time from the beginning of an upload's transaction, which is what its rows say, to
its commit; and the most by which the clocks of two machines differ."""
_NATIVE_KINDS: Final = ("elf", "macho", "breakpad", "pdb")
_NATIVE: Final = str(_NATIVE_KINDS)
_ADD_MISSING: Final = f"""
    with new as (select * from {_SHAPE.source}),
    -- What came since these events looked for their files.
    arrived as (
        select distinct n.project_id, n.event_id, n.day from new n
        where n.reason = 'not_uploaded' and (
            exists (
                select from debug_ids d
                where d.project_id = n.project_id and d.debug_id = n.debug_id
                  and d.added_at > ${_SHAPE.next_number}
                  and (d.kind = n.kind or d.kind in {_NATIVE} and n.kind in {_NATIVE})
            )
            or n.debug_id is null and exists (
                select from artifact_urls u
                where u.project_id = n.project_id and u.release = n.release
                  and u.added_at > ${_SHAPE.next_number}
            )
        )
        or n.reason = '{COMPANION}' and exists (
            select from debug_ids d
            where d.project_id = n.project_id and d.debug_id = n.debug_id
              and d.added_at > ${_SHAPE.next_number} and d.kind in {COMPANION_KINDS}
        )
    ),
    queued as (
        insert into symbolication_queue (project_id, event_id, day, due_at)
        select project_id, event_id, day, now() + interval '5 s' from arrived order by 1, 2
        on conflict (project_id, event_id) do nothing
    )
    insert into missing_files ({_SHAPE.columns})
    select {_SHAPE.columns} from new order by project_id, event_id, kind, file_key, name
    on conflict do nothing
"""  # noqa: S608 - joined from constants
_QUEUE: Final = """
    insert into symbolication_queue (project_id, event_id, day)
    select * from unnest($1::bigint[], $2::uuid[], $3::date[]) as k (project_id, event_id, day)
    order by 1, 2
    on conflict (project_id, event_id) do update set due_at = now(), tries = 0
"""
_FORGET: Final = text(
    """
    delete from missing_files m
    using unnest(:project_ids, :event_ids) as k (project_id, event_id)
    where m.project_id = k.project_id and m.event_id = k.event_id
    """
).bindparams(
    bindparam("project_ids", type_=ARRAY(BigInteger)), bindparam("event_ids", type_=ARRAY(Hex32))
)
_FORGET_EXPIRED: Final = text(
    """
    delete from missing_files m using events e
    where e.day = :day and e.retention_class = :retention_class and e.symbolicated is not null
      and m.project_id = e.project_id and m.event_id = e.event_id
    """
)


def make_file_key(file: MissingDebugFile) -> str:
    """Return the text by which the events are found that miss a file.

    It is the debug id, or the release of scripts that are found by it: several bundles may have
    the scripts of a release.
    """
    return file.debug_id or make_release_key(file.release or "")


def make_release_key(release: str) -> str:
    """Return the key of all scripts of a release that have no debug id."""
    return f"release {release}"


async def note_symbolicated(
    connection: AsyncConnection,
    symbolicated: Mapping[EventKey, SymbolicatedEvent],
    *,
    days: Mapping[EventKey, date],
    looked_up_at: datetime,
) -> None:
    """Note the files that events miss, and queue those that are pending.

    Args:
        connection: The transaction that stores the events.
        symbolicated: The result for each event.
        days: The day of the row of each event.
        looked_up_at: The time at which their files were looked up. Files that came since are used
            soon.
    """
    rows = [
        row
        for key, value in symbolicated.items()
        for row in (
            *_list_rows(key, value.missing, days[key]),
            *_list_companion_rows(key, value, days[key]),
        )
    ]
    if rows:
        driver = await get_driver(connection)
        await driver.execute(_LOCK, sorted({row["project_id"] for row in rows}))
        await run_with_rows(connection, _ADD_MISSING, _SHAPE, rows, looked_up_at - _UPLOAD_TAKES)
    await queue_events(
        connection, [(*key, days[key]) for key, value in symbolicated.items() if value.is_pending]
    )


async def queue_events(
    connection: AsyncConnection, events: Collection[tuple[ProjectId, EventId, date]]
) -> None:
    """Queue events, by project, id and day; those in the queue already are due at once again."""
    if events:
        await (await get_driver(connection)).execute(_QUEUE, *zip(*events, strict=True))


async def forget_missing_files(connection: AsyncConnection, keys: Collection[EventKey]) -> None:
    """Delete the notes on missing files of events that were symbolicated again or are deleted."""
    if keys:
        await connection.execute(
            _FORGET,
            {
                "project_ids": [project_id for project_id, _ in keys],
                "event_ids": [event_id for _, event_id in keys],
            },
        )


async def wait_for_lookups(connection: AsyncConnection, project_id: ProjectId) -> None:
    """Wait until every transaction has ended that noted missing files of a project before.

    Call it in a short transaction of its own, before the events are read that miss a new file.
    """
    await (await get_driver(connection)).execute(_WAIT, project_id)


async def forget_expired(connection: AsyncConnection, day: date, retention_class: int) -> None:
    """Delete the notes on events of a partition before it is dropped, which fires no trigger."""
    await connection.execute(_FORGET_EXPIRED, {"day": day, "retention_class": retention_class})


def _list_rows(
    key: EventKey, missing: Sequence[MissingDebugFile], day: date
) -> list[dict[str, Any]]:
    """Make the rows of an event; of files with one key and name the first is noted."""
    rows = {
        (file.kind, make_file_key(file), file.name or ""): {
            "project_id": key[0],
            "event_id": key[1],
            "kind": file.kind,
            "file_key": clean(make_file_key(file), limit_bytes=_TEXT_BYTES),
            "name": clean(file.name or "", limit_bytes=_TEXT_BYTES),
            "day": day,
            "debug_id": clean_or_none(file.debug_id, limit_bytes=_TEXT_BYTES),
            "arch": clean_or_none(file.arch, limit_bytes=_TEXT_BYTES),
            "release": clean_or_none(file.release, limit_bytes=_TEXT_BYTES),
            "dist": clean_or_none(file.dist, limit_bytes=_TEXT_BYTES),
            "frames": file.frames,
            "reason": file.reason,
        }
        for file in reversed(missing)
    }
    return [*rows.values()]


def _list_companion_rows(
    key: EventKey, symbolicated: SymbolicatedEvent, day: date
) -> list[dict[str, Any]]:
    """Make a row for each binary that an event has used, beside which other files may come."""
    debug_ids = {
        file.debug_id: file
        for file in symbolicated.used
        if file.kind in _NATIVE_KINDS and file.debug_id is not None
    }
    return [
        dict.fromkeys(("arch", "release", "dist"))
        | {
            "project_id": key[0],
            "event_id": key[1],
            "kind": COMPANION,
            "file_key": debug_id,
            "name": "",
            "day": day,
            "debug_id": debug_id,
            "frames": 0,
            "reason": COMPANION,
        }
        for debug_id in debug_ids
    ]
