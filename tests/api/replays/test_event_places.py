"""Places of backend errors in a replay when the clocks of phone and backend differ."""

import re
from typing import Any, Final

import pytest

from app.core.ids import ReplayId
from app.playback.pictures import make
from app.replays import queries as replays
from app.replays.model import ReplayKey
from tests.support import html_reader
from tests.support.builders import envelopes, payloads
from tests.support.builders.wire import (
    EVENT_ID,
    MISSING,
    REPLAY_ID,
    SPAN_ID,
    STARTED_MS,
    TRACE_ID,
    changed,
)
from tests.support.servers.server import Keyed, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

REQUEST_ID: Final = "00000000000000a1"
ANSWER_ID: Final = "00000000000000b1"
QUERY_ID: Final = "00000000000000b2"
REQUEST_MS: Final = 2_000
"""Moment of the replay at which the request of the app begins; it takes 1.5 s."""
PYTHON: Final = {"name": "sentry.python", "version": "2.75.0"}


def header(event_id: str, sent_ms: int | None) -> dict[str, Any]:
    """Return the first line of an envelope, without a time if its sender names none."""
    first_line = envelopes.envelope_header(event_id=event_id, sent_ms=sent_ms)
    return changed(first_line, {"sent_at": MISSING} if sent_ms is None else {})


def app_request(sent_ms: int | None) -> bytes:
    """Return a transaction of the app with one request."""
    spans = [
        payloads.span(
            "http.client",
            "POST /v1/cart",
            STARTED_MS + REQUEST_MS,
            duration_ms=1_500,
            span_id=REQUEST_ID,
        )
    ]
    payload = payloads.transaction(
        "c" * 32, started_ms=STARTED_MS + 1_500, ended_ms=STARTED_MS + 4_000, spans=spans
    )
    return envelopes.envelope(header("c" * 32, sent_ms), envelopes.item("transaction", payload))


def backend_transaction(ahead_ms: int, sent_ms: int | None) -> bytes:
    """Return the half second that a backend spent on the request, by its own clock."""
    began_ms = STARTED_MS + ahead_ms + REQUEST_MS
    trace = {"trace_id": TRACE_ID, "span_id": ANSWER_ID, "parent_span_id": REQUEST_ID}
    query = payloads.span(
        "db", "select", began_ms + 100, span_id=QUERY_ID, parent_span_id=ANSWER_ID
    )
    payload = payloads.transaction(
        "d" * 32,
        started_ms=began_ms,
        ended_ms=began_ms + 500,
        platform="python",
        sdk=PYTHON,
        spans=[query],
        contexts={"trace": trace | {"op": "http.server", "status": "internal_error"}},
    )
    return envelopes.envelope(header("d" * 32, sent_ms), envelopes.item("transaction", payload))


def backend_error(
    ahead_ms: int, sent_ms: int | None, *, span_id: str, parent_id: str | None = None
) -> bytes:
    """Return the error of the backend, 200 ms after it began its work."""
    trace = {"trace_id": TRACE_ID, "span_id": span_id}
    if parent_id is not None:
        trace["parent_span_id"] = parent_id
    payload = payloads.event(
        EVENT_ID,
        at_ms=STARTED_MS + ahead_ms + REQUEST_MS + 200,
        platform="python",
        sdk=PYTHON,
        contexts={"trace": trace},
    )
    return envelopes.envelope(header(EVENT_ID, sent_ms), envelopes.item("event", payload))


async def send_replay(
    tenant: Server, backend: Keyed, *of_app: bytes, of_backend: list[bytes]
) -> None:
    """Send two segments of a replay, then envelopes of the app and of the backend."""
    for number in range(2):
        await tenant.take(envelopes.replay_video_envelope(number))
    await tenant.take(*of_app)
    await tenant.take(*of_backend, project=backend)


async def read_places(tenant: Server, backend: Keyed) -> dict[str, float]:
    """Return the place of the error in the replay, in ms, as each page shows it."""
    places: dict[str, float] = {}
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    page = html_reader.parse_page(html)
    (at_ms,) = re.findall(rf'id="error-{EVENT_ID}"[^>]*data-at-ms="(-?\d+)"', html)
    places["panel"] = float(at_ms)
    (event,) = {link["href"] for link in page.all("a") if f"/events/{EVENT_ID}" in link["href"]}
    list_html = (await tenant.web.get("/replays")).text
    places["list"] = float(re.findall(r'data-mark="backend" x="([\d.]+)%"', list_html)[0]) * 100
    preview = html_reader.parse_page((await tenant.web.get(event)).text).one(
        "section", "data-preview"
    )
    places["preview"] = float(preview["data-at-ms"])
    issue, _, _ = event.partition("/events/")
    replays_tab = (await tenant.web.get(f"{issue}/replays")).text
    (at_s,) = set(re.findall(rf"{REPLAY_ID}\?t=([\d.]+)", replays_tab))
    places["issue"] = float(at_s) * 1_000
    if backend == tenant.app:
        key = ReplayKey(tenant.app.id, ReplayId(REPLAY_ID))
        async with tenant.database.reading() as connection:
            replay = await replays.find_replay(connection, key)
        assert replay is not None
        drawable = await make._read_drawable_replay(tenant.database, replay)
        places["poster"] = float(drawable.error_ms or -1)
    return places


@pytest.mark.parametrize("is_same_project", [False, True])
@pytest.mark.parametrize("says_when_sent", [False, True])
@pytest.mark.parametrize("ahead_ms", [-25_000, 25_000])
async def test_a_backend_error_stands_where_its_span_stands(
    tenant: Server, ahead_ms: int, says_when_sent: bool, is_same_project: bool
):
    """If clocks are 25 s apart, all pages place the error within the request that caused it."""
    backend = tenant.app if is_same_project else tenant.backend
    sent_ms = STARTED_MS + 11_000 if says_when_sent else None
    backend_sent_ms = None if sent_ms is None else sent_ms + ahead_ms
    await send_replay(
        tenant,
        backend,
        app_request(sent_ms),
        of_backend=[
            backend_error(ahead_ms, backend_sent_ms, span_id=QUERY_ID),
            backend_transaction(ahead_ms, backend_sent_ms),
        ],
    )
    places = await read_places(tenant, backend)
    # The answer of 0.5 s stands in the middle of the request of 1.5 s, its error 0.2 s later.
    assert places == dict.fromkeys(places, REQUEST_MS + 500 + 200)


@pytest.mark.parametrize("ahead_ms", [-25_000, 25_000])
async def test_an_untraced_backend_error_stands_in_the_request_that_it_names(
    tenant: Server, ahead_ms: int
):
    """A service without spans names the request of the app as its parent."""
    error = backend_error(ahead_ms, None, span_id="0" * 15 + "9", parent_id=REQUEST_ID)
    await send_replay(tenant, tenant.backend, app_request(None), of_backend=[error])
    places = await read_places(tenant, tenant.backend)
    assert places == dict.fromkeys(places, REQUEST_MS + 750)


async def test_a_backend_log_stands_where_its_span_stands(tenant: Server):
    """A log record is placed as the errors of the same span are."""
    record = {
        "timestamp": (STARTED_MS + 25_000 + REQUEST_MS + 200) / 1_000,
        "level": "info",
        "body": "charging the card",
        "trace_id": TRACE_ID,
        "span_id": QUERY_ID,
        "attributes": {"sentry.sdk.name": {"type": "string", "value": "sentry.python"}},
    }
    log = envelopes.item(
        "log",
        {"items": [record]},
        content_type="application/vnd.sentry.items.log+json",
        item_count=1,
    )
    of_backend = [envelopes.envelope({}, log), backend_transaction(25_000, None)]
    await send_replay(tenant, tenant.backend, app_request(None), of_backend=of_backend)
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    (row,) = html_reader.parse_page(html).all("li", **{"data-kind": "log"})
    assert row["data-at-ms"] == str(REQUEST_MS + 500 + 200)


@pytest.mark.parametrize("parent_id", [REQUEST_ID, SPAN_ID, None])
async def test_a_backend_error_with_a_right_clock_keeps_its_own_time(
    tenant: Server, parent_id: str | None
):
    """Where the clocks agree, no span moves an error."""
    error = backend_error(0, None, span_id="0" * 15 + "9", parent_id=parent_id)
    await send_replay(tenant, tenant.backend, app_request(None), of_backend=[error])
    places = await read_places(tenant, tenant.backend)
    assert places == dict.fromkeys(places, REQUEST_MS + 200)
