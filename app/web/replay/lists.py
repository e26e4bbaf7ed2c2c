"""The long lists of a replay: their rows, which part of each is shown, and where to read on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from app.audit.queries import PART_VIEWERS
from app.core import units
from app.issues.replay_events import PART_EVENTS, LinkedEvents
from app.playback.links.linked_feedback import PART_FEEDBACK
from app.playback.recording.contents import ReplayContents
from app.playback.visit import (
    PlacedErrors,
    ReplayActivity,
    ReplayContext,
    ReplayFeedback,
    ReplayLogs,
    ReplayPageData,
    ReplayTraces,
    ReplayViewers,
)
from app.replays import trace_links
from app.traces.logs import PART_LOGS
from app.traces.queries import PART_OF_REPLAY
from app.web.frame import part_cursors
from app.web.replay import linked_errors, request_links
from app.web.replay.gesture_rows import gesture_rows
from app.web.replay.log_rows import LogRow, log_rows
from app.web.replay.page import PartHeader, ReplayPartPage, SeenBy, Tab
from app.web.replay.recording_parts import describe_recording_part
from app.web.replay.requests import NO_LINKS, error_activity, network_rows, request_activity
from app.web.urls import replay_urls
from app.web.words import facts, feedback_rows, spans
from app.web.words.activity import ActivityRow, NetworkRow, RequestLinks
from app.web.words.breadcrumbs import breadcrumb_row
from app.web.words.parts import (
    ERROR_ORDER,
    ListPart,
    describe_part,
    describe_rows,
)
from app.web.words.problems import ErrorRow
from app.web.words.traces import TraceBlock

PART_ROWS: Final = 3_000
"""Rows of activity, and of requests, that are shown at once: an hour of a busy app."""


def error_rows(context: ReplayContext, errors: PlacedErrors) -> tuple[ErrorRow, ...]:
    """Describe the errors that are read."""
    return linked_errors.error_rows(
        errors.events.events,
        errors.offsets,
        context.window,
        project_id=context.key.project_id,
        project_names=context.project_names,
        zero_ms=context.zero_ms,
    )


def error_part(context: ReplayContext, events: LinkedEvents) -> ListPart | None:
    """Say which part of the errors is read; None if that is all of them."""
    place = events.next_place
    return describe_part(
        "error",
        first=events.first,
        shown=len(events.events),
        total=events.total,
        size=PART_EVENTS,
        next_href=_href(context, "errors", after=part_cursors.write_event_place(place))
        if place
        else None,
        order=ERROR_ORDER,
    )


def error_page(context: ReplayContext, errors: PlacedErrors) -> ReplayPartPage:
    """Describe a part of the errors as a page."""
    return ReplayPartPage(
        _header(context, "errors"),
        "errors",
        part=error_part(context, errors.events),
        errors=error_rows(context, errors),
    )


def rows_of_logs(found: ReplayLogs) -> tuple[LogRow, ...]:
    """Describe the log records that are read."""
    context = found.context
    return log_rows(
        found.records.logs,
        project_id=context.key.project_id,
        project_names=context.project_names,
        zero_ms=context.zero_ms,
    )


def log_part(found: ReplayLogs) -> ListPart | None:
    """Say which part of the log records is read; None if that is all of them."""
    place = found.records.next_place
    return describe_part(
        "log record",
        first=found.records.first,
        shown=len(found.records.logs),
        total=found.count.number,
        is_at_least=found.count.is_at_least,
        size=PART_LOGS,
        next_href=_href(found.context, "logs", after=part_cursors.write_log_place(place))
        if place
        else None,
    )


def log_page(found: ReplayLogs) -> ReplayPartPage:
    """Describe a part of the log records as a page."""
    return ReplayPartPage(
        _header(found.context, "logs"), "logs", part=log_part(found), logs=rows_of_logs(found)
    )


def trace_blocks(
    found: ReplayTraces, around: spans.Surroundings, *, first: int = 0
) -> tuple[TraceBlock, ...]:
    """Describe the traces of a replay from a number on, as many as are shown at once."""
    return spans.replay_blocks(found.traces[first:], around)


def span_part(found: ReplayTraces) -> ListPart | None:
    """Say which part of the spans is read; None if that is all of them."""
    part, place = found.spans, found.spans.next_place
    return describe_part(
        "span",
        first=part.first,
        shown=len(part.spans),
        total=part.total,
        is_about=True,
        size=PART_OF_REPLAY,
        next_href=_href(found.context, "trace", after=part_cursors.write_block_place(place))
        if place
        else None,
    )


def trace_part(found: ReplayTraces, *, after: str, first: int = 0) -> ListPart | None:
    """Say which traces are shown, and which part of the spans they are made of.

    Args:
        found: The traces of a part of the spans.
        after: The place after which this part begins, as the address has it.
        first: How many traces of it stand before those that are shown.
    """
    context = found.context
    traces = describe_rows(
        "trace",
        first=first,
        total=len(found.traces),
        size=spans.MOST_TRACES,
        href=lambda following: _href(context, "trace", after=after, first=following),
    )
    read = span_part(found)
    if traces is None or read is None:
        return traces or read
    text = f"{traces.text} They are made of a part of the spans. {read.text}"
    way_on = traces if traces.next_href else read
    return ListPart(text, way_on.next_text, way_on.next_href)


def trace_page(
    found: ReplayTraces, around: spans.Surroundings, *, after: str, first: int
) -> ReplayPartPage:
    """Describe a part of the traces as a page."""
    return ReplayPartPage(
        _header(found.context, "trace"),
        "trace",
        part=trace_part(found, after=after, first=first),
        traces=trace_blocks(found, around, first=first),
        most_ties=most_ties(found.context),
    )


def most_ties(context: ReplayContext) -> int | None:
    """Say how many traces are tied to the replay if there is no room for another."""
    return (
        trace_links.MOST_TRACE_LINKS
        if len(context.window.trace_ids) >= trace_links.MOST_TRACE_LINKS
        else None
    )


def request_rows(
    context: ReplayContext,
    contents: ReplayContents,
    *,
    links: Mapping[int, RequestLinks] = NO_LINKS,
) -> tuple[NetworkRow, ...]:
    """Describe the requests of the recordings that are read.

    Args:
        context: The replay.
        contents: What the app noted.
        links: Where requests lead on to, by their number.
    """
    return network_rows(
        contents.spans,
        start_ms=contents.zero_ms,
        replay_href=replay_urls.replay(context.key.project_id, context.key.replay_id),
        from_segment=contents.from_segment,
        links=links,
    )


def activity_rows(
    found: ReplayActivity, requests: Sequence[NetworkRow], errors: Iterable[ErrorRow]
) -> list[ActivityRow]:
    """Bring everything that happened into the order of time."""
    contents, context = found.contents, found.head.context
    rows = [breadcrumb_row(crumb, start_ms=contents.zero_ms) for crumb in contents.breadcrumbs]
    rows += gesture_rows(contents.gestures, contents.breadcrumbs, rows, start_ms=contents.zero_ms)
    rows += [request_activity(row) for row in requests]
    rows += [row for error in errors if (row := error_activity(error)) is not None]
    rows += feedback_rows.build_feedback_rows(
        found.feedback.feedback,
        context.window,
        project_id=context.key.project_id,
        zero_ms=context.zero_ms,
    )
    return sorted(rows, key=lambda row: row.at_ms)


def row_part(
    context: ReplayContext, panel: str, noun: str, *, total: int, first: int, from_segment: int
) -> ListPart | None:
    """Say which rows of a panel are shown; None if that is all of them."""
    return describe_rows(
        noun,
        first=first,
        total=total,
        size=PART_ROWS,
        href=lambda following: _href(context, panel, first=following, from_segment=from_segment),
    )


def activity_page(found: ReplayActivity, *, first: int) -> ReplayPartPage:
    """Describe a part of the activity as a page."""
    context, contents = found.head.context, found.contents
    requests = request_rows(context, contents)
    rows = activity_rows(found, requests, error_rows(context, found.head.errors))
    return ReplayPartPage(
        _header(context, "activity", from_segment=contents.from_segment),
        "activity",
        part=row_part(
            context,
            "activity",
            "row",
            total=len(rows),
            first=first,
            from_segment=contents.from_segment,
        ),
        activity=tuple(rows[first : first + PART_ROWS]),
        feedback_part=feedback_part(found.feedback),
        recording_part=describe_recording_part(contents),
        from_segment=contents.from_segment,
    )


def feedback_part(found: ReplayFeedback, *, first: int = 0) -> ListPart | None:
    """Say which part of the feedback is read; None if that is all of it."""
    return describe_rows(
        "feedback message",
        first=first,
        total=found.total,
        size=PART_FEEDBACK,
        href=lambda following: _href(found.context, "feedback", first=following),
    )


def feedback_page(found: ReplayFeedback, *, first: int) -> ReplayPartPage:
    """Describe a part of the feedback as a page."""
    context = found.context
    return ReplayPartPage(
        _header(context, "activity"),
        "feedback",
        part=feedback_part(found, first=first),
        activity=tuple(
            feedback_rows.build_feedback_rows(
                found.feedback,
                context.window,
                project_id=context.key.project_id,
                zero_ms=context.zero_ms,
            )
        ),
    )


def viewer_rows(found: ReplayViewers) -> tuple[SeenBy, ...]:
    """Name the people who have opened a replay."""
    return tuple(
        SeenBy(found.people.get(viewer.person_id, "somebody who has left"), viewer.last_at)
        for viewer in found.viewers
    )


def viewer_part(found: ReplayViewers, *, first: int = 0) -> ListPart | None:
    """Say which of the people who have opened a replay are named; None if all are."""
    return describe_rows(
        "viewer",
        first=first,
        total=found.total,
        size=PART_VIEWERS,
        href=lambda following: _href(found.context, "viewers", first=following),
    )


def viewer_page(found: ReplayViewers, *, first: int) -> ReplayPartPage:
    """Describe a part of the people who have opened a replay as a page."""
    return ReplayPartPage(
        _header(found.context, "activity"),
        "viewers",
        part=viewer_part(found, first=first),
        viewers=viewer_rows(found),
    )


def request_page(found: ReplayPageData, *, first: int) -> ReplayPartPage:
    """Describe a part of the requests as a page."""
    context, contents = found.activity.head.context, found.activity.contents
    key = context.key
    traced = request_links.find_request_traces(found)
    links = request_links.request_links(traced, key, request_links.NO_PANELS)
    rows = request_rows(context, contents, links=links)
    return ReplayPartPage(
        _header(context, "network", from_segment=contents.from_segment),
        "network",
        part=row_part(
            context,
            "network",
            "request",
            total=len(rows),
            first=first,
            from_segment=contents.from_segment,
        ),
        network=rows[first : first + PART_ROWS],
        har_href=replay_urls.har(key.project_id, key.replay_id, from_segment=contents.from_segment),
        recording_part=describe_recording_part(contents),
        from_segment=contents.from_segment,
    )


def _header(context: ReplayContext, panel: Tab, *, from_segment: int = 0) -> PartHeader:
    replay, key = context.outline.replay, context.key
    return PartHeader(
        href=replay_urls.replay(key.project_id, key.replay_id),
        back_href=replay_urls.replay_panel(
            key.project_id, key.replay_id, panel, from_segment=from_segment
        ),
        user=facts.user_of(replay.user),
        started_at=units.at_from_ms(context.outline.zero_ms)
        + (replay.recorded_at - replay.started_at),
        duration_ms=context.outline.duration_ms,
    )


def _href(
    context: ReplayContext, panel: str, *, after: str = "", first: int = 0, from_segment: int = 0
) -> str:
    key = context.key
    return replay_urls.replay_part(
        key.project_id,
        key.replay_id,
        panel,
        after=after,
        first=first,
        from_segment=from_segment,
    )
