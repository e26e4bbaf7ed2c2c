"""A phone whose clock was never set and shows 1970: nothing that it sends is lost."""

import json
import re
from typing import Any, Final

import pytest

from app.core import clock
from tests.support import html_reader
from tests.support.builders import envelopes, payloads
from tests.support.builders.wire import (
    EVENT_ID,
    MISSING,
    REPLAY_ID,
    TRACE_ID,
    changed,
    compact,
    iso,
)
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOOTED_MS: Final = 17_000
"""When the replay begins by the phone's clock, 17 s after 1970 began."""
SPAN_ID: Final = "00000000000000c1"


def header(event_id: str | None, sent: str) -> dict[str, Any]:
    """Return the first line of an envelope with the time that `sent` asks for."""
    first_line = envelopes.envelope_header(event_id=event_id, sent_ms=BOOTED_MS + 9_000)
    return changed(first_line, sent_at(sent))


def sent_at(sent: str) -> dict[str, Any]:
    """Return the time in an envelope by a clock that is wrong or right by now, or no time."""
    times = {"wrong": iso(BOOTED_MS + 9_000), "right": iso(clock.now_ms()), "missing": MISSING}
    return {"sent_at": times[sent]}


def span_envelope(sent: str) -> bytes:
    """Return an envelope with a container of streamed spans."""
    span = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "name": "GET /cart",
        "status": "ok",
        "is_segment": True,
        "start_timestamp": (BOOTED_MS + 1_500) / 1_000,
        "end_timestamp": (BOOTED_MS + 1_900) / 1_000,
        "attributes": {"sentry.op": {"type": "string", "value": "http.client"}},
    }
    item = envelopes.item(
        "span",
        {"items": [span]},
        content_type="application/vnd.sentry.items.span.v2+json",
        item_count=1,
    )
    return envelopes.envelope(header(None, sent), item)


def log_envelope(sent: str) -> bytes:
    """Return an envelope with a container of one log record."""
    record = {"timestamp": (BOOTED_MS + 2_500) / 1_000, "level": "info", "body": "cart opened"}
    item = envelopes.item(
        "log",
        {"items": [record | {"trace_id": TRACE_ID, "attributes": {}}]},
        content_type="application/vnd.sentry.items.log+json",
        item_count=1,
    )
    return envelopes.envelope(header(None, sent), item)


def error_envelope(sent: str) -> bytes:
    """Return an envelope with an error."""
    error = payloads.event(at_ms=BOOTED_MS + 3_500)
    return envelopes.envelope(header(EVENT_ID, sent), envelopes.item("event", error))


def transaction_envelope(sent: str) -> bytes:
    """Return an envelope with a transaction of two spans."""
    screen = payloads.transaction(
        "d" * 32, started_ms=BOOTED_MS + 1_000, ended_ms=BOOTED_MS + 1_800
    )
    return envelopes.envelope(header("d" * 32, sent), envelopes.item("transaction", screen))


def segment_envelope(number: int, sent: str) -> bytes:
    """Return an envelope with a segment."""
    body = envelopes.replay_video_envelope(number, replay_started_ms=BOOTED_MS)
    first_line, _, items = body.partition(b"\n")
    return compact(changed(json.loads(first_line), sent_at(sent))) + b"\n" + items


@pytest.mark.parametrize("sent", ["wrong", "missing", "right"])
async def test_everything_sent_by_an_unset_clock_keeps_its_time(tenant: Server, sent: str):
    """Segments, notes, errors, spans and logs stand as far apart as they were recorded."""
    await tenant.take(
        segment_envelope(1, sent),
        error_envelope(sent),
        span_envelope(sent),
        transaction_envelope(sent),
    )
    await tenant.take(log_envelope(sent), segment_envelope(0, sent))
    outcomes = await tenant.outcomes()
    assert {outcome for _, outcome, _ in outcomes} == {"kept"}
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    page = html_reader.parse_page(html)
    assert re.findall(r'data-duration-ms="(\d+)">', html)[:1] == ["10000"]
    error = page.one("article", id=f"error-{EVENT_ID}")["data-at-ms"]
    (log,) = page.all("li", **{"data-kind": "log"})
    if sent == "right":
        # Alone in its envelope, a moment of 1970 may be a wrong number: it is when it was sent.
        assert int(error) > 5_000 < int(log["data-at-ms"])
    else:
        assert (error, log["data-at-ms"]) == ("3500", "2500")
    rows = page.all("li", "data-kind", "data-at-ms")
    taps = [row["data-at-ms"] for row in rows if "pay_button" in row.text]
    assert taps == ["280", "5280"]
    gestures = (await tenant.web.get(tenant.page(REPLAY_ID, "/gestures"))).json()
    assert [gesture["points"][0][0] for gesture in gestures] == [200, 5_200]
    spans = {row.all("bdi")[0].text: row["data-at-ms"] for row in page.all("li", "data-span")}
    assert (spans["GET /cart"], spans["POST /v1/cart"]) == ("1500", "1100")
    assert "1970" not in html
