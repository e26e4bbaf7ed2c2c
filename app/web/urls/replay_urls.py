"""Addresses of replays, and of traces."""

from app.core.ids import ProjectId, ReplayId, SpanId, TraceId
from app.core.replay.replay_range import ReplayRange
from app.web.urls.project_urls import PROJECTS
from app.web.urls.query import with_query
from app.web.urls.replay_address import ReplayAddress


def replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of a replay's page; index, stream and segments lie below it."""
    return f"{PROJECTS}/{project_id}/replays/{replay_id}"


def address_of(project_id: ProjectId, replay_id: ReplayId) -> ReplayAddress:
    """Return the addresses below a replay, as the people of its project open it."""
    return ReplayAddress(replay(project_id, replay_id))


def replay_at(
    project_id: ProjectId,
    replay_id: ReplayId,
    *,
    at_ms: int,
    from_segment: int = 0,
    marked: ReplayRange | None = None,
) -> str:
    """Return the address that opens a replay at a moment; `t` counts seconds.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        at_ms: The moment on the clock of the replay.
        from_segment: The first segment whose recording is read.
        marked: The range that is marked on its timeline.
    """
    address = address_of(project_id, replay_id)
    return address.at(at_ms, from_segment=from_segment, marked=marked)


def delete_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address at which GET asks whether to delete a replay, and POST deletes it."""
    return f"{replay(project_id, replay_id)}/delete"


def hand_on(
    project_id: ProjectId, replay_id: ReplayId, *, replay_range: ReplayRange | None = None
) -> str:
    """Return the address of the page Share of a replay.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        replay_range: The range that is shared; None means the whole replay.
    """
    return address_of(project_id, replay_id).hand_on(replay_range=replay_range)


def report(
    project_id: ProjectId, replay_id: ReplayId, *, replay_range: ReplayRange | None = None
) -> str:
    """Return the address of the report of a replay, or of a range of it.

    Args:
        project_id: The replay's project.
        replay_id: The replay.
        replay_range: The range that the report is about; None means the whole replay.
    """
    path = f"{replay(project_id, replay_id)}/report"
    return with_query(path, replay_range.query() if replay_range else {})


def report_file(
    project_id: ProjectId,
    replay_id: ReplayId,
    name: str,
    *,
    replay_range: ReplayRange | None = None,
) -> str:
    """Return the address of one file of the report of a replay, such as `report.md`."""
    path = f"{report(project_id, replay_id)}/{name}"
    return with_query(path, replay_range.query() if replay_range else {})


def clips(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the clips of a replay; POST `format`, `from`, `to` and more makes one.

    `taps`, `caption` and `body` are drawn into it if they are `yes`.
    """
    return f"{replay(project_id, replay_id)}/clips"


def clip(project_id: ProjectId, replay_id: ReplayId, clip_id: str) -> str:
    """Return the address at which a script asks how far a clip is."""
    return f"{clips(project_id, replay_id)}/{clip_id}"


def clip_file(project_id: ProjectId, replay_id: ReplayId, clip_id: str) -> str:
    """Return the address of the file of a clip."""
    return f"{clip(project_id, replay_id, clip_id)}/file"


def delete_clip(project_id: ProjectId, replay_id: ReplayId, clip_id: str) -> str:
    """Return the address at which POST deletes a clip, also one that is being rendered."""
    return f"{clip(project_id, replay_id, clip_id)}/delete"


def keep_ticket(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address at which POST `url` keeps the address of a ticket with a replay."""
    return f"{replay(project_id, replay_id)}/tickets"


def forget_ticket(project_id: ProjectId, replay_id: ReplayId, ticket_id: int) -> str:
    """Return the address at which POST forgets a ticket of a replay."""
    return f"{keep_ticket(project_id, replay_id)}/{ticket_id}/remove"


def pin_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address at which POST `pinned` pins a replay, or takes its pin off."""
    return f"{replay(project_id, replay_id)}/pin"


def hold_replay(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the legal holds of a replay; POST sets one."""
    return f"{replay(project_id, replay_id)}/holds"


def shares(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address at which POST hands a replay out by a link."""
    return f"{replay(project_id, replay_id)}/shares"


def revoke_share(project_id: ProjectId, replay_id: ReplayId, share_id: int) -> str:
    """Return the address at which POST takes a share of a replay back."""
    return f"{shares(project_id, replay_id)}/{share_id}/revoke"


def release_hold(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address at which POST `name` ends a legal hold of a replay."""
    return f"{hold_replay(project_id, replay_id)}/release"


def index(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the playback index."""
    return address_of(project_id, replay_id).index


def stream(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the virtual stream of a replay's pictures."""
    return address_of(project_id, replay_id).stream


def gestures(project_id: ProjectId, replay_id: ReplayId, *, from_segment: int = 0) -> str:
    """Return the address of the gestures in a replay, as JSON."""
    return address_of(project_id, replay_id).gestures(from_segment=from_segment)


def pictures(project_id: ProjectId, replay_id: ReplayId) -> str:
    """Return the address of the small pictures of a replay; each of them lies below it."""
    return address_of(project_id, replay_id).pictures


def picture_at(project_id: ProjectId, replay_id: ReplayId, *, at_ms: int) -> str:
    """Return the address of the picture that was on the screen at a moment, to the millisecond."""
    address = f"{pictures(project_id, replay_id)}/moment.webp"
    return with_query(address, {"t": f"{at_ms / 1000:.12g}"})


def har(project_id: ProjectId, replay_id: ReplayId, *, from_segment: int = 0) -> str:
    """Return the address of a replay's requests as a HAR file."""
    return address_of(project_id, replay_id).har(from_segment=from_segment)


def segment_video(project_id: ProjectId, replay_id: ReplayId, segment_id: int) -> str:
    """Return the address of the MP4 of a segment, as the phone sent it."""
    return address_of(project_id, replay_id).segment_video(segment_id)


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
    return address_of(project_id, replay_id).trace(trace_id, first=first, after=after)


def span(trace_id: TraceId, span_id: SpanId) -> str:
    """Return the address of the details of a span."""
    return f"/traces/{trace_id}/spans/{span_id}"
