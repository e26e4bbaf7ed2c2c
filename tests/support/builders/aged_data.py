"""Stores data as it lies some days after it came: rows in the partitions of their day, objects."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text

from app.core import clock
from app.core.ids import ProjectId, ReplayId
from app.db.engine import Database
from app.db.partitions import days
from app.db.partitions.days import FAMILIES, Partition
from app.replays.model import ReplayKey
from app.storage import keys
from app.storage.port import ObjectStore

VIDEO = b"v" * 1_000
"""The video of one segment."""
RECORDING = b"r" * 100
LOG_BYTES = 200
EVENT_BYTES = 300


@dataclass
class AgedData:
    """A server's data of earlier days, made row by row."""

    database: Database
    objects: ObjectStore
    today: date = field(default_factory=lambda: clock.now().astimezone(UTC).date())

    def day(self, age: int) -> date:
        """Return the day so many days ago."""
        return self.today - timedelta(days=age)

    async def add_replay(
        self,
        project_id: ProjectId,
        *,
        age: int,
        retention_class: int = 1,
        segments: int = 2,
        facts: str = "{}",
        rage_taps: int = 0,
        replay_id: str | None = None,
        shares_pack: int | None = None,
    ) -> ReplayKey:
        """Add a sealed replay with its pictures; its segments lie in a pack of its own.

        Args:
            project_id: Its project.
            age: How many days ago it came.
            retention_class: The class of its project at that time.
            segments: How many segments it has.
            facts: Its facts as JSON.
            rage_taps: How many rage taps it has.
            replay_id: Its id; a new one if left out.
            shares_pack: The pack in which its segments lie instead.
        """
        key = ReplayKey(project_id, ReplayId(replay_id or secrets.token_hex(16)))
        day = self.day(age)
        at = datetime.combine(day, time(12), UTC) + timedelta(microseconds=secrets.randbelow(9**6))
        folder = f"{day:%Y-%m-%d}/{project_id}/{key.replay_id}"
        values = {
            "project": project_id, "replay": key.replay_id, "day": day, "class": retention_class,
            "at": at, "segments": segments, "bytes": segments * len(VIDEO), "facts": facts,
            "rage": rage_taps,
        }  # fmt: skip
        async with self.database.transaction() as connection:
            await days.ensure_partitions(
                connection, [Partition(family, day, retention_class) for family in FAMILIES]
            )
            pack_id = shares_pack
            if pack_id is None:
                pack_id = await self.add_pack(f"{folder}/sealed-1", VIDEO * segments, live=0)
            run = connection.execute
            await run(text("update packs set live = live + :n where id = :id"),
                      {"n": segments, "id": pack_id})  # fmt: skip
            await run(
                text(
                    """
                    insert into replays (project_id, replay_id, day, retention_class, closed_at,
                        first_received_at, last_received_at, started_at, ended_at, segments,
                        video_segments, video_bytes, facts, rage_taps)
                    values (:project, cast(:replay as uuid), :day, :class, :at, :at, :at, :at, :at,
                        :segments, :segments, :bytes, cast(:facts as jsonb), :rage)
                    """
                ),
                values,
            )
            for number in range(segments):
                await run(
                    text(
                        """
                        insert into segments (project_id, replay_id, segment_id, day,
                            retention_class, received_at, drift_ms, started_at, ended_at, frames,
                            pack_id, object_offset, object_bytes, recording, breadcrumbs, screens)
                        values (:project, cast(:replay as uuid), :number, :day, :class, :at, 0,
                            :at, :at, 1, :pack, :offset, :size, :recording, 0, '{}')
                        """
                    ),
                    values | {
                        "number": number, "pack": pack_id, "offset": number * len(VIDEO),
                        "size": len(VIDEO), "recording": RECORDING,
                    },
                )  # fmt: skip
            pictures = f"{folder}/pictures-1"
            await run(
                text(
                    "insert into replay_pictures"
                    " (project_id, replay_id, made_at, video_segments, object_key, sizes)"
                    " values (:project, cast(:replay as uuid), :at, :segments, :key,"
                    " cast(:sizes as jsonb))"
                ),
                values | {"key": pictures, "sizes": _SIZES},
            )
            await run(
                text(
                    "insert into replay_traces (project_id, replay_id, trace_id)"
                    " values (:project, cast(:replay as uuid), cast(:trace as uuid))"
                ),
                values | {"trace": secrets.token_hex(16)},
            )
            await self._add_total(connection, project_id, day, ("video", segments, len(VIDEO)))
            await self._add_total(
                connection, project_id, day, ("recordings", segments, len(RECORDING))
            )
        await self.objects.put(pictures, b"pictures")
        return key

    async def add_pack(self, object_key: str, content: bytes, *, live: int) -> int:
        """Store a pack, and return its id."""
        await self.objects.put(object_key, content)
        async with self.database.transaction() as connection:
            pack_id: int = (
                await connection.execute(
                    text("insert into packs (object_key, live) values (:key, :live) returning id"),
                    {"key": object_key, "live": live},
                )
            ).scalar_one()
        return pack_id

    async def add_event(
        self,
        project_id: ProjectId,
        *,
        age: int,
        retention_class: int = 1,
        replay_id: str | None = None,
        issue_id: str | None = None,
        has_file: bool = True,
    ) -> str:
        """Add an error with a file, a log record and a feedback; returns the id of the event."""
        event_id, issue = secrets.token_hex(16), issue_id or secrets.token_hex(16)
        day = self.day(age)
        at = datetime.combine(day, time(12), UTC)
        batch = keys.make_batch_files_prefix(day, "c" * 32, 1)
        object_key = keys.make_attachment_key(batch, project_id, event_id, "a" * 64)
        values: dict[str, Any] = {
            "project": project_id, "event": event_id, "issue": issue, "day": day,
            "class": retention_class, "at": at, "replay": replay_id, "key": object_key,
        }  # fmt: skip
        async with self.database.transaction() as connection:
            await days.ensure_partitions(
                connection, [Partition(family, day, retention_class) for family in FAMILIES]
            )
            for statement in _EVENT_STATEMENTS[: None if has_file else -1]:
                await connection.execute(text(statement), values)
            await self._add_total(connection, project_id, day, ("events", 1, EVENT_BYTES))
            await self._add_total(connection, project_id, day, ("logs", 1, LOG_BYTES))
        if has_file:
            await self.objects.put(object_key, b"file")
        return event_id

    async def count(self, table: str, where: str = "true") -> int:
        """Count rows."""
        async with self.database.reading() as connection:
            total = await connection.scalar(text(f"select count(*) from {table} where {where}"))
        return int(total or 0)

    @staticmethod
    async def _add_total(
        connection: Any, project_id: int, day: date, total: tuple[str, int, int]
    ) -> None:
        kind, items, size_bytes = total
        await connection.execute(
            text(
                """
                insert into storage_days as s (project_id, day, kind, items, size_bytes)
                values (:project, :day, :kind, :items, :size)
                on conflict (project_id, day, kind) do update set
                    items = s.items + excluded.items,
                    size_bytes = s.size_bytes + excluded.size_bytes
                """
            ),
            {"project": project_id, "day": day, "kind": kind, "items": items,
             "size": items * size_bytes},
        )  # fmt: skip


_SIZES = """{"poster_bytes": 4, "poster_width": 18, "poster_height": 40, "preview_bytes": 4,
    "preview_tiles": 1, "cell_width": 18, "cell_height": 40, "columns": 1, "tiles_a_sheet": 1,
    "sheet_bytes": []}"""
_EVENT_STATEMENTS = (
    """
    insert into events (project_id, event_id, day, retention_class, received_at, at, drift_ms,
        level, kind, title, recorded_user, replay_id, payload, issue_id)
    values (:project, cast(:event as uuid), :day, :class, :at, :at, 0, 'error', 'error', 'Oh',
        '{}', cast(:replay as uuid), '', cast(:issue as uuid))
    """,
    """
    insert into issues as i (project_id, issue_id, grouping_version, first_seen_at, first_event_id,
        last_seen_at, last_event_id, level, kind, title, events, users, replays)
    values (:project, cast(:issue as uuid), 1, :at, cast(:event as uuid), :at,
        cast(:event as uuid), 'error', 'error', 'Oh', 1, 0, 0)
    on conflict (project_id, issue_id) do update set events = i.events + 1,
        last_seen_at = greatest(i.last_seen_at, excluded.last_seen_at)
    """,
    """
    insert into issue_hours (project_id, issue_id, hour, events)
    values (:project, cast(:issue as uuid), :at, 1) on conflict do nothing
    """,
    """
    insert into logs (project_id, log_id, day, retention_class, received_at, at, drift_ms, level,
        body, replay_id, attributes)
    values (:project, cast(:event as uuid), :day, :class, :at, :at, 0, 'info', 'Hello',
        cast(:replay as uuid), '')
    """,
    """
    insert into feedback (project_id, event_id, item_type, received_at, at, drift_ms, message,
        replay_id)
    values (:project, cast(:event as uuid), 'feedback', :at, :at, 0, 'Bad', cast(:replay as uuid))
    """,
    """
    insert into attachments (project_id, event_id, filename, sha256, day, retention_class,
        attachment_type, received_at, object_key, size_bytes)
    values (:project, cast(:event as uuid), 'a.txt', 'a', :day, :class, 'event.attachment', :at,
        :key, 4)
    """,
)
