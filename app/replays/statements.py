"""The statements that add a batch of segments: all rows as one JSON text, taken apart by Postgres.

Measured for 64 rows of a segment and its replay: 18 us of this process each, half of what an array
for each column takes, and no more of Postgres. Bytes are arrays beside the text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.replays.tables import COUNT_COLUMNS

_AT: Final = "timestamptz"
_KEY: Final = {"project_id": "bigint", "replay_id": "uuid"}
_SEGMENT: Final = _KEY | {
    "segment_id": "integer",
    "received_at": _AT,
    "drift_ms": "bigint",
    "started_at": _AT,
    "ended_at": _AT,
    "replay_type": "text",
    "sdk_name": "text",
    "width_px": "integer",
    "height_px": "integer",
    "frames": "integer",
    "codec": "text",
    "video_fault": "text",
    "pack_id": "bigint",
    "object_offset": "bigint",
    "object_bytes": "bigint",
    "breadcrumbs": "integer",
    "screens": "text[]",
}
_SEGMENT_BYTES: Final = ("layout", "recording")
_GAINED: Final = (
    "width_px", "height_px", "frames", "codec", "video_fault",
    "pack_id", "object_offset", "object_bytes", "layout",
)  # fmt: skip
"""What a row without video takes over from a delivery with one."""
DECIDED: Final = {
    "type_rank": ("replay_type", "drift_ms"),
    "facts_rank": ("facts",),
    "user_rank": ("recorded_user",),
}
"""Ranks, and what the segment with the lowest rank decides."""
EARLIEST: Final = ("first_received_at", "started_at")
LATEST: Final = ("last_received_at", "ended_at", "background_at", "foreground_at")
LOWEST: Final = ("drift_low_ms",)
HIGHEST: Final = ("drift_high_ms",)
ADDED: Final = (
    "segments", "video_segments", "video_ms", "video_bytes", "frames", *COUNT_COLUMNS.values(),
)  # fmt: skip
_REPLAY: Final = _KEY | {
    **dict.fromkeys((*EARLIEST, *LATEST), _AT),
    **dict.fromkeys(("drift_ms", *LOWEST, *HIGHEST), "bigint"),
    **dict.fromkeys(DECIDED, "integer"),
    "replay_type": "text",
    "facts": "jsonb",
    "recorded_user": "jsonb",
    "screens": "text[]",
    **dict.fromkeys(ADDED, "bigint"),
}
SCREENS: Final = 200
"""Screens kept per replay for lists; the page reads them all from its segments."""
_JOINED_SCREENS: Final = f"""
    case when excluded.screens <@ replays.screens then replays.screens else
        (select coalesce(array_agg(s order by s), '{{}}') from (
            select distinct s from unnest(replays.screens || excluded.screens) as s
            order by s limit {SCREENS}
        ) as u)
    end"""  # noqa: S608 - made of a number


@dataclass(frozen=True, slots=True)
class BulkStatement:
    """One statement for any number of rows."""

    sql: str
    in_bytes: tuple[str, ...] = ()
    """Columns that JSON cannot hold."""

    def arguments(
        self, rows: Sequence[Mapping[str, Any]], blobs: Sequence[Mapping[str, bytes | None]] = ()
    ) -> list[Any]:
        """Return what the statement is run with.

        Args:
            rows: Values by column, those in bytes left out; what one has, all have.
            blobs: Of each row the columns in bytes.
        """
        text = msgspec.json.encode(rows).decode()
        return [text, *([one[name] for one in blobs] for name in self.in_bytes)]


def _taken(columns: Mapping[str, str], in_bytes: Iterable[str] = ()) -> str:
    """Write the columns and where their values come from."""
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    arrays = "".join(f", unnest(${place}::bytea[])" for place, _ in enumerate(in_bytes, 2))
    names = ", ".join([*columns, *in_bytes])
    rows = f"rows from (json_to_recordset($1) as ({typed}){arrays}) as new({names})"
    return f"({names}) select {names} from {rows}"  # noqa: S608 - made of names


def _insert_segments() -> BulkStatement:
    gained = ", ".join(f"{name} = excluded.{name}" for name in _GAINED)
    sql = f"""
        insert into segments {_taken(_SEGMENT, _SEGMENT_BYTES)}
        on conflict (project_id, replay_id, segment_id) do update set {gained},
            started_at = least(segments.started_at, excluded.started_at),
            ended_at = greatest(segments.ended_at, excluded.ended_at)
        where segments.pack_id is null and excluded.pack_id is not null
        returning project_id, replay_id, segment_id, (xmax = 0) as is_new
        """
    return BulkStatement(sql, _SEGMENT_BYTES)


def _upsert_replays() -> BulkStatement:
    changes = [f"{name} = least(replays.{name}, excluded.{name})" for name in (*EARLIEST, *LOWEST)]
    changes += [
        f"{name} = greatest(replays.{name}, excluded.{name})" for name in (*LATEST, *HIGHEST)
    ]
    changes += [f"{name} = replays.{name} + excluded.{name}" for name in ADDED]
    changes.append(f"screens = {_JOINED_SCREENS}")
    for rank, decided in DECIDED.items():
        changes.append(f"{rank} = least(replays.{rank}, excluded.{rank})")
        changes += [
            f"{name} = case when excluded.{rank} < replays.{rank} "
            f"then excluded.{name} else replays.{name} end"
            for name in decided
        ]
    sql = f"""
        insert into replays {_taken(_REPLAY)}
        on conflict (project_id, replay_id) do update set {", ".join(changes)}
        returning project_id, replay_id, clock_steps is not null as has_steps
        """
    return BulkStatement(sql)


INSERT_SEGMENTS: Final = _insert_segments()
UPSERT_REPLAYS: Final = _upsert_replays()
FIND_CLOCK_CHANGES: Final = """
    select distinct k.project_id, k.replay_id
    from unnest($1::bigint[], $2::uuid[], $3::integer[], $4::timestamptz[], $5::bigint[])
        as k (project_id, replay_id, segment_id, started_at, drift_ms)
    cross join lateral (
        (select n.segment_id, n.started_at, n.drift_ms from segments n
         where n.project_id = k.project_id and n.replay_id = k.replay_id
           and n.segment_id < k.segment_id
         order by n.segment_id desc limit 1)
        union all
        (select n.segment_id, n.started_at, n.drift_ms from segments n
         where n.project_id = k.project_id and n.replay_id = k.replay_id
           and n.segment_id > k.segment_id
         order by n.segment_id limit 1)
    ) n
    where case when n.segment_id < k.segment_id then n.started_at > k.started_at
               else n.started_at < k.started_at end
       or abs(n.drift_ms - k.drift_ms) >= $6
    """
"""Replays of some new segments whose clock may have been set: `clock_steps.may_be_step` holds for
the segment and one of its neighbours. Two look-ups of an index a segment, 4 us; reading the segment
itself and its replay once more took as much again."""
READ_SEGMENT_TIMES: Final = """
    select segment_id, started_at, ended_at, drift_ms from segments
    where project_id = $1 and replay_id = $2 order by segment_id
    """
SET_CLOCK_STEPS: Final = """
    update replays set clock_steps = $3::jsonb, started_at = $4, ended_at = $5
    where project_id = $1 and replay_id = $2
    """
ADD_PACK: Final = "insert into packs (object_key, live) values ($1, $2) returning id"
LOCK_SHARED: Final = "select pg_advisory_xact_lock_shared(k) from unnest($1::bigint[]) as k"
FIND_DELETED: Final = """
    select t.project_id, t.replay_id from unnest($1::bigint[], $2::uuid[]) as w (p, r)
    join tombstones as t on t.project_id = w.p and t.replay_id = w.r
    """
