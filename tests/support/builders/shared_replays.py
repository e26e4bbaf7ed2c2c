"""Makes a replay of which every part can be told apart, so that a leak shows which part it is from.

Segment n has a tap, a request with a body, a log record, a span, an error and feedback that are all
named after it, and a video of a width of its own.
"""

from typing import Any, Final

from tests.support.builders import clips, envelopes, payloads, recordings
from tests.support.builders.wire import REPLAY_ID, SEGMENT_MS, STARTED_MS, TRACE_ID

SEGMENTS: Final = 6
SENDER: Final = "sender-canary"
BACKEND: Final = "backend-canary"


def canary(kind: str, number: int) -> str:
    """Return the word that stands in one kind of record of one segment, and nowhere else."""
    return f"{kind}-canary-{'abcdefghij'[number] * 3}"


KINDS: Final = ("tap", "req", "body", "log", "span", "error", "feedback")


def video_of(number: int) -> bytes:
    """Return the video of a segment, which is as wide as no other."""
    return clips.clip(width=128 + 16 * number)


def events_of(number: int) -> list[Any]:
    """Return the recording of a segment."""
    at_ms = STARTED_MS + number * SEGMENT_MS
    return [
        recordings.meta(at_ms, width=128 + 16 * number),
        recordings.touch("start", at_ms + 200, x=10.0 + number),
        recordings.touch("end", at_ms + 280, x=10.0 + number),
        recordings.breadcrumb(
            "ui.tap", at_ms + 280, message=canary("tap", number), data={"view.id": "pay"}
        ),
        recordings.breadcrumb("user", at_ms + 285, message=SENDER),
        recordings.network_span(
            at_ms + 300,
            at_ms + 540,
            url=f"https://api.example.net/{canary('req', number)}",
            response={"headers": {}, "body": canary("body", number)},
        ),
    ]


def envelopes_of_app() -> list[bytes]:
    """Return everything that the app sends."""
    sent = []
    for number in range(SEGMENTS):
        at_ms = STARTED_MS + number * SEGMENT_MS + 1_000
        sent.append(
            envelopes.replay_video_envelope(
                number, video=video_of(number), events=events_of(number)
            )
        )
        event_id = f"{number + 1:032x}"
        sent.append(
            envelopes.event_envelope(
                event_id,
                at_ms=at_ms,
                level="error",
                exception={"values": [{"type": canary("error", number), "value": "x"}]},
            )
        )
        record = {
            "timestamp": at_ms / 1000,
            "trace_id": TRACE_ID,
            "level": "info",
            "body": canary("log", number),
        }
        sent.append(
            envelopes.envelope(
                envelopes.envelope_header(event_id=None),
                envelopes.item(
                    "log",
                    {"items": [record]},
                    content_type="application/vnd.sentry.items.log+json",
                    item_count=1,
                ),
            )
        )
        sent.append(
            envelopes.transaction_envelope(
                f"{number + 33:032x}",
                transaction=canary("span", number),
                span_id=f"{number + 1:016x}",
                started_ms=at_ms,
                ended_ms=at_ms + 200,
                spans=[payloads.span("db", canary("span", number), at_ms + 10)],
            )
        )
        feedback = {
            "message": canary("feedback", number),
            "name": SENDER,
            "contact_email": "sender@example.com",
            "replay_id": REPLAY_ID,
        }
        payload = {"timestamp": at_ms / 1000, "contexts": {"feedback": feedback}}
        sent.append(
            envelopes.envelope(
                envelopes.envelope_header(event_id=f"{number + 65:032x}"),
                envelopes.item("feedback", payload),
            )
        )
    return sent


def envelope_of_backend() -> bytes:
    """Return an error of another project that the trace links to the replay."""
    return envelopes.event_envelope(
        f"{99:032x}",
        replay_id=None,
        platform="python",
        at_ms=STARTED_MS + 2 * SEGMENT_MS + 1_500,
        exception={"values": [{"type": BACKEND, "value": BACKEND}]},
    )
