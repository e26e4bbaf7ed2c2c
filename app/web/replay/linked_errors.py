"""Linked events as rows of the Errors panel."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from app.core.ids import ProjectId
from app.core.replay_window import ReplayWindow
from app.formats.events import exceptions
from app.formats.events.exceptions import ExceptionRecord, Frame
from app.formats.stored import packed_json
from app.issues.replay_events import LinkedEvent
from app.playback.links import replay_clock
from app.web.urls import issue_urls
from app.web.words.problems import KINDS, ErrorRow, ExceptionBlock, FrameRow


def error_rows(
    found: Sequence[LinkedEvent],
    offsets: Sequence[timedelta],
    window: ReplayWindow,
    *,
    project_id: ProjectId,
    project_names: Mapping[ProjectId, str],
    zero_ms: int,
) -> tuple[ErrorRow, ...]:
    """Describe the events of a replay in the order of their place on its clock.

    Args:
        found: The events.
        offsets: Where each of them lies, counted from the start of the replay.
        window: The reach of the replay.
        project_id: The replay's project.
        project_names: Of every project among the events.
        zero_ms: How far the page's zero is behind the start of the replay.
    """
    places = [_at_ms(offset, window, zero_ms=zero_ms) for offset in offsets]
    rows = [
        _row(one, at_ms, project_id=project_id, project_names=project_names)
        for one, at_ms in zip(found, places, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: row.at_ms or 0))


def _row(
    one: LinkedEvent,
    at_ms: int | None,
    *,
    project_id: ProjectId,
    project_names: Mapping[ProjectId, str],
) -> ErrorRow:
    event = one.event
    side = replay_clock.find_side(project_id, event.project_id, event.platform)
    return ErrorRow(
        event_id=event.event_id,
        at_ms=at_ms,
        at=event.happened_at,
        source=side,
        kind=KINDS.get(event.kind, "error"),
        title=event.exception_type or event.title,
        value=event.exception_value if event.exception_type else None,
        culprit=event.culprit,
        level=event.level,
        handled=event.handled,
        project_name=project_names.get(event.project_id, "another project"),
        linked_by="replay id" if one.names_replay else "trace id",
        exceptions=_exceptions(event.payload),
        trace_id=event.trace_id,
        release=event.release,
        environment=event.environment,
        issue_href=issue_urls.issue_event(event.project_id, event.issue_id, event.event_id)
        if event.issue_id
        else None,
    )


def _at_ms(offset: timedelta, window: ReplayWindow, *, zero_ms: int) -> int | None:
    near_ms = replay_clock.near_replay_ms(window, offset)
    return None if near_ms is None else near_ms - zero_ms


def _exceptions(payload: bytes) -> tuple[ExceptionBlock, ...]:
    """Read the stack traces of a stored event; one that cannot be read shows none."""
    try:
        event = packed_json.unpack_json(payload)
    except ValueError:
        return ()
    shown = exceptions.read_exceptions(event) if isinstance(event, dict) else ()
    return tuple(_block(one) for one in shown)


def _block(one: ExceptionRecord) -> ExceptionBlock:
    return ExceptionBlock(
        type=one.type or "Exception",
        value=one.value,
        mechanism=one.mechanism,
        frames=tuple(_frame(frame) for frame in reversed(one.frames)),
    )


def _frame(frame: Frame) -> FrameRow:
    return FrameRow(
        function=frame.function or frame.address or "unknown",
        module=frame.module,
        file=frame.filename or frame.package,
        line=frame.line,
        in_app=bool(frame.in_app),
        context_line=frame.context_line,
    )
