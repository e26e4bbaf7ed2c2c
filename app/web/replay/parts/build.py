"""Builds the pages of further parts of long lists."""

from app.playback.visit.model import (
    ReplayActivity,
    ReplayContext,
    ReplayErrors,
    ReplayFeedback,
    ReplayLogs,
    ReplayPageData,
    ReplayTraces,
    ReplayViewers,
)
from app.replays import naming
from app.web.replay.build import find_trace_limit
from app.web.replay.page import PartHeader, ReplayPartPage, Tab
from app.web.replay.panels import list_parts, request_links
from app.web.replay.panels.activity_rows import activity_rows, feedback_rows
from app.web.replay.panels.error_rows import error_rows
from app.web.replay.panels.list_parts import PART_ROWS
from app.web.replay.panels.log_rows import log_rows
from app.web.replay.panels.recording_parts import describe_recording_part
from app.web.replay.panels.request_rows import request_rows
from app.web.replay.panels.trace_context import make_trace_context
from app.web.replay.panels.viewer_rows import viewer_rows
from app.web.urls.replay_address import ReplayAddress
from app.web.words.trace import spans


def build_error_page(errors: ReplayErrors, address: ReplayAddress) -> ReplayPartPage:
    """Describe a part of the errors as a page."""
    return ReplayPartPage(
        _describe_header(errors.context, address, "errors"),
        "errors",
        part=list_parts.error_part(address, errors.events),
        errors=error_rows(errors, address),
    )


def build_log_page(logs: ReplayLogs, address: ReplayAddress) -> ReplayPartPage:
    """Describe a part of the log records as a page."""
    return ReplayPartPage(
        _describe_header(logs.context, address, "logs"),
        "logs",
        part=list_parts.log_part(address, logs),
        logs=log_rows(logs),
    )


def build_trace_page(
    traces: ReplayTraces, address: ReplayAddress, *, after: str, first: int
) -> ReplayPartPage:
    """Describe a part of the traces as a page.

    Args:
        traces: The traces that a part of the spans makes.
        address: The addresses of the replay.
        after: The place after which this part begins, as the address has it.
        first: Number of these traces to skip.
    """
    context = traces.context
    return ReplayPartPage(
        _describe_header(context, address, "trace"),
        "trace",
        part=list_parts.trace_part(address, traces, after=after, first=first),
        traces=spans.describe_replay_traces(
            traces.traces[first:], make_trace_context(context, address, after=after)
        ),
        most_traces=find_trace_limit(context),
    )


def build_activity_page(
    activity: ReplayActivity, address: ReplayAddress, *, first: int
) -> ReplayPartPage:
    """Describe a part of the activity as a page."""
    context, contents = activity.errors.context, activity.contents
    requests = request_rows(contents, address)
    rows = activity_rows(activity, requests, error_rows(activity.errors, address))
    return ReplayPartPage(
        _describe_header(context, address, "activity", from_segment=contents.from_segment),
        "activity",
        part=list_parts.row_part(
            address,
            "activity",
            "row",
            total=len(rows),
            first=first,
            from_segment=contents.from_segment,
        ),
        activity=tuple(rows[first : first + PART_ROWS]),
        feedback_part=list_parts.feedback_part(address, activity.feedback),
        recording_part=describe_recording_part(contents, address),
        from_segment=contents.from_segment,
    )


def build_request_page(
    data: ReplayPageData, address: ReplayAddress, *, first: int
) -> ReplayPartPage:
    """Describe a part of the requests as a page."""
    context, contents = data.context, data.contents
    traced = request_links.find_request_traces(data)
    links = request_links.make_request_links(traced, address, request_links.NO_PANELS)
    rows = request_rows(contents, address, links=links)
    return ReplayPartPage(
        _describe_header(context, address, "network", from_segment=contents.from_segment),
        "network",
        part=list_parts.row_part(
            address,
            "network",
            "request",
            total=len(rows),
            first=first,
            from_segment=contents.from_segment,
        ),
        network=rows[first : first + PART_ROWS],
        har_href=address.har(from_segment=contents.from_segment),
        recording_part=describe_recording_part(contents, address),
        from_segment=contents.from_segment,
    )


def build_feedback_page(
    feedback: ReplayFeedback, address: ReplayAddress, *, first: int
) -> ReplayPartPage:
    """Describe a part of the feedback as a page."""
    return ReplayPartPage(
        _describe_header(feedback.context, address, "activity"),
        "feedback",
        part=list_parts.feedback_part(address, feedback, first=first),
        activity=tuple(feedback_rows(feedback)),
    )


def build_viewer_page(
    viewers: ReplayViewers, address: ReplayAddress, *, first: int
) -> ReplayPartPage:
    """Describe a part of the people who have opened a replay as a page."""
    return ReplayPartPage(
        _describe_header(viewers.context, address, "activity"),
        "viewers",
        part=list_parts.viewer_part(address, viewers, first=first),
        viewers=viewer_rows(viewers),
    )


def _describe_header(
    context: ReplayContext, address: ReplayAddress, panel: Tab, *, from_segment: int = 0
) -> PartHeader:
    outline = context.outline
    return PartHeader(
        href=address.href,
        back_href=address.panel(panel, from_segment=from_segment),
        user=naming.name_user(outline.replay.user),
        started_at=outline.recorded_at,
        duration_ms=outline.duration_ms,
        hand_on_href=address.hand_on(),
    )
