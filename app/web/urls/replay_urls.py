"""Addresses of replays, and of traces."""

from app.core.ids import ProjectId, ReplayId, SpanId, TraceId
from app.core.replay_range import ReplayRange
from app.web.urls.project_urls import PROJECTS
from app.web.urls.query import with_query


def replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of a replay's page; index, stream and segments lie below it."""
    return f"{PROJECTS}/{project_id}/replays/{replay_id}"


def write_seconds(at_ms: int) -> str:
    """Write a moment on the clock of a replay as `t` of its address has it: `82.5`."""
    return f"{max(0, at_ms) / 1000:g}"


def replay_at(
    project_id: ProjectId, replay_id: ReplayId, *, at_ms: int, from_segment: int = 0
) -> str:
    """Return the address that opens a replay at a moment; `t` counts seconds.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        at_ms: The moment on the clock of the replay.
        from_segment: The first segment whose recording is read.
    """
    pairs = {"t": write_seconds(at_ms), "from_segment": str(from_segment or "")}
    return with_query(replay(project_id, replay_id), pairs)


def delete_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address at which GET asks whether to delete a replay, and POST deletes it."""
    return f"{replay(project_id, replay_id)}/delete"


def hand_on(
    project_id: ProjectId, replay_id: ReplayId, *, replay_range: ReplayRange | None = None
) -> str:
    """Return the address of the page from which a replay is handed on.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        replay_range: The range that is handed on; None means the whole replay.
    """
    path = f"{replay(project_id, replay_id)}/hand-on"
    return with_query(path, replay_range.query() if replay_range else {})


def pin_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address at which POST `pinned` pins a replay, or takes its pin off."""
    return f"{replay(project_id, replay_id)}/pin"


def hold_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the legal holds of a replay; POST sets one."""
    return f"{replay(project_id, replay_id)}/holds"


def release_hold(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address at which POST `name` ends a legal hold of a replay."""
    return f"{hold_replay(project_id, replay_id)}/release"


def replay_panel(
    project_id: ProjectId, replay_id: ReplayId, panel: str, *, from_segment: int = 0
) -> str:
    """Return the address of a replay with a panel open."""
    pairs = {"tab": panel, "from_segment": str(from_segment or "")}
    return with_query(replay(project_id, replay_id), pairs)


def replay_part(
    project_id: ProjectId,
    replay_id: ReplayId,
    panel: str,
    *,
    after: str = "",
    first: int = 0,
    from_segment: int = 0,
) -> str:
    """Return the address of a further part of a panel's list.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        panel: The panel that the list is in.
        after: The place after which the part begins, in a list that is read by place.
        first: Number of rows to skip, in a list that is read by number.
        from_segment: The first segment whose recording is read.
    """
    pairs = {
        "after": after,
        "from": str(first or ""),
        "from_segment": str(from_segment or ""),
    }
    return with_query(f"{replay(project_id, replay_id)}/{panel}", pairs)


def index(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the playback index."""
    return f"{replay(project_id, replay_id)}/index"


def stream(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the virtual stream of a replay's pictures."""
    return f"{replay(project_id, replay_id)}/stream"


def gestures(project_id: ProjectId, replay_id: ReplayId, *, from_segment: int = 0) -> str:
    """Return the address of the gestures in a replay, as JSON."""
    path = f"{replay(project_id, replay_id)}/gestures"
    return with_query(path, {"from_segment": str(from_segment or "")})


def pictures(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the small pictures of a replay; each of them lies below it."""
    return f"{replay(project_id, replay_id)}/pictures"


def har(project_id: ProjectId, replay_id: ReplayId, *, from_segment: int = 0) -> str:
    """Return the address of a replay's requests as a HAR file."""
    path = f"{replay(project_id, replay_id)}/requests.har"
    return with_query(path, {"from_segment": str(from_segment or "")})


def segment_video(project_id: ProjectId, replay_id: ReplayId, segment_id: int) -> str:
    """Return the address of the MP4 of a segment, as the phone sent it."""
    return f"{replay(project_id, replay_id)}/segments/{segment_id}.mp4"


def trace(trace_id: TraceId, *, first: int = 0, after: str = "", after_error: str = "") -> str:
    """Return the address of a trace's page.

    Args:
        trace_id: The trace.
        first: Number of spans to skip.
        after: The place after which spans are read.
        after_error: The place after which errors are read.
    """
    pairs = {"after": after, "after_error": after_error, "from": str(first or "")}
    return with_query(f"/traces/{trace_id}", pairs)


def trace_in(
    project_id: ProjectId,
    replay_id: ReplayId,
    trace_id: TraceId,
    *,
    first: int = 0,
    after: str = "",
) -> str:
    """Return the address of a trace on the clock of a replay, from a span on.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        trace_id: The trace.
        first: Number of spans to skip.
        after: The place after which the spans of the replay are read.
    """
    path = f"{replay(project_id, replay_id)}/traces/{trace_id}"
    return with_query(path, {"after": after, "from": str(first or "")})


def span(trace_id: TraceId, span_id: SpanId) -> str:
    """Return the address of the details of a span."""
    return f"/traces/{trace_id}/spans/{span_id}"
