"""A canonical dump of one replay, which is the same for every order of delivery.

Left out is what arrival decides: when things were received, and by which clock drift.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, units
from app.core.ids import ProjectId
from app.db.engine import Database
from app.db.lists import PageRequest
from app.formats.replay import activity
from app.formats.replay.activity import Activity
from app.formats.stored import packed_json
from app.issues import list_queries, queries as issue_queries
from app.issues.events import event_queries, replay_events
from app.playback.links import replay_clock
from app.playback.recording import contents as recording, outline as outlines
from app.playback.recording.contents import ReplayContents
from app.playback.video.index_cache import IndexCache
from app.replays import queries
from app.replays.model import Replay, ReplayKey, Segment
from app.storage.port import ObjectStore
from app.traces import queries as traces
from app.triage.issue import issue_links

_ARRIVAL = {
    "key", "first_received_at", "last_received_at", "drift_ms", "started_at", "ended_at",
    "drift_range_ms", "clock_steps", "sealed_at", "day", "retention_class", "closed_at",
}  # fmt: skip


async def dump_replay(
    database: Database, store: ObjectStore, key: ReplayKey, names: Mapping[ProjectId, str]
) -> dict[str, Any]:
    """Read everything that is known of a replay.

    Args:
        database: Where to read.
        store: Where the recordings of sealed replays are.
        key: Which replay.
        names: What the projects that are looked into are called in the dump.

    Returns:
        `replay` (its totals), `segments`, `size` (of its first picture), `activity` (as its page
        shows it), `errors`, `transactions` and `spans` (ids, sorted); `{}` if there is no such
        replay.
    """
    async with database.reading() as connection:
        replay = await queries.find_replay(connection, key)
        if replay is None:
            return {}
        project_ids = list(names)
        outline = await outlines.read_outline(
            connection, replay, index_cache=IndexCache(), now=clock.now()
        )
        (window,) = await replay_clock.read_windows(connection, [replay])
        spans = (await traces.read_spans_of_replay(connection, window, project_ids)).spans
        linked = await replay_events.read_linked_events(
            connection, window, project_ids, home=key.project_id
        )
    contents = await recording.read_contents(database, store, outline)
    return {
        "replay": _replay(replay),
        "segments": [_segment(segment) for segment in contents.segments],
        "size": outline.size_px_at(0),
        "activity": _activity(contents),
        "traces": sorted(window.trace_ids),
        "errors": sorted(
            (names[error.event.project_id], error.event.event_id) for error in linked.events
        ),
        "transactions": sorted(
            {(names[span.project_id], span.transaction_id) for span in spans if span.transaction_id}
        ),
        "spans": sorted((names[span.project_id], span.trace_id, span.span_id) for span in spans),
    }


async def dump_issues(
    connection: AsyncConnection, names: Mapping[ProjectId, str]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Read the issues of some projects: their events, what is counted, the replays they lead to.

    Returns:
        By project and issue; `replays` are the ids that the issue's page lists, with the place of
        its event in each.
    """
    project_ids = list(names)
    issues = await list_queries.list_issues(
        connection,
        project_ids,
        list_queries.IssueFilters(),
        visible_ids=project_ids,
        limit=1_000,
    )
    dumped: dict[tuple[str, str], dict[str, Any]] = {}
    for issue in issues.rows:
        key = (issue.project_id, issue.issue_id)
        events = await event_queries.read_newest_events(connection, key, limit=1_000)
        linked = await issue_links.read_linked_replays(
            connection, key, project_ids, PageRequest(), limit=1_000
        )
        alone = await issue_queries.find_issue(connection, key, project_ids)
        assert alone == issue, "list and page say the same of an issue"
        assert issue.replays == len(linked.rows), "as many replays are counted as are listed"
        dumped[names[issue.project_id], issue.issue_id] = {
            "counts": (issue.events, issue.users, issue.named_replays),
            "events": sorted(event.event_id for event in events),
            "replays": sorted((link.replay.key.replay_id, link.at_ms) for link in linked.rows),
            "releases": (await issue_queries.read_releases(connection, key)).rows,
        }
    return dumped


def _replay(replay: Replay) -> dict[str, Any]:
    known = {name: value for name, value in asdict(replay).items() if name not in _ARRIVAL}
    counts = known.pop("counts")
    return {
        **known,
        **counts._asdict(),
        "starts_ms": units.ms_from_at(replay.started_at),
        "ends_ms": units.ms_from_at(replay.ended_at),
    }


def _segment(segment: Segment) -> dict[str, Any]:
    assert segment.recording is not None
    recorded = activity.read_activity(packed_json.unpack_json(segment.recording))
    return {
        "segment_id": segment.segment_id,
        "starts_ms": units.ms_from_at(segment.started_at),
        "ends_ms": units.ms_from_at(segment.ended_at),
        "size": (segment.width_px, segment.height_px),
        "frames": segment.frames,
        "has_video": segment.has_video,
        "fault": segment.video_fault,
        "bytes": segment.object_bytes,
        "screens": segment.screens,
        "breadcrumbs": dict(
            sorted(Counter(breadcrumb.category for breadcrumb in recorded.breadcrumbs).items())
        ),
        "touches": _touches(recorded),
        "spans": dict(sorted(Counter(span.op for span in recorded.spans).items())),
    }


def _touches(recorded: Activity) -> dict[str, int]:
    counts = Counter[str](f"touch_{touch.kind}" for touch in recorded.touches)
    moved = {"move_batches": recorded.move_batches, "move_positions": counts.pop("touch_move", 0)}
    return {name: count for name, count in {**counts, **moved}.items() if count}


def _activity(contents: ReplayContents) -> dict[str, Any]:
    return {
        "duration_ms": contents.outline.duration_ms,
        "missing": contents.missing_ids,
        "breadcrumbs": [
            (breadcrumb.at_ms, breadcrumb.category, breadcrumb.message)
            for breadcrumb in contents.breadcrumbs
        ],
        "requests": [(span.at_ms, span.op, span.url, span.status) for span in contents.spans],
        "gaps": [asdict(gap) for gap in contents.gaps],
        "screens": [asdict(screen) for screen in contents.screens],
    }
