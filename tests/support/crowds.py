"""Builders of replays that have more of everything than one page shows."""

from collections.abc import Iterator
from typing import Any, Final

from tests.support import envelopes, payloads
from tests.support.wire import REPLAY_ID, STARTED_MS, TRACE_ID

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


def _error(event_id: str, at_ms: int) -> bytes:
    mechanism = {"type": "generic", "handled": True}
    changes: dict[str, Any] = {
        "level": "error",
        "exception": {"values": [{"type": "PayError", "value": "no", "mechanism": mechanism}]},
        "contexts": {"trace": {"trace_id": TRACE_ID, "span_id": "5" * 16}},
        "replay_id": REPLAY_ID,
    }
    return envelopes.item("event", payloads.event(event_id, at_ms=at_ms, **changes))
