"""Builders of replays that have more of everything than one page can show."""

from collections.abc import Iterator
from typing import Any, Final

from app.core.limits import LIMITS
from tests.support.builders import envelopes, payloads, recordings
from tests.support.builders.wire import REPLAY_ID, STARTED_MS, TRACE_ID

CRASH_ID: Final = "c" * 32
HANG_ID: Final = "d" * 32
BACKEND_ID: Final = "b" * 32
LAST_MS: Final = 4_900
"""When the crash, the hang and the backend error happen: after every error of the app."""
_AT_ONCE: Final = 100


def handled_errors(quantity: int, *, length_ms: int = 4_000) -> Iterator[bytes]:
    """Yield envelopes with handled errors of the app, evenly spread over the replay's start."""
    for first in range(0, quantity, _AT_ONCE):
        numbers = range(first, min(quantity, first + _AT_ONCE))
        items = [
            _error(f"{number + 1:032x}", STARTED_MS + number * length_ms // quantity)
            for number in numbers
        ]
        header = envelopes.envelope_header(event_id=None)
        yield envelopes.envelope(header, *items)


def crash() -> bytes:
    """Return an envelope with the crash that ends the replay."""
    return envelopes.event_envelope(CRASH_ID, at_ms=STARTED_MS + LAST_MS)


def hang() -> bytes:
    """Return an envelope with a hang of the app."""
    thrown = {"type": "AppHang", "value": "2 s", "mechanism": {"type": "AppHang"}}
    return envelopes.event_envelope(
        HANG_ID, at_ms=STARTED_MS + LAST_MS, exception={"values": [thrown]}
    )


def backend_error(event_id: str = BACKEND_ID) -> bytes:
    """Return an envelope with an error of a service, which only the trace links."""
    return envelopes.event_envelope(
        event_id, replay_id=None, platform="python", at_ms=STARTED_MS + LAST_MS
    )


def log_records(quantity: int) -> Iterator[bytes]:
    """Yield envelopes with log records of the replay's trace, a millisecond apart."""
    for first in range(0, quantity, LIMITS.logs):
        records = [
            {
                "timestamp": (STARTED_MS + number) / 1000,
                "trace_id": TRACE_ID,
                "level": "info",
                "body": f"record {number}",
            }
            for number in range(first, min(quantity, first + LIMITS.logs))
        ]
        content_type = "application/vnd.sentry.items.log+json"
        item = envelopes.item(
            "log", {"items": records}, content_type=content_type, item_count=len(records)
        )
        yield envelopes.envelope(envelopes.envelope_header(event_id=None), item)


def transactions(quantity: int, spans: int) -> Iterator[bytes]:
    """Yield transactions of the replay's trace, each with its root and some spans under it.

    Spans are described as `step N`, counted over all transactions from 0.
    """
    for number in range(quantity):
        root_id, started_ms = f"{number + 1:016x}", STARTED_MS + number * 100
        below = [
            payloads.span(
                "db",
                f"step {number * spans + place}",
                started_ms,
                span_id=f"{1_000_000 + number * spans + place:016x}",
                parent_span_id=root_id,
            )
            for place in range(spans)
        ]
        yield envelopes.transaction_envelope(
            f"{number + 1:032x}",
            span_id=root_id,
            started_ms=started_ms,
            ended_ms=started_ms + 90,
            spans=below,
        )


def notes(quantity: int) -> list[Any]:
    """Return the events of a recording with many breadcrumbs, a millisecond apart."""
    return [
        recordings.breadcrumb("cart", STARTED_MS + number, message=f"note {number}")
        for number in range(quantity)
    ]


def requests(quantity: int) -> list[Any]:
    """Return the events of a recording with many requests, a millisecond apart."""
    return [
        recordings.network_span(
            STARTED_MS + number, STARTED_MS + number + 5, url=f"https://api.example.net/{number}"
        )
        for number in range(quantity)
    ]


def _error(event_id: str, at_ms: int) -> bytes:
    mechanism = {"type": "generic", "handled": True}
    changes: dict[str, Any] = {
        "level": "error",
        "exception": {"values": [{"type": "PayError", "value": "no", "mechanism": mechanism}]},
        "contexts": {"trace": {"trace_id": TRACE_ID, "span_id": "5" * 16}},
        "replay_id": REPLAY_ID,
    }
    return envelopes.item("event", payloads.event(event_id, at_ms=at_ms, **changes))
