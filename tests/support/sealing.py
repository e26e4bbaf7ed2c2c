"""Looks at stored replays from below: what rows point at, and what lies in object storage."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.closing.closer import Closer
from app.closing.sealing.sealer import Sealer
from app.core import clock
from app.db.engine import Database
from app.erasure.sweep import sweep_once
from app.playback.recording import recorded_segments
from app.replays import queries
from app.replays.model import ReplayKey, Segment
from app.storage import keys
from app.storage.port import ObjectStore

NOW: Final = timedelta(0)
_LEASES_END_AFTER_S: Final = 5.0
"""A process that died while it sealed holds its lease for minutes. Another one may then take the
replay over, as it may here from one that is only slow: whoever has lost the lease stores nothing.
"""
_LONGEST_S: Final = 120.0
_END_LEASES: Final = "update open_replays set leased_until = now() where leased_until is not null"
_LET_EVERYTHING_EXPIRE: Final = (
    "update expiring_objects set expires_at = now()",
    "update packs set empty_at = now() - interval '1 day' where empty_at is not null",
    _END_LEASES,
)
_MISCOUNTED: Final = """
    select object_key from packs
    left join (
        select pack_id, count(*) as stretches
        from (
            select pack_id from segments
            union all
            select recording_pack_id from segments
        ) named
        group by pack_id
    ) counted on counted.pack_id = packs.id
    where packs.live <> coalesce(counted.stretches, 0)
"""


class StoredParts(NamedTuple):
    """The bytes of a segment."""

    recording: bytes | None
    video: bytes | None


def make_closer(database: Database, store: ObjectStore, *, object_bytes: int = 2**26) -> Closer:
    """Make a closer that seals every replay at once."""
    return Closer(database, [Sealer(database, store, object_bytes=object_bytes)], quiet=NOW)


async def seal_everything(database: Database, store: ObjectStore) -> None:
    """Close and seal every replay, also those that a running server has put off."""
    closer = make_closer(database, store)
    began_s = clock.monotonic_s()
    while await _make_due(database):
        await closer.close_due_replays()
        waited_s = clock.monotonic_s() - began_s
        assert waited_s < _LONGEST_S, "a replay stays open"
        if waited_s > _LEASES_END_AFTER_S:
            await end_leases(database)


async def end_leases(database: Database) -> None:
    """Let the leases of dead processes end, as they do after half an hour."""
    async with database.transaction() as connection:
        await connection.execute(text(_END_LEASES))


async def list_miscounted_packs(connection: AsyncConnection) -> list[str]:
    """Return the keys of packs whose number of parts in use is not that of the rows."""
    return list(await connection.scalars(text(_MISCOUNTED)))


async def _make_due(database: Database) -> bool:
    """Let every open replay be due; returns whether there is one."""
    async with database.transaction() as connection:
        due = await connection.execute(text("update open_replays set check_at = now()"))
    return due.rowcount > 0


async def read_segments(database: Database, store: ObjectStore, key: ReplayKey) -> list[Segment]:
    """Read the segments of a replay with their recordings; none if there is no such replay."""
    async with database.reading() as connection:
        replay = await queries.find_replay(connection, key)
    if replay is None:
        return []
    return await recorded_segments.read_segments(database, store, replay)


async def read_parts(
    database: Database, store: ObjectStore, key: ReplayKey
) -> dict[int, StoredParts]:
    """Read every byte that is stored of a replay, as pages do."""
    parts = {}
    for segment in await read_segments(database, store, key):
        video = None
        if segment.object_key is not None:
            video = await store.read(
                segment.object_key, segment.object_offset, segment.object_bytes
            )
        parts[segment.segment_id] = StoredParts(segment.recording, video)
    return parts


async def list_objects(store: ObjectStore) -> list[str]:
    """List the keys of all objects."""
    listed = await store.list("")
    return [each.key for each in listed if not each.key.startswith(keys.STORE_MARK_PREFIX)]


async def sweep_everything(database: Database, store: ObjectStore) -> None:
    """Sweep as if an hour had passed, and every process but this one had died."""
    async with database.transaction() as connection:
        for statement in _LET_EVERYTHING_EXPIRE:
            await connection.execute(text(statement))
    while await sweep_once(database, store):
        pass


async def find_faults(database: Database, store: ObjectStore) -> list[str]:
    """Compare packs with what points at them, and objects with packs; returns each difference."""
    async with database.reading() as connection:
        named = set(await connection.scalars(text("select object_key from packs")))
        miscounted = await list_miscounted_packs(connection)
        waiting = await connection.scalar(
            text(
                "select (select count(*) from object_outbox)"
                " + (select count(*) from pack_outbox where wipes)"
                " + (select count(*) from expiring_objects)"
            )
        )
    stored = set(await list_objects(store))
    return [
        *(f"object {key} has no row" for key in sorted(stored - named)),
        *(f"object {key} is gone, its row is not" for key in sorted(named - stored)),
        *(f"{key} miscounts what points at it" for key in miscounted),
        *([f"{waiting} entries wait for the sweep"] if waiting else []),
    ]


def join_parts(parts: Mapping[int, StoredParts]) -> bytes:
    """Return the content of a sealed object with these parts."""
    ordered = [parts[segment_id] for segment_id in sorted(parts)]
    recordings = [part.recording or b"" for part in ordered]
    return b"".join((*recordings, *(part.video or b"" for part in ordered)))
