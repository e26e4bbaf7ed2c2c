"""Tests of one event in Sentry's shape."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from app.api_tokens.model import Scope
from app.symbolication.model import (
    MissingDebugFile,
    SymbolicatedEvent,
    UsedDebugFile,
    pack_symbolicated,
)
from tests.support.builders import envelopes
from tests.support.builders.api_tokens import project_builder
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAPPING = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
IMAGE = "f8da01d5-9310-740f-7bd8-047945a69039"


def make_event() -> dict[str, Any]:
    """Make an obfuscated event with everything that has an entry of its own."""
    return {
        "event_id": uuid.uuid4().hex,
        "timestamp": "2026-11-30T10:00:00.5Z",
        "platform": "java",
        "level": "fatal",
        "release": "com.acme.shop@1.0+7",
        "dist": 7,
        "environment": "staging",
        "user": {"id": 9, "email": "eve@example.com", "data": {"plan": "pro"}},
        "tags": [["flavour", "paid"]],
        "extra": {"basket": 3},
        "sdk": {"name": "sentry.java.android", "version": "8.0.0"},
        "contexts": {"device": {"model": "Pixel"}, "odd": None},
        "logentry": {"message": "gone %s", "params": ["away"]},
        "request": {"url": "https://api.example.com/pay", "method": "POST"},
        "breadcrumbs": {"values": [{"timestamp": 1796032800, "message": "tap", "category": "ui"}]},
        "debug_meta": {
            "images": [
                {"type": "proguard", "uuid": MAPPING},
                {"type": "elf", "debug_id": IMAGE.upper(), "code_file": "libshop.so"},
                {"type": "elf", "debug_id": str(uuid.uuid4()), "code_file": "libc.so"},
            ]
        },
        "exception": {
            "values": [
                {
                    "type": "a",
                    "module": "a.b",
                    "value": "boom",
                    "thread_id": 1,
                    "mechanism": {"type": "UncaughtExceptionHandler", "handled": False},
                    "stacktrace": {
                        "frames": [
                            {"module": "java.lang.Thread", "function": "run", "in_app": False},
                            {"module": "a.b", "function": "c", "lineno": 3, "in_app": True},
                        ]
                    },
                }
            ]
        },
        "threads": {
            "values": [
                {
                    "id": 1,
                    "name": "main",
                    "crashed": True,
                    "stacktrace": {"frames": [{"instruction_addr": "0x10", "platform": "native"}]},
                }
            ]
        },
    }


def clear_exception() -> dict[str, Any]:
    """Return what symbolication makes of the exception."""
    frames = [
        {"module": "java.lang.Thread", "function": "run", "in_app": False},
        {
            "module": "com.acme.shop.Cart",
            "function": "checkout",
            "raw_function": "checkout(int)",
            "filename": "Cart.java",
            "abs_path": "Cart.java",
            "lineno": 2,
            "colno": 5,
            "in_app": True,
            "pre_context": ["class Cart {"],
            "context_line": "  void checkout() {}",
            "post_context": ["}"],
        },
    ]
    value = {
        "type": "PaymentFailed",
        "module": "com.acme.shop",
        "value": "boom",
        "mechanism": {"type": "UncaughtExceptionHandler", "handled": False},
        "stacktrace": {"frames": frames},
    }
    return {"values": [value]}


async def take(server: Server, event: dict[str, Any]) -> str:
    """Send an event and wait until it is stored; returns its address."""
    item = envelopes.item("event", event)
    await server.take(envelopes.envelope({"event_id": event["event_id"]}, item))
    return f"/api/0/projects/acme/{server.app.id}/events/{event['event_id']}/"


def entry(event: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the data of an entry; each kind stands there once."""
    (data,) = [each["data"] for each in event["entries"] if each["type"] == kind]
    return dict(data)


async def test_an_event_is_written_as_sentry_does(tenant: Server):
    """Every part of an event is where Sentry's clients look for it."""
    event = make_event()
    address = await take(tenant, event)
    async with project_builder(tenant, Scope.EVENT_READ) as client:
        body = (await client.get(address)).json()
    assert body["id"] == body["eventID"] == event["event_id"]
    assert len(body["groupID"]) == 32
    assert (body["type"], body["platform"], body["dist"]) == ("error", "java", "7")
    assert body["title"] == "a: boom"
    assert body["message"] == "gone away"
    assert body["dateCreated"] == "2026-11-30T10:00:00.500000Z"
    assert body["release"] == {"version": "com.acme.shop@1.0+7", "shortVersion": "1.0+7"}
    assert body["user"]["id"] == "9"
    assert body["contexts"]["device"] == {"model": "Pixel"}
    assert "odd" not in body["contexts"]
    assert body["context"] == {"basket": 3}
    tags = {tag["key"]: tag["value"] for tag in body["tags"]}
    assert tags["flavour"] == "paid"
    assert (tags["environment"], tags["level"], tags["handled"]) == ("staging", "fatal", "no")
    (exception,) = entry(body, "exception")["values"]
    assert (exception["type"], exception["module"]) == ("a", "a.b")
    assert exception["rawStacktrace"] is None
    frame = exception["stacktrace"]["frames"][1]
    assert (frame["function"], frame["lineNo"], frame["inApp"]) == ("c", 3, True)
    assert frame["context"] == []
    (thread,) = entry(body, "threads")["values"]
    assert (thread["name"], thread["crashed"]) == ("main", True)
    assert thread["stacktrace"]["frames"][0]["instructionAddr"] == "0x10"
    assert entry(body, "message") == {"formatted": "gone away"}
    assert entry(body, "breadcrumbs")["values"][0]["timestamp"] == "2026-11-30T10:00:00.000000Z"
    assert entry(body, "request")["method"] == "POST"


async def test_the_stack_is_the_clear_one(tenant: Server):
    """A symbolicated event has its clear frames with source lines, and beside them those sent."""
    event = make_event()
    address = await take(tenant, event)
    symbolicated = SymbolicatedEvent(
        members={"exception": clear_exception()},
        used=(UsedDebugFile("f" * 32, "proguard", MAPPING),),
        missing=(MissingDebugFile(kind="elf", debug_id=IMAGE, name="libshop.so"),),
    )
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("update events set symbolicated = :packed where event_id = :id"),
            {"packed": pack_symbolicated(symbolicated), "id": event["event_id"]},
        )
    async with project_builder(tenant) as client:
        body = (await client.get(address)).json()
    (exception,) = entry(body, "exception")["values"]
    assert (exception["type"], exception["module"]) == ("PaymentFailed", "com.acme.shop")
    frame = exception["stacktrace"]["frames"][1]
    assert (frame["module"], frame["function"]) == ("com.acme.shop.Cart", "checkout")
    assert (frame["filename"], frame["absPath"]) == ("Cart.java", "Cart.java")
    assert (frame["lineNo"], frame["colNo"], frame["rawFunction"]) == (2, 5, "checkout(int)")
    assert frame["context"] == [[1, "class Cart {"], [2, "  void checkout() {}"], [3, "}"]]
    assert exception["rawStacktrace"]["frames"][1]["function"] == "c"
    statuses = [image["debug_status"] for image in entry(body, "debugmeta")["images"]]
    assert statuses == ["found", "missing", "unused"]


async def test_other_events_are_not_found(tenant: Server):
    """An event of another project, an unknown one and a malformed id get 404."""
    address = await take(tenant, make_event())
    async with project_builder(tenant) as client:
        base = address.rsplit("/", 2)[0]
        for event_id in ("0" * 31 + "1", "latest", "..%2f..", "%FF"):
            answer = await client.get(f"{base}/{event_id}/")
            assert answer.status_code == 404, event_id
            assert answer.json()["detail"]
    other = address.replace(str(tenant.app.id), str(tenant.backend.id))
    async with project_builder(tenant, project_id=tenant.backend.id) as client:
        assert (await client.get(other)).status_code == 404
        assert (await client.get(address)).status_code == 403
    async with project_builder(tenant, Scope.UPLOAD, Scope.PROJECT_READ) as client:
        assert (await client.get(address)).status_code == 403


async def test_an_event_of_odd_members_is_shown(tenant: Server):
    """Members of the wrong type are left out; the rest of the event is shown."""
    event = make_event() | {
        "exception": [None, 7, {"type": 7, "stacktrace": {"frames": [None, {"lineno": "x"}]}}],
        "threads": {"values": [None, {"stacktrace": "none"}]},
        "debug_meta": {"images": [None, {"type": "elf"}]},
        "breadcrumbs": [None, {"timestamp": "soon"}],
        "contexts": [],
        "user": "eve",
        "tags": "none",
    }
    address = await take(tenant, event)
    async with project_builder(tenant) as client:
        answer = await client.get(address)
    assert answer.status_code == 200
    (exception,) = entry(answer.json(), "exception")["values"]
    assert exception["type"] == "7"
    assert exception["stacktrace"]["frames"][0]["lineNo"] is None


async def test_reading_events_leaves_one_line(tenant: Server):
    """The log says that a token reads events, once an hour and not for each."""
    address = await take(tenant, make_event())
    async with project_builder(tenant) as client:
        for _ in range(3):
            assert (await client.get(address)).status_code == 200
    async with tenant.database.reading() as connection:
        lines = await connection.scalar(
            text(
                "select count(*) from audit_lines where project_id = :id and action = 'events_read'"
            ),
            {"id": tenant.app.id},
        )
    assert lines == 1
