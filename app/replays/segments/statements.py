"""The statements that add a batch of segments, and the columns that each of them takes."""

from typing import Final

from app.db.rows import RowShape
from app.replays.tables import COUNT_COLUMNS, replays, segments

_KEY: Final = ("project_id", "replay_id")
_GAINED: Final = (
    "width_px", "height_px", "frames", "codec", "video_fault",
    "pack_id", "object_offset", "object_bytes", "layout",
)  # fmt: skip
"""Columns that a row without video takes over when the segment comes again with a video."""
DECIDED: Final = {
    "type_rank": ("replay_type", "drift_ms"),
    "facts_rank": ("facts",),
    "user_rank": ("recorded_user",),
}
"""Ranks, and the columns that the segment with the lowest rank decides."""
EARLIEST: Final = ("first_received_at", "started_at")
LATEST: Final = ("last_received_at", "ended_at", "background_at", "foreground_at")
LOWEST: Final = ("drift_low_ms",)
HIGHEST: Final = ("drift_high_ms",)
ADDED: Final = (
    "segments", "video_segments", "video_ms", "video_bytes", "frames", *COUNT_COLUMNS.values(),
)  # fmt: skip
SCREENS: Final = 200
"""Screens that the row of a replay keeps for lists; its page reads all from the segments."""
_JOINED_SCREENS: Final = f"""
    case when excluded.screens <@ replays.screens then replays.screens else
        (select coalesce(array_agg(s order by s), '{{}}') from (
            select distinct s from unnest(replays.screens || excluded.screens) as s
            order by s limit {SCREENS}
        ) as u)
    end"""  # noqa: S608 - made of a number


SEGMENT_ROWS: Final = RowShape.of_table(
    segments,
    (
        *("day", "retention_class"),
        *(*_KEY, "segment_id", "received_at", "drift_ms", "started_at", "ended_at"),
        *("replay_type", "sdk_name", "breadcrumbs", "screens", "recording", "removals"),
        *_GAINED,
    ),
)
REPLAY_ROWS: Final = RowShape.of_table(
    replays,
    (
        *("day", "retention_class"),
        *(*_KEY, *EARLIEST, *LATEST, *LOWEST, *HIGHEST, *ADDED, "screens"),
        *(name for rank, decided in DECIDED.items() for name in (rank, *decided)),
    ),
)


def _write_add_videos() -> str:
    gained = ", ".join(f"{name} = new.{name}" for name in _GAINED)
    return f"""
        update segments s set {gained},
            started_at = least(s.started_at, new.started_at),
            ended_at = greatest(s.ended_at, new.ended_at)
        from {SEGMENT_ROWS.source}
        where s.day = new.day and s.retention_class = new.retention_class
          and s.project_id = new.project_id and s.replay_id = new.replay_id
          and s.segment_id = new.segment_id and s.pack_id is null
          and s.day = any(${SEGMENT_ROWS.next_number}::date[])
        returning s.project_id, s.replay_id, s.segment_id
        """  # noqa: S608 - made of the names of columns


def _write_upsert_replays() -> str:
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
    changes.append("last_stored_at = now()")
    return f"""
        with stored as (
            insert into replays ({REPLAY_ROWS.columns}, last_stored_at)
            select *, now() from {REPLAY_ROWS.source}
            on conflict (project_id, replay_id) do update set {", ".join(changes)}
            returning project_id, replay_id, day, retention_class, clock_steps, closed_at,
                xmax = 0 as is_new
        ),
        opened as (
            insert into open_replays (project_id, replay_id, check_at)
            select project_id, replay_id, now() from stored where is_new on conflict do nothing
        )
        select project_id, replay_id, day, retention_class,
            clock_steps is not null as has_steps, closed_at is not null as was_closed
        from stored
        """  # noqa: S608 - made of the names of columns


INSERT_SEGMENTS: Final = f"""
    insert into segments ({SEGMENT_ROWS.columns}) select * from {SEGMENT_ROWS.source}
    on conflict do nothing returning project_id, replay_id, segment_id
    """  # noqa: S608 - made of the names of columns
ADD_VIDEOS: Final = _write_add_videos()
"""Gives rows without video the video with which their segment came again. It is a statement of its
own, since it must see the rows for which the insert before it waited."""
UPSERT_REPLAYS: Final = _write_upsert_replays()
REOPEN_REPLAYS: Final = """
    with reopened as (
        update replays r set closed_at = null
        from unnest($1::bigint[], $2::uuid[]) as w (project_id, replay_id)
        where r.project_id = w.project_id and r.replay_id = w.replay_id
        returning r.project_id, r.replay_id
    )
    insert into open_replays (project_id, replay_id, check_at)
    select project_id, replay_id, now() from reopened
    on conflict (project_id, replay_id) do update set
        check_at = excluded.check_at, steps_done = '{}', tries = 0, fault = null
    """
"""Lets replays that had closed close again, since a late segment has come. The rows of the replays
are locked by this transaction already."""
FIND_CLOCK_CHANGES: Final = """
    select distinct k.project_id, k.replay_id
    from unnest($1::bigint[], $2::uuid[], $3::integer[], $4::timestamptz[], $5::bigint[])
        as k (project_id, replay_id, segment_id, started_at, drift_ms)
    cross join lateral (
        (select n.segment_id, n.started_at, n.drift_ms from segments n
         where n.day = $7 and n.retention_class = $8
           and n.project_id = k.project_id and n.replay_id = k.replay_id
           and n.segment_id < k.segment_id
         order by n.segment_id desc limit 1)
        union all
        (select n.segment_id, n.started_at, n.drift_ms from segments n
         where n.day = $7 and n.retention_class = $8
           and n.project_id = k.project_id and n.replay_id = k.replay_id
           and n.segment_id > k.segment_id
         order by n.segment_id limit 1)
    ) n
    where case when n.segment_id < k.segment_id then n.started_at > k.started_at
               else n.started_at < k.started_at end
       or abs(n.drift_ms - k.drift_ms) >= $6
    """
"""Finds the replays of some new segments whose clock may have been set: those for which
`clock_steps.may_be_step` holds for the segment and one of its neighbours. It looks up an index
twice for each segment, which takes 4 us; reading the segment and its replay once more took as much
again. All segments are of one day and class, so that Postgres looks into one partition."""
READ_SEGMENT_TIMES: Final = """
    select segment_id, started_at, ended_at, drift_ms from segments
    where project_id = $1 and replay_id = $2 and day = $3 and retention_class = $4
    order by segment_id
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
