"""Describes the rows of the Errors panel: the events that are linked to the replay."""

from datetime import timedelta

from app.formats.events import exceptions
from app.formats.events.exceptions import ExceptionRecord, Frame
from app.formats.jsonish import JsonObject
from app.formats.stored import packed_json
from app.issues.events.replay_events import LinkedEvent
from app.playback.links import replay_clock
from app.playback.visit.model import ReplayContext, ReplayErrors
from app.symbolication.model import unpack_symbolicated
from app.web.urls import issue_urls
from app.web.urls.replay_address import ReplayAddress
from app.web.words.panels.problems import KINDS, ErrorRow, ExceptionBlock, FrameRow


def error_rows(errors: ReplayErrors, address: ReplayAddress) -> tuple[ErrorRow, ...]:
    """Describe events in the order of their place on the player's clock, each with its issue."""
    rows = [
        _error_row(linked, offset, errors.context, address)
        for linked, offset in zip(errors.events.events, errors.offsets, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: row.at_ms or 0))


def _error_row(
    linked: LinkedEvent, offset: timedelta, context: ReplayContext, address: ReplayAddress
) -> ErrorRow:
    event = linked.event
    near_ms = replay_clock.near_replay_ms(context.window, offset)
    sent = packed_json.unpack_object(event.payload)
    symbolicated = unpack_symbolicated(event.symbolicated)
    return ErrorRow(
        event_id=event.event_id,
        at_ms=None if near_ms is None else near_ms - context.zero_ms,
        at=event.happened_at,
        source=replay_clock.find_side(context.key.project_id, event.project_id, event.platform),
        kind=KINDS.get(event.kind, "error"),
        title=event.exception_type or event.title,
        value=event.exception_value if event.exception_type else None,
        culprit=event.culprit,
        level=event.level,
        handled=event.handled,
        project_name=context.project_names.get(event.project_id, "another project"),
        linked_by="replay" if linked.names_replay else "trace",
        exceptions=_read_exceptions(symbolicated.apply_to(sent)),
        sent_exceptions=_read_exceptions(sent) if symbolicated.is_changed else (),
        missing_files=len(symbolicated.missing),
        trace_id=event.trace_id,
        release=event.release,
        environment=event.environment,
        issue_href=issue_urls.issue_event(event.project_id, event.issue_id, event.event_id)
        if event.issue_id and not address.is_shared
        else None,
    )


def _read_exceptions(event: JsonObject) -> tuple[ExceptionBlock, ...]:
    """Read the stack traces of an event; none if it cannot be read."""
    return tuple(_exception_block(each) for each in exceptions.read_exceptions(event))


def _exception_block(exception: ExceptionRecord) -> ExceptionBlock:
    return ExceptionBlock(
        type=exception.type or "Exception",
        value=exception.value,
        mechanism=exception.mechanism,
        frames=tuple(_frame_row(frame) for frame in reversed(exception.frames)),
    )


def _frame_row(frame: Frame) -> FrameRow:
    return FrameRow(
        function=frame.function or frame.address or "unknown",
        module=frame.module,
        file=frame.filename or frame.package,
        line=frame.line,
        in_app=bool(frame.in_app),
        context_line=frame.context_line,
    )
