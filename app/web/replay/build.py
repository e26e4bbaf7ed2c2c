"""Builds the replay page from what was read: pure, so that it can run in a thread."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from app.core import clock, units
from app.playback.recording import outline
from app.playback.recording.contents import ReplayContents, ScreenSpan
from app.playback.visit.model import ReplayContext, ReplayHead, ReplayPageData
from app.replays import naming, trace_links
from app.replays.model import Replay, Segment
from app.web.replay.losses import describe_losses
from app.web.replay.page import (
    DeleteReplayPage,
    Deletion,
    ReplayHeader,
    ReplayOpening,
    ReplayPage,
    ReplayTop,
)
from app.web.replay.panels import list_parts, request_links, segment_rows
from app.web.replay.panels.activity_rows import activity_rows
from app.web.replay.panels.error_rows import error_rows
from app.web.replay.panels.gap_rows import gap_row
from app.web.replay.panels.list_parts import PART_ROWS
from app.web.replay.panels.log_rows import log_rows
from app.web.replay.panels.panel_filters import panel_filters
from app.web.replay.panels.recording_parts import describe_recording_part
from app.web.replay.panels.request_rows import request_rows
from app.web.replay.panels.trace_context import make_trace_context
from app.web.replay.panels.viewer_rows import viewer_rows
from app.web.replay.readers import PageOptions
from app.web.urls import project_urls, replay_urls
from app.web.urls.replay_address import ReplayAddress
from app.web.words.breadcrumb.breadcrumb_rows import screen_spans
from app.web.words.panels.activity import ActivityRow
from app.web.words.parts import ListPart
from app.web.words.phrases import count, shortened
from app.web.words.privacy.removals import build_removal_chips
from app.web.words.replay import facts
from app.web.words.replay.holds import describe_hold_shortly
from app.web.words.trace import spans

_TITLE_CHARS: Final = 40
_BROWSER: Final = (
    "A browser recorded the page itself (its DOM). Playhead keeps such a recording and does not "
    "play it."
)


def describe_opening(
    replay: Replay,
    address: ReplayAddress,
    *,
    start_at_ms: int,
    now: datetime,
    is_bare: bool = False,
) -> ReplayOpening:
    """Describe a replay for the head of its page, from its row alone.

    Args:
        replay: The replay.
        address: The addresses of the replay.
        start_at_ms: The moment that the address asks for.
        now: The server's time.
        is_bare: True if a script asks, which needs neither style sheets nor player.
    """
    user = shortened(naming.name_user(replay.user) or "Unknown user", limit=_TITLE_CHARS)
    has_pictures = replay.video_segments > 0
    state = outline.find_state(replay, has_video=has_pictures, now=now)
    return ReplayOpening(
        title=f"{user}, {units.format_clock(replay.duration_ms)}",
        index_href=address.index,
        stream_href=address.stream,
        start_at_ms=start_at_ms,
        has_pictures=has_pictures,
        is_awaited=state == "processing",
        is_bare=is_bare,
    )


def describe_top(head: ReplayHead, options: PageOptions) -> ReplayTop:
    """Describe a replay for the upper part of its page."""
    replay_outline, key = head.context.outline, head.context.key
    return ReplayTop(
        header=replace(
            _describe_header(head, options),
            log_href=project_urls.project_log(key.project_id, replay=key.replay_id)
            if options.may_read_log
            else None,
        ),
        state=head.state,
        gestures_href=options.address.gestures(from_segment=options.from_segment),
        pictures_href=options.address.pictures,
        start_at_ms=min(options.start_at_ms, replay_outline.duration_ms),
        size_px=replay_outline.size_px_at(options.start_at_ms),
        # A dialog that ends in a refusal would be no use; the page of the holds says the rest.
        deletion=_describe_deletion(head)
        if options.may_delete and not head.keeping.holds
        else None,
        may_pin=options.may_delete,
    )


def build_page(data: ReplayPageData, top: ReplayTop, options: PageOptions) -> ReplayPage:
    """Describe a replay for its page.

    Args:
        data: The replay, and everything linked to it.
        top: The upper part of the page.
        options: The way in which the page is opened.
    """
    context, contents, address = data.context, data.contents, options.address
    errors = error_rows(data.activity.errors, address)
    traced = request_links.find_request_traces(data)
    panels = request_links.list_panel_contents(data, errors)
    errors = request_links.link_errors(errors, traced, address, panels, shown_requests=PART_ROWS)
    links = request_links.make_request_links(traced, address, panels)
    requests = request_rows(contents, address, links=links)
    rows = activity_rows(data.activity, requests, errors)
    logs = log_rows(data.logs)
    segments = segment_rows.segment_rows(
        contents, address, losses=describe_losses(data.outcomes), with_all=options.tab == "segments"
    )
    activity, network = rows[:PART_ROWS], requests[:PART_ROWS]
    return ReplayPage(
        opening=describe_opening(
            context.outline.replay, address, start_at_ms=options.start_at_ms, now=clock.now()
        ),
        top=top,
        tab=options.tab,
        gaps=tuple(gap_row(gap) for gap in contents.gaps),
        screens=_find_screens(contents, rows),
        conditions=contents.conditions,
        activity=tuple(activity),
        network=network,
        errors=errors,
        traces=spans.describe_replay_traces(
            data.traces.traces, make_trace_context(context, address)
        ),
        segments=segments,
        hidden_segments=len(contents.segments) - sum(row.video != "missing" for row in segments),
        missing_note=segment_rows.describe_missing(contents),
        details=facts.list_fact_groups(
            context.outline.replay, options=contents.options, ending=data.head.ending
        ),
        removals=build_removal_chips(segment.removals for segment in contents.segments),
        status_text=_describe_status(contents),
        from_segment=contents.from_segment,
        recording_part=describe_recording_part(contents, address),
        most_traces=find_trace_limit(context),
        logs=logs,
        totals=_write_totals(data, activity=len(rows), network=len(requests)),
        parts=_describe_parts(data, address, activity=len(rows), network=len(requests)),
        feedback_part=list_parts.feedback_part(address, data.activity.feedback),
        filters=panel_filters(activity, network, errors, logs),
        har_href=address.har(from_segment=contents.from_segment),
    )


def build_deletion_page(head: ReplayHead, options: PageOptions) -> DeleteReplayPage:
    """Describe the question before a replay is deleted."""
    header = _describe_header(head, options)
    return DeleteReplayPage(header, _describe_deletion(head))


def find_trace_limit(context: ReplayContext) -> int | None:
    """Return the limit of traces for one replay if the replay has reached it."""
    return (
        trace_links.MOST_TRACE_LINKS
        if len(context.window.trace_ids) >= trace_links.MOST_TRACE_LINKS
        else None
    )


def _describe_header(head: ReplayHead, options: PageOptions) -> ReplayHeader:
    context, replay_outline = head.context, head.context.outline
    replay, key = replay_outline.replay, context.key
    return ReplayHeader(
        project_id=key.project_id,
        project_name=context.project.name,
        project_href=project_urls.project(key.project_id),
        replay_id=key.replay_id,
        href=options.address.href,
        back_href=options.back_href,
        user=naming.name_user(replay.user),
        started_at=replay_outline.recorded_at,
        duration_ms=replay_outline.duration_ms,
        chips=facts.list_chips(replay.facts),
        app_errors=head.counts.app,
        backend_errors=head.counts.backend,
        has_more_errors=head.counts.is_at_least,
        end=facts.describe_ending(head.ending) if head.ending else None,
        has_crashed=head.has_crashed,
        is_late=facts.is_late(replay),
        seen_by=viewer_rows(head.viewers),
        seen_by_total=head.viewers.total,
        seen_by_part=list_parts.viewer_part(options.address, head.viewers),
        is_pinned=head.keeping.pin is not None,
        held_by=next(map(describe_hold_shortly, head.keeping.holds), None),
        hand_on_href=options.address.hand_on(),
        pin_href=replay_urls.pin_replay(key.project_id, key.replay_id),
        holds_href=replay_urls.hold_replay(key.project_id, key.replay_id),
    )


def _describe_deletion(head: ReplayHead) -> Deletion:
    replay = head.context.outline.replay
    return Deletion(
        href=replay_urls.delete_replay(replay.key.project_id, replay.key.replay_id),
        video_bytes=replay.video_bytes,
        segments=replay.segments,
        breadcrumbs=replay.counts.breadcrumbs,
        requests=replay.counts.network_requests,
        linked_errors=head.counts.app + head.counts.backend,
    )


def _find_screens(contents: ReplayContents, rows: Sequence[ActivityRow]) -> tuple[ScreenSpan, ...]:
    """Take the screens that breadcrumbs name with their time, or else those of the segments."""
    by_breadcrumb = screen_spans(rows, duration_ms=contents.outline.duration_ms)
    return by_breadcrumb or contents.screens


def _write_totals(data: ReplayPageData, *, activity: int, network: int) -> dict[str, str]:
    """Write how many rows the list of each panel has, by panel."""
    counts, contents = data.head.counts, data.contents
    linked_spans, logs = data.traces.spans, data.logs.count
    span_total = sum(len(trace.rows) for trace in data.traces.traces)
    return {
        "activity": f"{activity:,}",
        "network": f"{network:,}",
        "errors": f"{counts.app + counts.backend:,}",
        "trace": f"{span_total:,}" if linked_spans.is_whole else f"{linked_spans.total:,}",
        "logs": f"{logs.number:,}{'+' if logs.is_at_least else ''}",
        "segments": f"{len(contents.segments) + len(contents.missing_ids):,}",
    }


def _describe_parts(
    data: ReplayPageData, address: ReplayAddress, *, activity: int, network: int
) -> dict[str, ListPart]:
    """Say of each panel which part of its list is shown, unless that is all of it."""
    from_segment = data.contents.from_segment
    parts = {
        "activity": list_parts.row_part(
            address, "activity", "row", total=activity, first=0, from_segment=from_segment
        ),
        "network": list_parts.row_part(
            address, "network", "request", total=network, first=0, from_segment=from_segment
        ),
        "errors": list_parts.error_part(address, data.head.events),
        "trace": list_parts.trace_part(address, data.traces),
        "logs": list_parts.log_part(address, data.logs),
    }
    return {panel: part for panel, part in parts.items() if part}


def _describe_status(contents: ReplayContents) -> str | None:
    """Say in one sentence what is known of a replay that cannot be played."""
    replay = contents.outline.replay
    match contents.outline.state:
        case "playing" | "live":
            return None
        case "processing":
            ago_ms = max(0, clock.now_ms() - units.ms_from_at(replay.last_received_at))
            ago = units.format_duration(ago_ms // 1000 * 1000)
            return f"{_describe_last_segment(contents.segments)}, {ago} ago; waiting for more."
        case "no_video":
            breadcrumbs = count(len(contents.breadcrumbs), "breadcrumb")
            if outline.is_browser_recording(replay):
                return f"{_BROWSER} {breadcrumbs}."
            faults = [segment.video_fault for segment in contents.segments if segment.object_key]
            fault = next((fault for fault in faults if fault), None)
            reason = f"It cannot be played: {fault}." if fault else "The SDK sent none."
            return f"{reason} {breadcrumbs}."


def _describe_last_segment(segments: Sequence[Segment]) -> str:
    """Say what the last segment brought, when none of them can be played."""
    if not segments:
        return "Segment 0 was received without video"
    last = segments[-1]
    if last.object_key is not None:
        return f"The video of segment {last.segment_id} cannot be played ({last.video_fault})"
    return f"Segment {last.segment_id} was received without video"
