# ruff: noqa: INP001 - a script, run by its path
"""Measures what sealing costs, and what it saves: rows, WAL, time, and bytes that a deletion moves.

    python bench/sealing.py --replays 34 --segments 50 --kb 75
    python bench/sealing.py --replays 34 --segments 20 --kb 20 --s3

Makes a database of its own, stores replays that share packs as those of many phones do, seals half
of them, and deletes one of either half. With `--s3`, objects are in a bucket of moto. Prints a line
of JSON.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, override

from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.core import clock
from app.core.ids import ProjectId, ReplayId
from app.db import migrate
from app.db.engine import Database
from app.db.server.postmaster import Postmaster
from app.erasure.replay import erase_replay
from app.erasure.sweep import sweep_once
from app.formats.stored import video_layout
from app.formats.video import mp4
from app.replays.model import ReplayKey
from app.storage.disk.local import LocalStore
from app.storage.port import ObjectContent, ObjectStore, list_content_parts
from app.storage.s3 import S3Store
from tests.support import sealing
from tests.support.builders import clips
from tests.support.builders.stored_segments import SegmentWriter, make_prepared_segment
from tests.support.servers import s3

_PROJECT = ProjectId(1)
_RECORDING_BYTES = 2_800
_LAYOUT = video_layout.pack_layout(mp4.read_video(clips.clip(frames=6, width=448, height=960)))
_SIZES = """
    select sum(pg_total_relation_size(relid)) from pg_partition_tree('segments') where isleaf
"""


class CountingLocalStore(LocalStore):
    """Local disk that counts the bytes that it reads and writes."""

    moved = 0

    @override
    async def put_many(self, objects: Any) -> None:
        self.moved += sum(_count_bytes(content) for _, content in objects)
        await super().put_many(objects)

    @override
    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        data = await super().read(key, offset, length)
        self.moved += len(data)
        return data


class CountingS3Store(S3Store):
    """A bucket that counts the bytes of its requests and answers."""

    moved = 0

    @override
    def _put(self, key: str, parts: Any) -> None:
        self.moved += sum(map(len, parts))
        super()._put(key, parts)

    @override
    def _read(self, key: str, offset: int, length: int | None, until_s: float) -> bytes:
        data = super()._read(key, offset, length, until_s)
        self.moved += len(data)
        return data


def _count_bytes(content: ObjectContent) -> int:
    return sum(map(len, list_content_parts(content)))


def _make_segment(key: ReplayKey, number: int, video_bytes: int) -> Any:
    return make_prepared_segment(
        key,
        number,
        video=os.urandom(video_bytes),
        recording=os.urandom(_RECORDING_BYTES),
        sdk_name="sentry.java.android",
        screens=("MainActivity",),
        video_layout=_LAYOUT,
    )


async def _read_sizes(database: Database) -> int:
    """Return the bytes of the row of a segment with its index, when dead rows are vacuumed away."""
    async with database.reading() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("vacuum (full) segments"))
        size_bytes = await connection.scalar(text(_SIZES))
        return int(size_bytes / await connection.scalar(text("select count(*) from segments")))


async def _read_wal(database: Database) -> int:
    async with database.reading() as connection:
        lsn = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
        return int(await connection.scalar(text(lsn)) or 0)


async def _delete(database: Database, store: Any, key: ReplayKey) -> int:
    """Delete a replay, and return the bytes that the storage moved for it."""
    before = store.moved
    await erase_replay(database, key, person_id=None, at=clock.now())
    while await sweep_once(database, store):
        pass
    return int(store.moved - before)


async def measure(
    database: Database, store: ObjectStore, replays: int, segments: int, video_bytes: int
) -> dict[str, Any]:
    """Store, seal and delete replays, and return the figures."""
    writer = SegmentWriter(database, store)
    keys = [ReplayKey(_PROJECT, ReplayId(f"{number:032x}")) for number in range(1, replays + 1)]
    count = replays * segments
    wal = await _read_wal(database)
    for number in range(segments):
        await writer.add(*(_make_segment(key, number, video_bytes) for key in keys))
    stored_wal = await _read_wal(database) - wal
    before = await _read_sizes(database)
    deleted_unsealed = await _delete(database, store, keys[0])
    closer = sealing.make_closer(database, store)
    wal = await _read_wal(database)
    began_s, cpu = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    await closer.close_due_replays()
    spent_s = time.monotonic() - began_s
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime
    sealed_wal = await _read_wal(database) - wal
    after = await _read_sizes(database)
    deleted_in_packs = await _delete(database, store, keys[1])
    await sealing.sweep_everything(database, store)
    deleted_sealed = await _delete(database, store, keys[2])
    own_bytes = segments * (video_bytes + _RECORDING_BYTES)
    return {
        "replays": replays,
        "segments": segments,
        "own_mb": round(own_bytes / 1e6, 2),
        "row_bytes": {"stored": before, "sealed": after},
        "wal_bytes_a_segment": {
            "stored": round(stored_wal / count),
            "sealed": round(sealed_wal / count),
        },
        "sealing_ms_a_replay": round(spent_s * 1000 / (replays - 1), 1),
        "sealing_cpu_ms_a_replay": round(cpu_s * 1000 / (replays - 1), 1),
        "moved_by_deletion": {
            "unsealed": round(deleted_unsealed / own_bytes, 2),
            "sealed_packs_still_here": round(deleted_in_packs / own_bytes, 2),
            "sealed": round(deleted_sealed / own_bytes, 2),
        },
    }


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replays", type=int, default=34)
    parser.add_argument("--segments", type=int, default=50)
    parser.add_argument("--kb", type=int, default=75)
    parser.add_argument("--s3", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="playhead-bench-")))
        os.chmod(folder, 0o755)  # noqa: PTH101, S103 - Postgres runs as another user
        postmaster = Postmaster(folder / "postgres")
        stack.callback(postmaster.stop)
        url = await asyncio.to_thread(postmaster.start)
        await migrate.upgrade(url)
        database = Database.open(url, pool_size=8)
        store: Any
        if options.s3:
            service = stack.enter_context(s3.serving())
            store = CountingS3Store(service.new_location(), service.access)
        else:
            store = CountingLocalStore(folder / "objects", threads=8)
        found = await measure(
            database, store, options.replays, options.segments, options.kb * 1_000
        )
        await store.close()
        await database.close()
    sys.stdout.write(json.dumps({"store": "s3" if options.s3 else "local", **found}) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
