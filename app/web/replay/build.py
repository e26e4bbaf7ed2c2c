"""Builds the replay page out of what was found: pure, so that it can run in a thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core import clock, units
from app.core.ids import TraceId
from app.playback import ending
from app.playback.ending import Ending
from app.playback.links.linked_traces import SpanError
from app.playback.recording import contents as playback
from app.playback.recording.contents import ReplayContents, ReplayOutline
from app.playback.visit import ReplayContext, ReplayHead, ReplayPageData
from app.replays.model import Replay, Segment
from app.web.replay import lists, request_links, segments
from app.web.replay.gap_words import gap_row
from app.web.replay.lists import PART_ROWS
from app.web.replay.losses import lost_replays
from app.web.replay.page import (
    Deletion,
    Opening,
    ReplayHeader,
    ReplayPage,
    ReplayState,
    ReplayTop,
    Tab,
)
from app.web.replay.panel_filters import panel_filters
from app.web.replay.recording_parts import describe_recording_part
from app.web.urls import project_urls, replay_urls
from app.web.words import facts
from app.web.words.activity import ActivityRow, ScreenSpan
from app.web.words.breadcrumbs import screen_spans
from app.web.words.parts import ListPart
from app.web.words.phrases import count, shortened
from app.web.words.spans import Surroundings

_TITLE_CHARS: Final = 40
_BROWSER: Final = (
    "A browser recorded the page itself (its DOM). Playhead keeps such a recording and does not "
    "play it."
)


@dataclass(frozen=True, slots=True)
class Visit:
    """How somebody opens the page of a replay."""

    back_href: str
    """The list as it was left."""
    start_at_ms: int
    """Where to open; past the end means the end."""
    tab: Tab
    """The panel to open with."""
    may_delete: bool
    """Whether the viewer may erase the replay."""
    from_segment: int = 0
    """The first segment whose recording is read."""


def top(head: ReplayHead, visit: Visit) -> ReplayTop:
    """Describe a replay for the upper part of its page."""
    outline, key = head.context.outline, head.context.key
    ended = _ending(head)
    return ReplayTop(
        opening=opening(outline.replay, start_at_ms=visit.start_at_ms, now=clock.now()),
        header=_header(head, back_href=visit.back_href, ended=ended),
        state=_state(outline, ended),
        gestures_href=replay_urls.gestures(
            key.project_id, key.replay_id, from_segment=visit.from_segment
        ),
        pictures_href=replay_urls.pictures(key.project_id, key.replay_id),
        start_at_ms=min(visit.start_at_ms, outline.duration_ms),
        size_px=outline.size_px_at(visit.start_at_ms),
        deletion=_deletion(head) if visit.may_delete else None,
    )


def build(found: ReplayPageData, visit: Visit) -> ReplayPage:
    """Describe a replay for its page."""
    head, contents = found.activity.head, found.activity.contents
    context, key = head.context, head.context.key
    above = top(head, visit)
    errors = lists.error_rows(context, head.errors)
    traced = request_links.find_request_traces(found)
    panels = request_links.panel_contents(found, errors)
    errors = request_links.link_errors(errors, traced, key, panels, shown_requests=PART_ROWS)
    requests = lists.request_rows(
        context, contents, links=request_links.request_links(traced, key, panels)
    )
    logs = lists.rows_of_logs(found.logs)
    rows = lists.activity_rows(found.activity, requests, errors)
    listed = segments.segment_rows(
        contents, losses=lost_replays(found.outcomes), with_all=visit.tab == "segments"
    )
    activity, network = rows[:PART_ROWS], requests[:PART_ROWS]
    return ReplayPage(
        opening=above.opening,
        header=above.header,
        state=above.state,
        gestures_href=above.gestures_href,
        pictures_href=above.pictures_href,
        start_at_ms=above.start_at_ms,
        size_px=above.size_px,
        tab=visit.tab,
        gaps=tuple(gap_row(gap) for gap in contents.gaps),
        screens=_screens(contents, rows),
        conditions=contents.conditions,
        activity=tuple(activity),
        network=network,
        errors=errors,
        traces=lists.trace_blocks(found.traces, surroundings(context)),
        segments=listed,
        hidden_segments=len(contents.segments) - sum(row.video != "missing" for row in listed),
        missing_note=segments.missing_note(contents),
        details=facts.groups(contents.replay, options=contents.options, ending=_ending(head)),
        deletion=above.deletion,
        status_text=_status_text(contents),
        from_segment=contents.from_segment,
        recording_part=describe_recording_part(contents),
        most_ties=lists.most_ties(context),
        logs=logs,
        totals=_totals(found, activity=len(rows), network=len(requests)),
        parts=_parts(found, activity=len(rows), network=len(requests)),
        feedback_part=lists.feedback_part(found.activity.feedback),
        filters=panel_filters(activity, network, errors, logs),
        har_href=replay_urls.har(key.project_id, key.replay_id, from_segment=contents.from_segment),
    )


def _totals(found: ReplayPageData, *, activity: int, network: int) -> dict[str, str]:
    """Write how many rows each panel's list has, by panel."""
    counts, contents = found.activity.head.counts, found.activity.contents
    spans, logs = found.traces.spans, found.logs.count
    span_total = sum(len(one.rows) for one in found.traces.traces)
    return {
        "activity": f"{activity:,}",
        "network": f"{network:,}",
        "errors": f"{counts.app + counts.backend:,}",
        "trace": f"{span_total:,}" if spans.is_whole else f"{spans.total:,}",
        "logs": f"{logs.number:,}{'+' if logs.is_at_least else ''}",
        "segments": f"{len(contents.segments) + len(contents.missing_ids):,}",
    }


def _parts(found: ReplayPageData, *, activity: int, network: int) -> dict[str, ListPart]:
    """Say of each panel which part of its list is shown, unless that is all of it."""
    head = found.activity.head
    context, from_segment = head.context, found.activity.contents.from_segment
    parts = {
        "activity": lists.row_part(
            context, "activity", "row", total=activity, first=0, from_segment=from_segment
        ),
        "network": lists.row_part(
            context, "network", "request", total=network, first=0, from_segment=from_segment
        ),
        "errors": lists.error_part(context, head.errors.events),
        "trace": lists.trace_part(found.traces, after=""),
        "logs": lists.log_part(found.logs),
    }
    return {panel: part for panel, part in parts.items() if part}


def opening(replay: Replay, *, start_at_ms: int, now: datetime, is_bare: bool = False) -> Opening:
    """Describe a replay for the head of its page, from nothing but its row."""
    key = replay.key
    user = shortened(facts.user_of(replay.user) or "Unknown user", limit=_TITLE_CHARS)
    has_pictures = replay.video_segments > 0
    return Opening(
        title=f"{user}, {units.format_clock(replay.duration_ms)}",
        index_href=replay_urls.index(key.project_id, key.replay_id),
        stream_href=replay_urls.stream(key.project_id, key.replay_id),
        start_at_ms=start_at_ms,
        has_pictures=has_pictures,
        is_awaited=playback.state_of(replay, has_video=has_pictures, now=now) == "processing",
        is_bare=is_bare,
    )


def _screens(contents: ReplayContents, rows: Sequence[ActivityRow]) -> tuple[ScreenSpan, ...]:
    """Take the screens that breadcrumbs name, with their time; else those of the segments."""
    by_breadcrumb = screen_spans(rows, duration_ms=contents.duration_ms)
    if by_breadcrumb:
        return by_breadcrumb
    return tuple(ScreenSpan(one.start_ms, one.end_ms, one.name) for one in contents.screens)


def _ending(head: ReplayHead) -> Ending | None:
    """Infer how the replay ended; None while it may go on."""
    inferred = ending.infer_ending(head.context.outline.replay, head.counts, last_ms=head.last_ms)
    return None if head.context.outline.is_arriving and inferred is not Ending.CRASHED else inferred


def _state(outline: ReplayOutline, ended: Ending | None) -> ReplayState:
    """Take a crashed app off the air at once: it sends nothing more."""
    return "playing" if outline.state == "live" and ended is Ending.CRASHED else outline.state


def _header(head: ReplayHead, *, back_href: str, ended: Ending | None) -> ReplayHeader:
    context, counts = head.context, head.counts
    replay = context.outline.replay
    key = replay.key
    return ReplayHeader(
        project_id=key.project_id,
        project_name=context.project.name,
        project_href=project_urls.project(key.project_id),
        replay_id=key.replay_id,
        href=replay_urls.replay(key.project_id, key.replay_id),
        back_href=back_href,
        user=facts.user_of(replay.user),
        started_at=units.at_from_ms(context.outline.zero_ms)
        + (replay.recorded_at - replay.started_at),
        duration_ms=context.outline.duration_ms,
        chips=facts.chips(replay.facts),
        app_errors=counts.app,
        backend_errors=counts.backend,
        end=facts.end(ended) if ended else None,
        has_crashed=ended is Ending.CRASHED,
        is_late=facts.is_late(replay),
        seen_by=lists.viewer_rows(head.viewers),
        seen_by_total=head.viewers.total,
        seen_by_part=lists.viewer_part(head.viewers),
    )


def surroundings(context: ReplayContext, *, after: str = "") -> Surroundings:
    """Return what the traces of a replay are written with.

    Args:
        context: The replay.
        after: Names the place after which its spans are read.
    """
    key = context.key
    here = replay_urls.replay(key.project_id, key.replay_id)

    def error_href(error: SpanError) -> str:
        return f"{here}?tab=errors#error-{error.event.event_id}"

    def trace_href(trace_id: TraceId, first: int) -> str:
        return replay_urls.trace_in(
            key.project_id, key.replay_id, trace_id, first=first, after=after
        )

    return Surroundings(context.project_names, context.zero_ms, error_href, trace_href)


def _deletion(head: ReplayHead) -> Deletion:
    replay = head.context.outline.replay
    return Deletion(
        href=replay_urls.delete_replay(replay.key.project_id, replay.key.replay_id),
        video_bytes=replay.video_bytes,
        segments=replay.segments,
        breadcrumbs=replay.counts.breadcrumbs,
        requests=replay.counts.network_requests,
        linked_errors=head.counts.app + head.counts.backend,
    )


def _last_in_words(segments: Sequence[Segment]) -> str:
    """Say what the last segment brought, when none of them can be played."""
    if not segments:
        return "Segment 0 was received without video"
    last = segments[-1]
    if last.object_key is not None:
        return f"The video of segment {last.segment_id} cannot be played ({last.video_fault})"
    return f"Segment {last.segment_id} was received without video"


def _status_text(contents: ReplayContents) -> str | None:
    """Say in one sentence what is known of a replay that cannot be played."""
    replay = contents.replay
    match contents.state:
        case "playing" | "live":
            return None
        case "processing":
            ago_ms = max(0, clock.now_ms() - units.ms_from_at(replay.last_received_at))
            took = units.format_duration(ago_ms // 1000 * 1000)
            return f"{_last_in_words(contents.segments)}, {took} ago; waiting for more."
        case "no_video":
            if playback.is_browser_recording(replay):
                return f"{_BROWSER} {count(len(contents.breadcrumbs), 'breadcrumb')}."
            sent = [one for one in contents.segments if one.object_key is not None]
            fault = next((one.video_fault for one in sent if one.video_fault), None)
            said = f"It cannot be played: {fault}." if fault else "The SDK sent none."
            return f"{said} {count(len(contents.breadcrumbs), 'breadcrumb')}."
