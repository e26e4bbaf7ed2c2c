"""Reads what a user wrote about the app: `feedback`, and `user_report`, its older form.

    feedback      {"event_id", "contexts": {"feedback": {"message", "contact_email", "name", …}}, …}
    user_report   {"event_id": id of the error, "name", "email", "comments"}

`convert_user_report` turns the older form into the newer one before it is scrubbed and read.

Source: docs/protocol.md, sections 3, 7.1 and 9.8.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from app.core import ids
from app.core.errors import MalformedInput
from app.core.ids import EventId, ReplayId, TraceId
from app.formats import jsonish, timestamps
from app.formats.events import event
from app.formats.wire.envelope import EnvelopeHeader

_NAME_CHARS: Final = 200
_URL_CHARS: Final = 2_000
_MESSAGE_CHARS: Final = 16_000


@dataclass(frozen=True, slots=True)
class FeedbackPayload:
    """A message of a user, and what it belongs to; ids are lower-case hex."""

    event_id: EventId
    at: datetime | None
    """Time at which it was written, by the sender's clock."""
    message: str
    name: str | None
    email: str | None
    url: str | None
    associated_event_id: EventId | None
    """Id of the error that it is about."""
    replay_id: ReplayId | None
    trace_id: TraceId | None
    platform: str | None
    release: str | None
    environment: str


def read_feedback(data: bytes | memoryview, header: EnvelopeHeader) -> FeedbackPayload:
    """Read feedback.

    Args:
        data: JSON of an event with a feedback context.
        header: Header of its envelope.

    Raises:
        MalformedInput: It is not a JSON object, or has no message.
        OversizedInput: It is over `LIMITS.event_bytes`.
    """
    raw = event.decode_event(data, "feedback")
    contexts = jsonish.mapping(raw, "contexts")
    context = jsonish.mapping(contexts, "feedback")
    message = jsonish.text(context, "message", limit=_MESSAGE_CHARS)
    if message is None:
        raise MalformedInput("feedback has no message")
    associated = ids.read_hex32(context.get("associated_event_id"))
    return FeedbackPayload(
        event_id=event.read_event_id(raw, header),
        at=timestamps.read_at(raw.get("timestamp")),
        message=message,
        name=jsonish.text(context, "name", limit=_NAME_CHARS),
        email=jsonish.text(context, "contact_email", limit=_NAME_CHARS),
        url=jsonish.text(context, "url", limit=_URL_CHARS),
        associated_event_id=EventId(associated) if associated else None,
        replay_id=event.read_replay_id(raw, header),
        trace_id=event.read_trace_id(jsonish.mapping(contexts, "trace"), header),
        platform=jsonish.text(raw, "platform", limit=_NAME_CHARS),
        release=jsonish.text(raw, "release", limit=_NAME_CHARS),
        environment=(
            jsonish.text(raw, "environment", limit=_NAME_CHARS) or event.DEFAULT_ENVIRONMENT
        ),
    )


def convert_user_report(data: bytes | memoryview, header: EnvelopeHeader) -> bytes:
    """Write a user report in the form of feedback.

    Its id is a hash of its content, so that the same report is stored once, however often it comes.

    Args:
        data: JSON of the report.
        header: Header of its envelope, which names the error if the report does not.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It is over `LIMITS.event_bytes`.
    """
    raw = event.decode_event(data, "user_report")
    content = {
        "associated_event_id": ids.read_hex32(raw.get("event_id")) or header.event_id,
        "name": jsonish.text(raw, "name"),
        "contact_email": jsonish.text(raw, "email"),
        "message": jsonish.text(raw, "comments"),
    }
    own_id = hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:32]
    sent_at = header.sent_at.isoformat() if header.sent_at else None
    return msgspec.json.encode(
        {"event_id": own_id, "timestamp": sent_at, "contexts": {"feedback": content}}
    )
