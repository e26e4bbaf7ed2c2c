"""Canaries in every text of every kind of item: afterwards no column and no object contains one.

A canary stands where an app may put a secret by mistake. Beside the canaries of each item stands a
word that no rule takes; it must be found, or the search would see nothing and prove nothing.
"""

import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import zstandard
from sqlalchemy import text

from app.ingest.item_types import BY_NAME
from tests.support.builders import envelopes, otlp, payloads, recordings
from tests.support.builders.wire import EVENT_ID, STARTED_MS, TRACE_ID, Json, iso
from tests.support.servers.server import Keyed, Server

CANARY: Final = re.compile(rb"kZ[0-9]{3}q9w8e7")
ZSTD: Final = b"\x28\xb5\x2f\xfd"
GRAPHQL: Final = "mutation($p:String!){login(password:$p){id}}"
SEEN: Final = (
    *("seen-replay", "seen-replay-event", "seen-web", "seen-event", "seen-file", "seen-tree"),
    *("seen-span", "seen-transaction", "seen-lone", "seen-streamed", "seen-log", "seen-otlp"),
    *("seen-feedback", "seen-report", "seen-session", "seen-sessions"),
)
_OTHER_ID: Final = "7f3c2b1a09f8e7d6c5b4a39281706f5e"


class Canaries:
    """Makes canaries, each with a number of its own."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def bare(self) -> str:
        """Return a canary alone, for a place whose name says that it is secret."""
        self.texts.append(f"kZ{len(self.texts):03d}q9w8e7")
        return self.texts[-1]

    def text(self, seen: str = "") -> str:
        """Return a text with a canary in one of the forms that people write."""
        forms = (
            "{} password={}", "{} Authorization: Bearer {}", '{} token: Optional("{}")',
            "{} https://jo:{}@shop.example/a", "{} https://shop.example/reset-password/{}",
            "{} INSERT INTO users (name, password) VALUES ('jo', '{}')",
            "{} ALTER USER jo WITH PASSWORD '{}'", "{} curl -u jo:{} https://shop.example",
            "{} X-Session-Id: {}",
        )  # fmt: skip
        return forms[len(self.texts) % len(forms)].format(seen, self.bare())

    def data(self) -> Json:
        """Return data as apps attach it, in several shapes."""
        return {
            "password": self.bare(),
            "note": self.text(),
            "list": [self.text(), {"api_key": self.bare()}],
            "body": json.dumps({"token": self.bare(), "query": GRAPHQL}),
            "graphql": {"query": GRAPHQL, "variables": {"p": self.bare(), "n": "jo"}},
            "request": {"headers": {"Cookie": self.bare(), "DPoP": self.bare()}},
            "arguments": ["%s has password=%s", "jo", self.bare()],
        }

    def attributes(self) -> Json:
        """Return attributes of spans and logs, with their types."""
        values = {
            "password": self.bare(),
            "url.full": self.text(),
            "http.request.header.authorization": self.bare(),
            "sentry.message.template": "%s has token=%s",
            "sentry.message.parameter.0": "jo",
            "sentry.message.parameter.1": self.bare(),
            "sentry.release": self.label(),
        }
        return {name: {"value": value, "type": "string"} for name, value in values.items()}

    def label(self) -> str:
        """Return the name of a release or an environment."""
        return f"shop@4.2.0 token={self.bare()}"

    def common(self, seen: str) -> Json:
        """Return what events, transactions and replay events have in common."""
        return {
            "release": self.label(),
            "environment": self.label(),
            "dist": self.label(),
            "transaction": self.text(),
            "server_name": self.text(),
            "tags": {"seen": seen, "token": self.bare(), "note": self.text()},
            "extra": self.data(),
            "user": {"id": "u-1", "username": self.label(), "data": self.data()},
            "contexts": {
                "trace": {"trace_id": TRACE_ID, "span_id": "1" * 16, "data": self.data()},
                "state": {"value": self.data()},
                "app": {"view_names": [self.text()]},
                "device": {"name": self.text()},
            },
            "request": {
                "url": self.text(),
                "query_string": f"a=1&session={self.bare()}&SAMLResponse={self.bare()}",
                "headers": {"X-Session-Id": self.bare(), "Referer": self.text()},
                "cookies": {"remember_me": self.bare(), "theme": "dark"},
                "env": {"DB_PASSWORD": self.bare()},
                "data": self.data(),
            },
            "breadcrumbs": [
                {"category": "console", "message": self.text(), "data": self.data()},
                {"category": "navigation", "data": {"from": self.text(), "to": self.text()}},
            ],
            "sdk": {"name": "sentry.java", "version": "8", "settings": {"password": self.bare()}},
            "debug_meta": {
                "images": [{"type": "pe", "code_file": f"/srv/app?token={self.bare()}"}]
            },
            "fingerprint": [self.text()],
            "unknown_member": self.data(),
        }


def crashed(made: Canaries) -> Json:
    """Return an error with a stack, variables and a message of its own."""
    frame = {
        "function": "pay",
        "filename": "cart.py",
        "vars": {"password": made.bare(), "x": made.text(), "all": made.data()},
        "context_line": f"    login('jo', password='{made.bare()}')",
    }
    thrown = {
        "type": "E",
        "value": made.text(),
        "mechanism": {"type": "g", "data": made.data()},
        "stacktrace": {"frames": [frame]},
    }
    entry = {"message": "jo has password=%s", "params": [made.bare()], "formatted": made.text()}
    return {
        **made.common("seen-event"),
        "exception": {"values": [thrown]},
        "threads": {"values": [{"id": 1, "name": made.text()}]},
        "logentry": entry,
    }


def segment_events(made: Canaries) -> list[Json]:
    """Return what a recording says in words."""
    crumb, network = recordings.breadcrumb, recordings.network_span
    request = {"headers": {"Authorization": made.bare()}, "body": made.data()}
    return [
        recordings.meta(STARTED_MS),
        crumb("console", STARTED_MS + 100, message=made.text("seen-replay"), data=made.data()),
        crumb("navigation", STARTED_MS + 200, data={"to": made.text(), "from": made.text()}),
        network(STARTED_MS + 300, STARTED_MS + 400, description=made.text()),
        network(STARTED_MS + 400, STARTED_MS + 500, data={"request": request}),
        recordings.options(STARTED_MS, networkDetailAllowUrls=[made.text()]),
        {"type": 5, "timestamp": STARTED_MS + 500, "data": {"tag": "new", "payload": made.data()}},
    ]  # fmt: skip


def spans(made: Canaries, seen: str) -> list[Json]:
    """Return spans of a transaction."""
    first = payloads.span("db", made.text(seen), STARTED_MS + 100, data=made.data())
    return [first | {"tags": {"token": made.bare()}}]


def attachments(made: Canaries) -> list[bytes]:
    """Return files, whose bytes are kept as they are but for the tree of views."""
    tree = {
        "rendering_system": "android_view_system",
        "windows": [
            {"type": "Window", "identifier": "seen-tree", "password": made.bare()},
            {"type": "A", "children": [{"type": "EditText", "tag": made.text()}]},
        ],
    }
    return [
        envelopes.item(
            "attachment",
            b"seen-file",
            filename=f"log token={made.bare()}.txt",
            content_type=f"text/plain; token={made.bare()}",
            attachment_type=f"event.attachment password={made.bare()}",
        ),
        envelopes.item(
            "attachment",
            tree,
            filename="view-hierarchy.json",
            attachment_type="event.view_hierarchy",
        ),
    ]


def envelopes_of(made: Canaries) -> Iterator[bytes]:
    """Make one envelope for each kind of item."""
    trace = {"trace_id": TRACE_ID, "release": made.label(), "environment": made.label()}
    trace |= {"transaction": made.text(), "user_segment": made.text()}
    header = envelopes.envelope_header(event_id=EVENT_ID, trace=trace)
    yield envelopes.replay_video_envelope(
        events=segment_events(made), urls=[made.text()], **made.common("seen-replay-event")
    )
    yield envelopes.web_replay_envelope(
        replay_id=_OTHER_ID, events=segment_events(made), **made.common("seen-web")
    )
    yield envelopes.envelope(
        header, envelopes.item("event", payloads.event(**crashed(made))), *attachments(made)
    )
    yield envelopes.transaction_envelope(
        f"{2:032x}", spans=spans(made, "seen-span"), **made.common("seen-transaction")
    )
    alone = payloads.span("ui", made.text("seen-lone"), STARTED_MS, data=made.data())
    yield envelopes.envelope(header, envelopes.item("span", alone))
    streamed = {
        "trace_id": TRACE_ID,
        "span_id": "2" * 16,
        "name": made.text("seen-streamed"),
        "start_timestamp": STARTED_MS / 1000,
        "end_timestamp": STARTED_MS / 1000 + 1,
        "status": "ok",
        "is_segment": False,
        "attributes": made.attributes(),
    }
    kind = "application/vnd.sentry.items.span.v2+json"
    yield envelopes.envelope(
        header,
        envelopes.item("span", {"items": [streamed]}, content_type=kind, item_count=1),
    )
    record = {"timestamp": STARTED_MS / 1000, "level": "warn", "body": made.text("seen-log")}
    record |= {"trace_id": TRACE_ID, "attributes": made.attributes()}
    kind = "application/vnd.sentry.items.log+json"
    yield envelopes.envelope(
        header, envelopes.item("log", {"items": [record]}, content_type=kind, item_count=1)
    )
    yield envelopes.envelope(
        envelopes.envelope_header(event_id=f"{3:032x}"),
        envelopes.feedback_item(made.text("seen-feedback"), name=made.label(), url=made.text()),
    )
    yield envelopes.envelope(
        header,
        envelopes.user_report_item(name=made.label(), comments=made.text("seen-report")),
    )
    labels = {"release": f"seen-session {made.label()}", "environment": made.label()}
    yield envelopes.envelope(
        header,
        envelopes.item(
            "session",
            {"sid": EVENT_ID, "init": True, "started": iso(STARTED_MS), "status": "ok"}
            | {"did": made.text(), "attrs": {**labels, "user_agent": made.text()}},
        ),
        envelopes.item(
            "sessions",
            {
                "aggregates": [{"started": iso(STARTED_MS), "exited": 2, "did": made.text()}],
                "attrs": {"release": f"seen-sessions {made.label()}", "environment": made.label()},
            },
        ),
    )
    yield envelopes.envelope(
        envelopes.envelope_header(
            event_id=None, sdk={"name": made.text(), "version": made.text()}, trace=trace
        ),
        envelopes.client_report_item(reason=f"password={made.bare()}"),
        envelopes.client_report_item(category=f"token={made.bare()}"),
        envelopes.item(f"password={made.bare()}", {"a": made.text()}),
    )


def otlp_request(made: Canaries) -> bytes:
    """Make a request of OpenTelemetry: a span that failed."""
    attributes: Json = {"password": made.bare(), "db.query.text": made.text("seen-otlp")}
    attributes |= {"url.full": made.text(), "deep": {"token": made.bare(), "x": [made.text()]}}
    failed = otlp.span(
        name=made.text(),
        attributes=attributes,
        events=[otlp.exception("E", made.text(), f"E: {made.text()}\n\tat a.B.c(D.java:1)\n")],
    )
    resource = {"service.name": made.text(), "service.version": made.label()}
    return bytes(otlp.request(failed, resource=resource).SerializeToString())


async def columns(server: Server) -> list[tuple[str, bytes]]:
    """Read every value of every table, and what is compressed in it."""
    found: list[tuple[str, bytes]] = []
    async with server.database.reading() as connection:
        listed = await connection.execute(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        )
        for name in listed.scalars():
            rows = await connection.execute(text(f'select * from "{name}"'))
            found += [
                (f"{name}.{column}", whole(value))
                for row in rows.mappings()
                for column, value in row.items()
            ]
    return found


def whole(value: Any) -> bytes:
    """Return a value as bytes, with what unpacks from it behind it."""
    data = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    return data + b"\n" + b"\n".join(unpacked(data))


def unpacked(data: bytes) -> Iterator[bytes]:
    """Unpack every frame of zstd, and all of it if it is zlib."""
    at = data.find(ZSTD)
    while at >= 0:
        with suppress(zstandard.ZstdError):  # four bytes may look like the beginning of a frame
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
        at = data.find(ZSTD, at + 1)
    with suppress(zlib.error):
        yield zlib.decompressobj().decompress(data)


async def test_no_canary_is_stored(server: Server):
    """Every item of every kind, every column of every table, and every object."""
    made = Canaries()
    await server.take(*envelopes_of(made))
    door = f"/api/{server.backend.id}/otlp/v1/traces"
    sent = await server.sender.post(
        door, content=otlp_request(made), headers=_otlp_headers(server.backend)
    )
    assert sent.status_code == 200, sent.text
    await server.settled()
    await server.post(envelopes.envelope({}, envelopes.item("event", made.text().encode())))
    await server.settled()
    counted = {item_type for item_type, outcome, _ in await server.outcomes() if outcome == "kept"}
    # The outcome of a recording is that of the event beside it.
    assert set(BY_NAME) - counted == {"replay_recording"}
    kept = await columns(server)
    kept += [(str(path), whole(path.read_bytes())) for path in server.objects()]
    left = {(place, canary.decode()) for place, data in kept for canary in CANARY.findall(data)}
    assert left == set()
    everything = b"\n".join(data for _, data in kept)
    assert [word for word in SEEN if word.encode() not in everything] == []


def _otlp_headers(project: Keyed) -> dict[str, str]:
    return {
        "Content-Type": "application/x-protobuf",
        "X-Sentry-Auth": f"Sentry sentry_key={project.key}",
    }
