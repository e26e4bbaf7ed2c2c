"""Tests of traces: on a page of their own, in a replay, in parts, and who may see them."""

import re

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from app.memberships.model import Role
from tests.support.browsers import signed_in, stranger
from tests.support.builders import envelopes, otlp
from tests.support.builders.people import make_person
from tests.support.builders.wire import REPLAY_ID, STARTED_MS
from tests.support.servers.server import Server

TRACE_ID = "ab" * 16
MISSING = "cd" * 16
STACK = (
    'Traceback (most recent call last):\n  File "/srv/pay.py", line 3, in charge\nValueError: no'
)


async def send_spans(server: Server, number: int, *, at_ms: int = STARTED_MS + 2_000) -> None:
    """Send a backend's trace: one request with queries below it; the first query fails."""
    at_ns = at_ms * 1_000_000
    spans = [
        otlp.span(
            place,
            trace_id=bytes.fromhex(TRACE_ID),
            name=f"step {place}",
            kind=Span.SPAN_KIND_INTERNAL if place > 1 else Span.SPAN_KIND_SERVER,
            parent_span_id=(1).to_bytes(8, "big") if place > 1 else b"",
            start_time_unix_nano=at_ns + place * 1_000_000,
            end_time_unix_nano=at_ns + place * 1_000_000 + 900_000,
            attributes={"sentry.replay_id": REPLAY_ID, "rows": place},
            events=[otlp.exception("ValueError", "no", STACK, at_ns + 2_100_000)]
            if place == 2
            else [],
        )
        for place in range(1, number + 1)
    ]
    key = server.backend.key
    answer = await server.sender.post(
        f"/api/{server.backend.id}/otlp/v1/traces?sentry_key={key}",
        content=otlp.request(*spans).SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
    )
    assert answer.status_code == 200
    await server.settled()


def step_names(html: str) -> list[str]:
    """Return the names of the steps in the rows of a waterfall."""
    return re.findall(r"<bdi>(step \d+)</bdi></a>\s", html)


async def test_a_trace_has_a_page_of_its_own(server: Server):
    """The page has the spans, the error of a span, and the replay that the trace runs through."""
    await server.take(envelopes.replay_video_envelope(0))
    await send_spans(server, 3)
    page = await server.web.get(f"/traces/{TRACE_ID}")
    assert page.status_code == 200
    assert step_names(page.text) == ["step 1", "step 2", "step 3"]
    assert "1 replay of this trace" in page.text
    (error,) = re.findall(r'href="([^"]*/issues/[^"]*/events/[0-9a-f]{32})"', page.text)
    assert (await server.web.get(error)).status_code == 200


async def test_a_long_trace_is_read_in_parts(server: Server):
    """Each part links to the next one, and together the parts are the whole trace."""
    await send_spans(server, 900)
    address, steps = f"/traces/{TRACE_ID}", []
    while address:
        html = (await server.web.get(address)).text
        steps += step_names(html)
        following = re.search(r'href="([^"]+)" data-more', html)
        address = following[1] if following else ""
    assert steps == [f"step {place}" for place in range(1, 901)]


async def test_a_replay_shows_its_traces_on_its_clock(server: Server):
    """Rows of spans link to their moment in the replay, also in the parts after the first."""
    await server.take(envelopes.replay_video_envelope(0))
    await send_spans(server, 150)
    html = (await server.web.get(server.page(REPLAY_ID))).text
    assert step_names(html) == [f"step {place}" for place in range(1, 101)]
    assert 'data-count="trace">150<' in html
    following = re.search(r'href="([^"]+)" data-more', html)
    assert following
    assert following[1] == server.page(REPLAY_ID, f"/traces/{TRACE_ID}?from=100")
    next_html = (await server.web.get(following[1])).text
    assert step_names(next_html) == [f"step {place}" for place in range(101, 151)]
    assert 'data-seek="2101"' in next_html


async def test_the_page_of_a_span_lists_its_attributes(server: Server):
    """The page has each attribute by its name; an unknown span gets 404."""
    await send_spans(server, 1)
    html = (await server.web.get(f"/traces/{TRACE_ID}/spans/0000000000000001")).text
    assert "<dt>rows</dt><dd><bdi>1</bdi></dd>" in html
    assert (await server.web.get(f"/traces/{TRACE_ID}/spans/{'f' * 16}")).status_code == 404


async def test_the_timeline_gets_the_spans_of_backends(server: Server):
    """The answer has the first span of each service, with the request that caused it."""
    await server.take(envelopes.replay_video_envelope(0))
    await send_spans(server, 3)
    (span,) = (await server.web.get(server.page(REPLAY_ID, "/served"))).json()["served"]
    assert (span["at_ms"], span["took_ms"], span["service"]) == (2_001, 1, "shop-api")
    assert (span["name"], span["failed"], span["request"]) == ("step 1", False, None)


async def test_a_trace_is_shown_only_to_members_of_its_project(server: Server):
    """Members of other projects get 404, and strangers are led to the sign-in."""
    await server.take(envelopes.replay_video_envelope(0))
    await send_spans(server, 2)
    person = await make_person(server.database, "guest@example.com")
    async with signed_in(server, person, role=Role.VIEWER) as browser:
        assert (await browser.get(f"/traces/{TRACE_ID}")).status_code == 404
        assert (await browser.get(f"/traces/{TRACE_ID}/spans/{1:016x}")).status_code == 404
        trace_in_replay = await browser.get(server.page(REPLAY_ID, f"/traces/{TRACE_ID}"))
        assert trace_in_replay.status_code == 404
    async with stranger(server) as browser:
        answer = await browser.get(f"/traces/{TRACE_ID}")
        assert answer.headers["location"].startswith("/sign-in")


async def test_unknown_and_malformed_traces_are_not_found(server: Server):
    """An unknown id, a malformed id and a malformed start get 404."""
    for address in (MISSING, "x", f"{MISSING}?from=-1", f"{MISSING}?from=x"):
        assert (await server.web.get(f"/traces/{address}")).status_code == 404
