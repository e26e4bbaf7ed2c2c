"""Legal but unusual traffic is accepted and counted correctly: one table, one endpoint."""

import gzip
import zlib
from dataclasses import dataclass, field
from typing import Any

import brotli  # type: ignore[import-untyped]  # the package carries no types
import httpx2
import pytest
import zstandard
from sqlalchemy import text

from app.core import clock
from app.formats.stored.packed_json import unpack_json, unpack_text
from app.ingest.item_types import IGNORED_TYPES
from tests.support import html_reader
from tests.support.builders import envelopes, payloads, recordings
from tests.support.builders.envelopes import envelope, envelope_header, item
from tests.support.builders.wire import (
    EVENT_ID,
    MISSING,
    REPLAY_ID,
    SPAN_ID,
    STARTED_MS,
    TRACE_ID,
    changed,
    compact,
    iso,
)
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPANS = "application/vnd.sentry.items.span.v2+json"
LOGS = "application/vnd.sentry.items.log+json"
EVENT = envelopes.event_envelope()
KEPT = {("event", "kept", ""): 1}
SPAN = {
    "trace_id": TRACE_ID,
    "span_id": SPAN_ID,
    "name": "GET /cart",
    "start_timestamp": STARTED_MS / 1000,
    "end_timestamp": STARTED_MS / 1000 + 1,
    "attributes": {},
}
LOG = {"timestamp": STARTED_MS / 1000, "level": "info", "body": "hello", "attributes": {}}


@dataclass(frozen=True)
class Case:
    """A request, and the outcomes that its items must have."""

    body: bytes
    outcomes: dict[tuple[str, str, str], int]
    headers: dict[str, str] = field(default_factory=dict)
    path: str = "/api/{id}/envelope/"
    is_key_in_query: bool = False


def pack_items(*items: bytes, last_line_feed: bool = True, **changes: Any) -> bytes:
    """Return an envelope of an Android app with these items."""
    header = envelope_header(**{"event_id": EVENT_ID} | changes)
    return envelope(header, *items, last_line_feed=last_line_feed)


def ignored(kind: str) -> dict[tuple[str, str, str], int]:
    """Return the outcome of an item whose type is not kept."""
    return {(kind, "ignored", "type"): 1}


CASES = {
    # 1.2, 1.3: where and by whom
    "no slash": Case(EVENT, KEPT, path="/api/{id}/envelope"),
    "prefix": Case(EVENT, KEPT, path="/a/b/api/{id}/envelope/"),
    "project of the key": Case(compact(payloads.event()), KEPT, path="/api/store/"),
    "envelope to the project of the key": Case(EVENT, KEPT, path="/api/envelope/"),
    "envelope there, key in the query": Case(
        EVENT, KEPT, {"Content-Type": "text/plain"}, path="/a/api/envelope", is_key_in_query=True
    ),
    "envelope to the store of the key": Case(EVENT, KEPT, path="/api/store"),
    "envelope to the store": Case(EVENT, KEPT, path="/api/{id}/store/"),
    "packed envelope to the store": Case(
        gzip.compress(EVENT), KEPT, {"Content-Encoding": "gzip"}, path="/api/{id}/store/"
    ),
    "authorization of a proxy": Case(EVENT, KEPT, {"Authorization": "AWS4-HMAC-SHA256 a=b, c=d"}),
    "key in the query": Case(EVENT, KEPT, {"Content-Type": "text/plain"}, is_key_in_query=True),
    "a form, it says": Case(EVENT, KEPT, {"Content-Type": "application/x-www-form-urlencoded"}),
    # 1.3: encodings
    "br": Case(brotli.compress(EVENT), KEPT, {"Content-Encoding": "br"}),
    "zstd": Case(zstandard.compress(EVENT), KEPT, {"Content-Encoding": "zstd"}),
    "unheard of": Case(EVENT, KEPT, {"Content-Encoding": "x-unheard-of"}),
    "gzip, unheard of": Case(gzip.compress(EVENT), KEPT, {"Content-Encoding": "x-unheard-of"}),
    "zlib, undeclared": Case(zlib.compress(EVENT), KEPT),
    "zstd, undeclared": Case(zstandard.compress(EVENT), KEPT),
    "two in a row": Case(
        brotli.compress(gzip.compress(EVENT)), KEPT, {"Content-Encoding": "gzip, br"}
    ),
    "many members": Case(
        envelopes.gzipped(EVENT, members=9), KEPT, {"Content-Encoding": "gzip"}
    ),
    # 2.1: framing
    "blank lines": Case(EVENT + b"\n\n\n", KEPT),
    "no line feed at the end": Case(EVENT.removesuffix(b"\n"), KEPT),
    "no lengths": Case(
        pack_items(
            item("event", payloads.event(), length=MISSING),
            item("session", {"sid": "x"}, length=MISSING),
            last_line_feed=False,
        ),
        {**KEPT, ("session", "refused", "malformed"): 1},
    ),
    "pretty payload": Case(pack_items(item("event", b'{\n "message": "hello"\n}')), KEPT),
    "nothing in an item": Case(
        pack_items(envelopes.attachment_item(b""), item("event", payloads.event())),
        {**KEPT, ("attachment", "kept", ""): 1},
    ),
    "no items": Case(pack_items(), {}),
    "keys nobody knows": Case(
        pack_items(item("event", payloads.event(), new_thing={"a": [1]}), new_thing=[1]), KEPT
    ),
    "a trace of any shape": Case(pack_items(item("event", payloads.event()), trace=[7]), KEPT),
    "cut in the last item": Case(
        pack_items(item("event", payloads.event()), item("log", b"x" * 99))[:-50],
        {**KEPT, ("envelope", "refused", "cut"): 1},
    ),
    # 3: items
    "count that is wrong": Case(
        pack_items(item("span", {"items": [SPAN]}, content_type=SPANS, item_count=7)),
        {("span", "kept", ""): 1},
    ),
    "type with parameters": Case(
        pack_items(item("span", {"items": [SPAN]}, content_type=SPANS + "; charset=utf-8")),
        {("span", "kept", ""): 1},
    ),
    "container of Go": Case(
        pack_items(item("log", {"items": [LOG]}, length=MISSING, content_type=LOGS, item_count=1)),
        {("log", "kept", ""): 1},
    ),
    "clock of 1970": Case(
        pack_items(
            item("log", {"items": [{**LOG, "timestamp": 17.5}]}),
            item("event", payloads.event(timestamp=17.5)),
            item("transaction", payloads.transaction("b" * 32, timestamp=9, start_timestamp=7)),
        ),
        {**KEPT, ("log", "kept", ""): 1, ("transaction", "kept", ""): 1},
    ),
    "siblings in a container": Case(
        pack_items(item("log", {"version": 2, "ingest_settings": {"a": 1}, "items": [LOG]})),
        {("log", "kept", ""): 1},
    ),
    "file of a trace": Case(
        pack_items(
            item(
                "attachment",
                b'{"a":1}\n\0\1',
                content_type="application/vnd.sentry.trace-attachment",
                meta_length=7,
            ),
            event_id=None,
        ),
        ignored("attachment"),
    ),
    "report beside a segment": Case(
        envelopes.replay_video_envelope(more_items=[envelopes.client_report_item()]),
        {
            ("replay_video", "kept", ""): 1,
            ("client_report", "kept", ""): 1,
            ("replay", "dropped_by_sdk", "sample_rate"): 1,
        },
    ),
    **{
        f"type {kind}": Case(pack_items(item(kind, b'{"a":1}\n\xff\0')), ignored(kind))
        for kind in (
            *sorted(IGNORED_TYPES), "profile_chunk_ui", "raw_security", "nel", "form_data",
            "unreal_report", "integration", "something_of_tomorrow",
        )
    },
    # 4: segments
    "iPhone": Case(
        envelopes.replay_video_envelope(platform="ios"), {("replay_video", "kept", ""): 1}
    ),
    "segment without a recording": Case(
        envelopes.replay_video_envelope(recording_bytes=None), {("replay_video", "kept", ""): 1}
    ),
    "segment of a month ago": Case(
        envelopes.replay_video_envelope(replay_started_ms=STARTED_MS - 31 * 86_400_000),
        {("replay_video", "kept", ""): 1},
    ),
    "recording alone": Case(
        envelope(
            envelope_header(platform="web"),
            item("replay_recording", recordings.recording([recordings.meta()], 4)),
        ),
        {("replay_recording", "kept", ""): 1},
    ),
    "recording of nobody": Case(
        envelope({}, item("replay_recording", recordings.recording([recordings.meta()], 4))),
        {("replay_recording", "refused", "no_replay_event"): 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_unusual_but_legal_traffic_is_accepted(tenant: Server, name: str):
    """The answer is 200, and every item has the outcome that the table names."""
    case = CASES[name]
    headers = envelopes.headers(tenant.app.key, encoding=None) | case.headers
    path = case.path.format(id=tenant.app.id)
    if case.is_key_in_query:
        del headers["X-Sentry-Auth"]
        path += f"?{envelopes.auth_query(tenant.app.key)}"
    answer = await tenant.sender.post(path, content=case.body, headers=headers)
    assert answer.status_code == 200, answer.text
    await tenant.settled()
    assert await tenant.outcomes() == case.outcomes


@pytest.mark.parametrize(
    "path",
    [
        *("/api/{id}/envelope/", "/api/{id}/store/", "/api/store/", "/api/store"),
        *("/api/envelope/", "/api/envelope"),
    ],
)
async def test_every_endpoint_answers_a_preflight(tenant: Server, path: str):
    """A preflight needs no key, and allows all that browser SDKs may send, from anywhere."""
    preflight = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-sentry-auth,content-type,content-encoding",
    }
    answer = await tenant.sender.options(path.format(id=tenant.app.id), headers=preflight)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = answer.headers["access-control-allow-headers"].replace(" ", "").split(",")
    assert set(preflight["Access-Control-Request-Headers"].split(",")) <= set(allowed)
    exposed = answer.headers["access-control-expose-headers"]
    assert {"x-sentry-rate-limits", "retry-after"} <= set(exposed.replace(" ", "").split(","))


@pytest.mark.parametrize(
    "address",
    [
        *("minidump/", "unreal/{key}/", "playstation/", "security/", "csp-report/", "nel/"),
        *("upload/", "cron/nightly/", "cron/nightly/{key}/", "events/{event}/attachments/"),
        *("otlp/v1/logs", "integration/otlp/v1/metrics"),
    ],
)
async def test_addresses_for_other_kinds_of_data_say_that_none_is_accepted(
    tenant: Server, address: str
):
    """A program gets a reason in JSON, not a page that is missing, and nothing is counted."""
    path = f"/api/{tenant.app.id}/" + address.format(key=tenant.app.key, event=EVENT_ID)
    preflight = await tenant.sender.options(path)
    assert preflight.status_code == 200
    answer = await tenant.sender.post(f"{path}?sentry_key={tenant.app.key}", content=b"{}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "this kind of data is not taken here"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert await tenant.outcomes() == {}


async def test_the_address_auto_is_stored_nowhere(tenant: Server):
    """In every kind of item, `{{auto}}` is replaced by the sender's address or removed."""
    user = {"id": "7", "ip_address": "{{auto}}"}
    attributes = {"user.ip_address": {"type": "string", "value": "{{auto}}"}}
    request = {"env": {"REMOTE_ADDR": "{{auto}}"}}
    span = {**SPAN, "span_id": "d" * 16, "attributes": attributes}
    feedback = {"contexts": {"feedback": {"message": "it fails"}}, "user": user}
    await tenant.take(
        pack_items(item("event", payloads.event(user=user, request=request, extra=attributes))),
        pack_items(item("transaction", payloads.transaction("b" * 32, user=user))),
        pack_items(item("feedback", {"event_id": "c" * 32, **feedback})),
        pack_items(item("span", {"items": [span]}, content_type=SPANS)),
        pack_items(item("log", {"items": [{**LOG, "attributes": attributes}]}, content_type=LOGS)),
        envelopes.replay_video_envelope(user=user),
    )
    assert [key for key in await tenant.outcomes() if key[1] != "kept"] == []
    packed = {"events": "payload", "logs": "attributes"}
    async with tenant.database.reading() as connection:
        stored_text = ""
        for table, column in packed.items():
            rows = await connection.execute(
                text(f"select {column} from {table} where project_id = :id"), {"id": tenant.app.id}
            )
            values = [unpack_json(value) for value in rows.scalars()]
            assert values
            stored_text += repr(values)
        blocks = await connection.scalars(
            text("select content from span_blocks where project_id = :id"), {"id": tenant.app.id}
        )
        texts = [unpack_text(content) for content in blocks]
        stored_text += repr(texts)
        replays = (await connection.execute(text("select * from replays"))).mappings().all()
        stored_text += repr([dict(row) for row in replays if row["project_id"] == tenant.app.id])
    assert "{{auto}}" not in stored_text
    assert stored_text.count("127.0.0.1") >= len(packed) + len(texts) + 1
    assert len(texts) == 2


async def test_an_error_of_a_backend_is_placed_though_the_clocks_differ(tenant: Server):
    """The phone is four minutes slow and the backend is not; the error stands where it happened."""
    now_ms = clock.now_ms()
    slow_ms = now_ms - 240_000
    began_ms = slow_ms - 20_000
    segment = envelopes.replay_video_envelope(replay_started_ms=began_ms, duration_ms=20_000)
    sent_at = iso(slow_ms)
    late_segment = segment.replace(iso(began_ms + 20_500).encode(), sent_at.encode(), 1)
    error_payload = payloads.event(timestamp=iso(now_ms - 13_000), platform="python")
    header = envelope_header(event_id=EVENT_ID, sent_ms=now_ms)
    await tenant.take(late_segment)
    await tenant.take(envelope(header, item("event", error_payload)), project=tenant.backend)
    page = html_reader.parse_page((await tenant.web.get(tenant.page(REPLAY_ID))).text)
    (error,) = page.all("article", class_="error")
    assert error["data-source"] == "backend"
    assert int(error["data-at-ms"]) == pytest.approx(7_000, abs=5_000)


async def test_an_error_at_another_time_has_no_place_in_the_replay_it_names(tenant: Server):
    """The error is listed with its own time, and nothing links to a moment of the replay."""
    bodies = [
        envelopes.event_envelope(number * 16, timestamp=iso(STARTED_MS + apart_ms))
        for number, apart_ms in (("a1", -3_600_000), ("b2", 1_000), ("c3", 7_200_000))
    ]
    await tenant.take(envelopes.replay_video_envelope(), *bodies)
    page = html_reader.parse_page((await tenant.web.get(tenant.page(REPLAY_ID))).text)
    times = {
        error["id"][-2:]: error.attributes.get("data-at-ms")
        for error in page.all("article", class_="error")
    }
    assert times == {"a1": None, "b2": "1000", "c3": None}
    for number, has_clip in (("a1", False), ("b2", True), ("c3", False)):
        path = f"/projects/{tenant.app.id}/events/{number * 16}"
        html = (await tenant.web.get(path, follow_redirects=True)).text
        assert ("data-preview-host" in html) is has_clip
        assert ("happened outside the part" in html) is not has_clip


@pytest.mark.parametrize("timestamp", [MISSING, 17.5, "yesterday"])
async def test_items_without_a_usable_time_have_the_time_of_their_envelope(
    tenant: Server, timestamp: object
):
    """The envelope says when it was sent by the phone's clock, however long it was on its way."""
    error_payload = changed(payloads.event(), {"timestamp": timestamp})
    header = envelope_header(event_id=EVENT_ID, sent_ms=STARTED_MS + 3_000)
    record = changed(LOG, {"timestamp": timestamp, "trace_id": TRACE_ID})
    items = (item("event", error_payload), item("log", {"items": [record]}, content_type=LOGS))
    await tenant.take(envelopes.replay_video_envelope(), envelope(header, *items))
    page = html_reader.parse_page((await tenant.web.get(tenant.page(REPLAY_ID))).text)
    assert page.one("article", class_="error")["data-at-ms"] == "3000"
    rows = {row["data-kind"]: row["data-at-ms"] for row in page.all("li", "data-kind")}
    assert rows["log"] == "3000"


async def test_an_event_without_an_id_is_kept_once_however_often_it_comes(tenant: Server):
    """The id of such an event is made from its content."""
    body = compact(changed(payloads.event(), {"event_id": MISSING}))
    headers = envelopes.headers(tenant.app.key, encoding=None)
    for _ in range(2):
        answer: httpx2.Response = await tenant.sender.post(
            tenant.ingest_path(kind="store"), content=body, headers=headers
        )
        assert answer.status_code == 200
    await tenant.settled()
    assert await tenant.outcomes() == {**KEPT, ("event", "duplicate", ""): 1}
