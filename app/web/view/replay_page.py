"""Builds the replay page out of what was found: pure, so that it can run in a thread."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from app.core import clock, units
from app.core.ids import TraceId
from app.playback import ending, page as playback, recordings
from app.playback.ending import Ending
from app.playback.page import Contents, Outline
from app.playback.trace import SpanError
from app.replays import ties
from app.replays.model import Replay, Segment
from app.web.view import facts, hrefs, notes, replay_lists, request_links, segments, spans
from app.web.view.activity import ActivityRow, NetworkRow, ScreenSpan
from app.web.view.breadcrumbs import breadcrumb_row, screen_spans
from app.web.view.gesture_rows import gesture_rows
from app.web.view.log_rows import log_rows
from app.web.view.panel_filters import panel_filters
from app.web.view.problems import ErrorRow
from app.web.view.replay import (
    Deletion,
    Gap,
    Opening,
    ReplayHeader,
    ReplayPage,
    ReplayPartPage,
    ReplayState,
    ReplayTop,
    SeenBy,
    Tab,
)
from app.web.view.replay_data import Found, Known, Visit
from app.web.view.requests import error_activity, network_rows, request_activity
from app.web.view.spans import Surroundings
from app.web.view.words import count, shortened

_TITLE_CHARS: Final = 40
_BROWSER: Final = (
    "A browser recorded the page itself (its DOM). Playhead keeps such a recording and does not "
    "play it."
)
_MOST_ROWS: Final = 3_000
"""Of activity, and of requests: an hour of a busy app."""


def top(known: Known, visit: Visit) -> ReplayTop:
    """Describe a replay for the upper part of its page."""
    outline, key = known.outline, known.outline.replay.key
    ended = _ending(known)
    return ReplayTop(
        opening=opening(outline.replay, start_at_ms=visit.start_at_ms, now=clock.now()),
        header=_header(known, back_href=visit.back_href, ended=ended),
        state=_state(outline, ended),
        gestures_href=hrefs.gestures(key.project_id, key.replay_id),
        pictures_href=hrefs.pictures(key.project_id, key.replay_id),
        start_at_ms=min(visit.start_at_ms, outline.duration_ms),
        size_px=outline.size_px_at(visit.start_at_ms),
        deletion=_deletion(known) if visit.may_delete else None,
    )


def build(found: Found, visit: Visit) -> ReplayPage:
    """Describe a replay for its page."""
    known, contents = found.known, found.contents
    above, key = top(known, visit), contents.replay.key
    errors = replay_lists.error_rows(known)
    traced = request_links.find_request_traces(found)
    panels = request_links.panel_contents(found, errors)
    errors = request_links.link_errors(errors, traced, key, panels, shown_requests=_MOST_ROWS)
    requests = network_rows(
        contents.spans,
        start_ms=contents.zero_ms,
        replay_href=hrefs.replay(key.project_id, key.replay_id),
        links=request_links.request_links(traced, key, panels),
    )
    logs = log_rows(
        found.logs,
        project_id=key.project_id,
        project_names=known.project_names,
        zero_ms=known.zero_ms,
    )
    written = notes.rows(
        found.feedback, known.window, project_id=key.project_id, zero_ms=known.zero_ms
    )
    rows = _activity(contents, requests, errors, written)
    listed = segments.segment_rows(contents, losses=found.losses, with_all=visit.tab == "segments")
    return ReplayPage(
        opening=above.opening,
        header=above.header,
        state=above.state,
        gestures_href=above.gestures_href,
        pictures_href=above.pictures_href,
        start_at_ms=above.start_at_ms,
        size_px=above.size_px,
        tab=visit.tab,
        gaps=tuple(Gap(gap.start_ms, gap.end_ms, gap.reason) for gap in contents.gaps),
        screens=_screens(contents, rows),
        conditions=contents.conditions,
        activity=tuple(rows[:_MOST_ROWS]),
        network=requests[:_MOST_ROWS],
        errors=errors,
        traces=spans.replay_blocks(found.traces, surroundings(known)),
        segments=listed,
        hidden_segments=len(contents.segments) - sum(row.video != "missing" for row in listed),
        details=facts.groups(contents.replay, options=contents.options, ending=_ending(known)),
        deletion=above.deletion,
        status_text=_status_text(contents),
        left_out=_left_out(contents),
        most_ties=ties.MOST if len(known.window.trace_ids) >= ties.MOST else None,
        hidden_activity=max(0, len(rows) - _MOST_ROWS),
        hidden_requests=max(0, len(requests) - _MOST_ROWS),
        logs=logs,
        parts={name: part for name, part in (("errors", replay_lists.error_part(known)),) if part},
        filters=panel_filters(rows[:_MOST_ROWS], requests[:_MOST_ROWS], errors, logs),
        har_href=hrefs.har(key.project_id, key.replay_id),
    )


def opening(replay: Replay, *, start_at_ms: int, now: datetime, is_bare: bool = False) -> Opening:
    """Describe a replay for the head of its page, from nothing but its row."""
    key = replay.key
    user = shortened(facts.user_of(replay.user) or "Unknown user", limit=_TITLE_CHARS)
    has_pictures = replay.video_segments > 0
    return Opening(
        title=f"{user}, {units.clock_text(replay.duration_ms)}",
        index_href=hrefs.index(key.project_id, key.replay_id),
        stream_href=hrefs.stream(key.project_id, key.replay_id),
        start_at_ms=start_at_ms,
        has_pictures=has_pictures,
        is_awaited=playback.state_of(replay, has_video=has_pictures, now=now) == "processing",
        is_bare=is_bare,
    )


def part_page(known: Known, panel: Tab, visit: Visit) -> ReplayPartPage:
    """Describe a further part of a panel's list."""
    return ReplayPartPage(
        header=_header(known, back_href=visit.back_href, ended=_ending(known)),
        panel=panel,
        label=panel.capitalize(),
        part=replay_lists.error_part(known),
        errors=replay_lists.error_rows(known),
    )


def _activity(
    contents: Contents,
    requests: Sequence[NetworkRow],
    errors: Iterable[ErrorRow],
    written: Iterable[ActivityRow],
) -> list[ActivityRow]:
    """Bring everything that happened into the order of time."""
    rows = [breadcrumb_row(crumb, start_ms=contents.zero_ms) for crumb in contents.breadcrumbs]
    rows += gesture_rows(contents.gestures, contents.breadcrumbs, rows, start_ms=contents.zero_ms)
    rows += [request_activity(row) for row in requests]
    rows += [row for error in errors if (row := error_activity(error)) is not None]
    rows += written
    return sorted(rows, key=lambda row: row.at_ms)


def _screens(contents: Contents, rows: Sequence[ActivityRow]) -> tuple[ScreenSpan, ...]:
    """Take the screens that breadcrumbs name, with their time; else those of the segments."""
    by_breadcrumb = screen_spans(rows, duration_ms=contents.duration_ms)
    if by_breadcrumb:
        return by_breadcrumb
    return tuple(ScreenSpan(one.start_ms, one.end_ms, one.name) for one in contents.screens)


def _ending(known: Known) -> Ending | None:
    """Infer how the replay ended; None while it may go on."""
    inferred = ending.infer(known.outline.replay, known.counts, last_ms=known.last_ms)
    return None if known.outline.is_arriving and not inferred.has_crashed else inferred


def _state(outline: Outline, ended: Ending | None) -> ReplayState:
    """Take a crashed app off the air at once: it sends nothing more."""
    is_over = ended is not None and ended.has_crashed
    return "playing" if outline.state == "live" and is_over else outline.state


def _header(known: Known, *, back_href: str, ended: Ending | None) -> ReplayHeader:
    replay, counts = known.outline.replay, known.counts
    key = replay.key
    return ReplayHeader(
        project_id=key.project_id,
        project_name=known.project.name,
        project_href=hrefs.project(key.project_id),
        replay_id=key.replay_id,
        href=hrefs.replay(key.project_id, key.replay_id),
        back_href=back_href,
        user=facts.user_of(replay.user),
        started_at=units.at_from_ms(known.outline.zero_ms)
        + (replay.recorded_at - replay.started_at),
        duration_ms=known.outline.duration_ms,
        chips=facts.chips(replay.facts),
        app_errors=counts.app,
        backend_errors=counts.backend,
        end=facts.end(ended) if ended else None,
        has_crashed=ended.has_crashed if ended else False,
        is_late=facts.is_late(replay),
        seen_by=tuple(
            SeenBy(known.people.get(one.person_id, "somebody who has left"), one.last_at)
            for one in known.viewers
        ),
    )


def surroundings(known: Known) -> Surroundings:
    """Return what the traces of a replay are written with."""
    key = known.outline.replay.key
    here = hrefs.replay(key.project_id, key.replay_id)

    def error_href(error: SpanError) -> str:
        return f"{here}?tab=errors#error-{error.event.event_id}"

    def trace_href(trace_id: TraceId, first: int) -> str:
        return hrefs.trace_in(key.project_id, key.replay_id, trace_id, first=first)

    return Surroundings(known.project_names, known.zero_ms, error_href, trace_href)


def _deletion(known: Known) -> Deletion:
    replay = known.outline.replay
    return Deletion(
        href=hrefs.delete_replay(replay.key.project_id, replay.key.replay_id),
        video_bytes=replay.video_bytes,
        segments=replay.segments,
        breadcrumbs=replay.breadcrumbs,
        requests=replay.network_requests,
        linked_errors=known.counts.app + known.counts.backend,
    )


def _last_in_words(segments: Sequence[Segment]) -> str:
    """Say what the last segment brought, when none of them can be played."""
    if not segments:
        return "Segment 0 was received without video"
    last = segments[-1]
    if last.object_key is not None:
        return f"The video of segment {last.segment_id} cannot be played ({last.video_fault})"
    return f"Segment {last.segment_id} was received without video"


def _left_out(contents: Contents) -> str | None:
    """Say from when on the notes of the app are left out, and why."""
    if not contents.unread:
        return None
    first = contents.unread[0]
    at_ms = max(0, units.ms_from_at(first.started_at) - contents.zero_ms)
    return (
        f"What the app noted from {units.clock_text(at_ms)} on is left out: breadcrumbs, requests "
        f"and touches of {count(len(contents.unread), 'segment')}. A page reads "
        f"{units.bytes_text(recordings.MOST_BYTES)} of recordings, and those of this replay take "
        "more. The video plays whole, and errors and traces are all here."
    )


def _status_text(contents: Contents) -> str | None:
    """Say in one sentence what is known of a replay that cannot be played."""
    replay = contents.replay
    match contents.state:
        case "playing" | "live":
            return None
        case "processing":
            ago_ms = max(0, clock.now_ms() - units.ms_from_at(replay.last_received_at))
            took = units.duration_text(ago_ms // 1000 * 1000)
            return f"{_last_in_words(contents.segments)}, {took} ago; waiting for more."
        case "no_video":
            if playback.is_browser_recording(replay):
                return f"{_BROWSER} {count(len(contents.breadcrumbs), 'breadcrumb')}."
            sent = [one for one in contents.segments if one.object_key is not None]
            fault = next((one.video_fault for one in sent if one.video_fault), None)
            said = f"It cannot be played: {fault}." if fault else "The SDK sent none."
            return f"{said} {count(len(contents.breadcrumbs), 'breadcrumb')}."
