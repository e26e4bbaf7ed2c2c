"""Canaries in every text of every kind of item: afterwards no column and no object contains one.

A canary stands where an app may put a secret by mistake. The same items are sent once for each form
in which people write secrets, so every text has every form. Beside the canaries of each item stands
a word that no rule removes; the search must find it, or it would see nothing and prove nothing.
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
from tests.support.servers import server as servers
from tests.support.servers.server import Keyed, Server

CANARY: Final = re.compile(rb"kZ([0-9])[0-9]{3}q9w8e7")
"""The first digit is the number of the form."""
NAME_FORMS: Final = (
    "password={}",
    "Authorization: Bearer {}",
    'token: Optional("{}")',
    "https://jo:{}@shop.example/a",
    "X-Session-Id: {}",
)
"""Forms that are removed from names of users, too."""
LABEL_FORMS: Final = (
    *NAME_FORMS,
    "https://shop.example/reset-password/{}",
    "shop.example/reset-password/{}",
)
"""Forms that are removed from names of releases and environments, too."""
FORMS: Final = (
    *LABEL_FORMS,
    "INSERT INTO users (name, password) VALUES ('jo', '{}')",
    "ALTER USER jo WITH PASSWORD '{}'",
    "curl -u jo:{} https://shop.example",
)
"""Forms in which people write secrets, all of which are removed from text."""
ZSTD: Final = b"\x28\xb5\x2f\xfd"
GRAPHQL: Final = "mutation($p:String!){login(password:$p){id}}"
MARKERS: Final = (
    *("seen-replay", "seen-replay-event", "seen-web", "seen-event", "seen-file", "seen-tree"),
    *("seen-span", "seen-transaction", "seen-lone", "seen-streamed", "seen-log", "seen-otlp"),
    *("seen-feedback", "seen-report", "seen-session", "seen-sessions"),
)
_OTHER_ID: Final = "7f3c2b1a09f8e7d6c5b4a39281706f5e"


class Canaries:
    """Makes canaries, each with a number of its own; their texts are in one form."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._made = 0

    def bare(self) -> str:
        """Return a canary alone, for a place whose name says that it is secret."""
        self._made += 1
        return f"kZ{FORMS.index(self._form)}{self._made:03d}q9w8e7"

    def text(self, marker: str = "") -> str:
        """Return a text with a canary."""
        return f"{marker} {self._form}".format(self.bare())

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
        form = self._form if self._form in LABEL_FORMS else "token={}"
        return f"shop@4.2.0 {form}".format(self.bare())

    def name(self) -> str:
        """Return the name of a user."""
        form = self._form if self._form in NAME_FORMS else "token={}"
        return f"jo {form}".format(self.bare())

    def common(self, marker: str) -> Json:
        """Return what events, transactions and replay events have in common."""
        return {
            "release": self.label(),
            "environment": self.label(),
            "dist": self.label(),
            "transaction": self.text(),
            "server_name": self.text(),
            "tags": {"seen": marker, "token": self.bare(), "note": self.text()},
            "extra": self.data(),
            "user": {"id": "u-1", "username": self.name(), "data": self.data()},
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


def error_payload(canaries: Canaries) -> Json:
    """Return an error with a stack, variables and a message of its own."""
    frame = {
        "function": "pay",
        "filename": "cart.py",
        "vars": {"password": canaries.bare(), "x": canaries.text(), "all": canaries.data()},
        "context_line": f"    login('jo', password='{canaries.bare()}')",
    }
    exception = {
        "type": "E",
        "value": canaries.text(),
        "mechanism": {"type": "g", "data": canaries.data()},
        "stacktrace": {"frames": [frame]},
    }
    entry = {
        "message": "jo has password=%s",
        "params": [canaries.bare()],
        "formatted": canaries.text(),
    }
    return {
        **canaries.common("seen-event"),
        "exception": {"values": [exception]},
        "threads": {"values": [{"id": 1, "name": canaries.text()}]},
        "logentry": entry,
    }


def segment_events(canaries: Canaries) -> list[Json]:
    """Return the events of a recording that contain text."""
    crumb, network = recordings.breadcrumb, recordings.network_span
    request = {"headers": {"Authorization": canaries.bare()}, "body": canaries.data()}
    return [
        recordings.meta(STARTED_MS),
        crumb("console", STARTED_MS + 100,
              message=canaries.text("seen-replay"), data=canaries.data()),
        crumb("navigation", STARTED_MS + 200,
              data={"to": canaries.text(), "from": canaries.text()}),
        network(STARTED_MS + 300, STARTED_MS + 400, description=canaries.text()),
        network(STARTED_MS + 400, STARTED_MS + 500, data={"request": request}),
        recordings.options(STARTED_MS, networkDetailAllowUrls=[canaries.text()]),
        {"type": 5, "timestamp": STARTED_MS + 500,
         "data": {"tag": "new", "payload": canaries.data()}},
    ]  # fmt: skip


def spans(canaries: Canaries, marker: str) -> list[Json]:
    """Return spans of a transaction."""
    first = payloads.span("db", canaries.text(marker), STARTED_MS + 100, data=canaries.data())
    return [first | {"tags": {"token": canaries.bare()}}]


def attachments(canaries: Canaries) -> list[bytes]:
    """Return files, whose bytes are kept as they are but for the tree of views."""
    tree = {
        "rendering_system": "android_view_system",
        "windows": [
            {"type": "Window", "identifier": "seen-tree", "password": canaries.bare()},
            {"type": "A", "children": [{"type": "EditText", "tag": canaries.text()}]},
        ],
    }
    return [
        envelopes.item(
            "attachment",
            b"seen-file",
            filename=f"log token={canaries.bare()}.txt",
            content_type=f"text/plain; token={canaries.bare()}",
            attachment_type=f"event.attachment password={canaries.bare()}",
        ),
        envelopes.item(
            "attachment",
            tree,
            filename="view-hierarchy.json",
            attachment_type="event.view_hierarchy",
        ),
    ]


def make_envelopes(canaries: Canaries) -> Iterator[bytes]:
    """Make one envelope for each kind of item."""
    trace = {"trace_id": TRACE_ID, "release": canaries.label(), "environment": canaries.label()}
    trace |= {"transaction": canaries.text(), "user_segment": canaries.text()}
    header = envelopes.envelope_header(event_id=EVENT_ID, trace=trace)
    yield envelopes.replay_video_envelope(
        events=segment_events(canaries),
        urls=[canaries.text()],
        **canaries.common("seen-replay-event"),
    )
    yield envelopes.web_replay_envelope(
        replay_id=_OTHER_ID, events=segment_events(canaries), **canaries.common("seen-web")
    )
    yield envelopes.envelope(
        header,
        envelopes.item("event", payloads.event(**error_payload(canaries))),
        *attachments(canaries),
    )
    yield envelopes.transaction_envelope(
        f"{2:032x}", spans=spans(canaries, "seen-span"), **canaries.common("seen-transaction")
    )
    alone = payloads.span("ui", canaries.text("seen-lone"), STARTED_MS, data=canaries.data())
    yield envelopes.envelope(header, envelopes.item("span", alone))
    streamed = {
        "trace_id": TRACE_ID,
        "span_id": "2" * 16,
        "name": canaries.text("seen-streamed"),
        "start_timestamp": STARTED_MS / 1000,
        "end_timestamp": STARTED_MS / 1000 + 1,
        "status": "ok",
        "is_segment": False,
        "attributes": canaries.attributes(),
    }
    kind = "application/vnd.sentry.items.span.v2+json"
    yield envelopes.envelope(
        header,
        envelopes.item("span", {"items": [streamed]}, content_type=kind, item_count=1),
    )
    record = {"timestamp": STARTED_MS / 1000, "level": "warn", "body": canaries.text("seen-log")}
    record |= {"trace_id": TRACE_ID, "attributes": canaries.attributes()}
    kind = "application/vnd.sentry.items.log+json"
    yield envelopes.envelope(
        header, envelopes.item("log", {"items": [record]}, content_type=kind, item_count=1)
    )
    yield envelopes.envelope(
        envelopes.envelope_header(event_id=f"{3:032x}"),
        envelopes.feedback_item(
            canaries.text("seen-feedback"), name=canaries.name(), url=canaries.text()
        ),
    )
    yield envelopes.envelope(
        header,
        envelopes.user_report_item(name=canaries.name(), comments=canaries.text("seen-report")),
    )
    labels = {"release": f"seen-session {canaries.label()}", "environment": canaries.label()}
    yield envelopes.envelope(
        header,
        envelopes.item(
            "session",
            {"sid": EVENT_ID, "init": True, "started": iso(STARTED_MS), "status": "ok"}
            | {"did": canaries.text(), "attrs": {**labels, "user_agent": canaries.text()}},
        ),
        envelopes.item(
            "sessions",
            {
                "aggregates": [{"started": iso(STARTED_MS), "exited": 2, "did": canaries.text()}],
                "attrs": {
                    "release": f"seen-sessions {canaries.label()}",
                    "environment": canaries.label(),
                },
            },
        ),
    )
    yield envelopes.envelope(
        envelopes.envelope_header(
            event_id=None, sdk={"name": canaries.text(), "version": canaries.text()}, trace=trace
        ),
        envelopes.client_report_item(reason=f"password={canaries.bare()}"),
        envelopes.client_report_item(category=f"token={canaries.bare()}"),
        envelopes.item(f"password={canaries.bare()}", {"a": canaries.text()}),
    )


def otlp_request(canaries: Canaries) -> bytes:
    """Make a request of OpenTelemetry: a span that failed."""
    attributes: Json = {"password": canaries.bare(), "db.query.text": canaries.text("seen-otlp")}
    attributes |= {
        "url.full": canaries.text(),
        "deep": {"token": canaries.bare(), "x": [canaries.text()]},
    }
    span = otlp.span(
        name=canaries.text(),
        attributes=attributes,
        events=[
            otlp.exception("E", canaries.text(), f"E: {canaries.text()}\n\tat a.B.c(D.java:1)\n")
        ],
    )
    resource = {"service.name": canaries.label(), "service.version": canaries.label()}
    return bytes(otlp.request(span, resource=resource).SerializeToString())


async def read_columns(server: Server) -> list[tuple[str, bytes]]:
    """Read every value of every table, with what is compressed in it."""
    values: list[tuple[str, bytes]] = []
    async with server.database.reading() as connection:
        tables = await connection.execute(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        )
        for name in tables.scalars():
            rows = await connection.execute(text(f'select * from "{name}"'))
            values += [
                (f"{name}.{column}", searchable_bytes(value))
                for row in rows.mappings()
                for column, value in row.items()
            ]
    return values


def searchable_bytes(value: Any) -> bytes:
    """Return a value as bytes, followed by what unpacks from it."""
    data = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    return data + b"\n" + b"\n".join(unpack_frames(data))


def unpack_frames(data: bytes) -> Iterator[bytes]:
    """Unpack every frame of zstd, and all of it if it is zlib."""
    at = data.find(ZSTD)
    while at >= 0:
        with suppress(zstandard.ZstdError):  # four bytes may look like the beginning of a frame
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
        at = data.find(ZSTD, at + 1)
    with suppress(zlib.error):
        yield zlib.decompressobj().decompress(data)


async def send_items(tenant: Server, canaries: Canaries) -> None:
    """Send an item of every type, spans of OpenTelemetry, and an event that is no JSON."""
    await tenant.take(*make_envelopes(canaries))
    address = f"/api/{tenant.backend.id}/otlp/v1/traces"
    answer = await tenant.sender.post(
        address, content=otlp_request(canaries), headers=_otlp_headers(tenant.backend)
    )
    assert answer.status_code == 200, answer.text
    await tenant.post(envelopes.envelope({}, envelopes.item("event", canaries.text().encode())))
    await tenant.settled()


async def test_no_canary_is_stored(server: Server):
    """No column of any table and no object contains a canary of any kind of item."""
    for form in FORMS:
        async with servers.tenant(server) as tenant:
            await send_items(tenant, Canaries(form))
            outcomes = await tenant.outcomes()
        kept_types = {item_type for item_type, outcome, _ in outcomes if outcome == "kept"}
        # The outcome of a recording is that of the event beside it.
        missing_types = set(BY_NAME) - kept_types - {"replay_recording"}
        assert not missing_types, (
            f"add a good item of each of these types, with canaries, to make_envelopes: "
            f"{missing_types}"
        )
    places = await read_columns(server)
    places += [(str(path), searchable_bytes(path.read_bytes())) for path in server.objects()]
    leaks = {
        (place, canary[0].decode(), FORMS[int(canary[1])])
        for place, data in places
        for canary in CANARY.finditer(data)
    }
    assert leaks == set()
    all_bytes = b"\n".join(data for _, data in places)
    assert [word for word in MARKERS if word.encode() not in all_bytes] == []


def _otlp_headers(project: Keyed) -> dict[str, str]:
    return {
        "Content-Type": "application/x-protobuf",
        "X-Sentry-Auth": f"Sentry sentry_key={project.key}",
    }
