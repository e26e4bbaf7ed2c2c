"""Items with every member that the mobile SDKs can write, and values that are legal but improbable.

SDKs test their serializers with such items: dates of other centuries, negative sizes, dashed
UUIDs where span ids stand, placeholders in place of objects. A server must take them all.

    event()          every member of an event of the Java SDK
    transaction()    likewise, with one span
    redacted_event() an event of the Cocoa SDK in which objects are replaced by placeholders
"""

import uuid
from typing import Any, Final

Shape = dict[str, Any]

_TRACE_ID: Final = "4f1d2c3b5a69788796a5b4c3d2e1f001"
_SMALLEST_LONG: Final = -(2**63)
_PLACEHOLDER: Final = "<value>"


def _text(name: str) -> str:
    """Return a text that is unique to its place, so that a mixed-up member would be seen."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def _frame() -> Shape:
    numbers = {"lineno": -7, "colno": 2**31 - 1, "in_app": False, "native": True}
    names = ("filename", "function", "module", "abs_path", "context_line", "package", "platform")
    addresses = ("image_addr", "symbol_addr", "instruction_addr", "raw_function")
    return numbers | {name: _text(name) for name in names + addresses}


def _stack() -> Shape:
    return {"frames": [_frame()], "registers": {"pc": "0x1", _text("x0"): None}, "snapshot": True}


def _exception() -> Shape:
    mechanism = {
        "type": _text("mechanism"),
        "description": _text("why"),
        "help_link": _text("help"),
        "handled": False,
        "synthetic": False,
        "meta": {"signal": {"number": 11}},
        "data": {_text("key"): _text("value")},
    }
    names = {name: _text(name) for name in ("type", "value", "module")}
    return names | {"thread_id": 2**62, "stacktrace": _stack(), "mechanism": mechanism}


def _thread() -> Shape:
    lock = {"type": 8, "address": "0x0d", "package_name": "java.lang", "thread_id": 11}
    return {
        "id": 2**60,
        "priority": -5,
        "name": _text("thread"),
        "state": "WAITING",
        "crashed": False,
        "current": False,
        "daemon": True,
        "main": True,
        "stacktrace": _stack(),
        "held_locks": {"0x0d": lock},
    }


def _contexts() -> Shape:
    return {
        "app": {
            "app_start_time": "1912-02-29T07:46:04.000Z",
            "permissions": {"CAMERA": "granted", "LOCATION": "not_granted"},
            "view_names": ["CheckoutActivity", "MenuFragment"],
            "in_foreground": True,
            "start_type": "cold",
        },
        "browser": {"name": _text("browser"), "version": None},
        "device": {
            "model": _text("model"),
            "archs": [_text("arch"), "arm64-v8a"],
            "battery_level": 0.25,
            "memory_size": _SMALLEST_LONG,
            "screen_width_pixels": 2**31 - 1,
            "screen_dpi": -1,
            "boot_time": "2004-02-29T23:59:59.999Z",
            "processor_frequency": 1e9,
            "orientation": "portrait",
        },
        "flags": {"values": [{"flag": "new-cart", "result": True}, {"flag": "x", "result": False}]},
        "gpu": {"id": -2, "memory_size": -1, "npot_support": _text("npot")},
        "os": {"name": _text("os"), "rooted": True, "raw_description": None},
        "response": {"status_code": 500, "headers": {"content-type": "text/html"}, "data": {}},
        "spring": {"active_profiles": ["one", "two"]},
        "trace": {
            "trace_id": _TRACE_ID,
            "span_id": _text("span"),
            "parent_span_id": _text("parent"),
            "op": _text("op"),
            "status": "resource_exhausted",
            "tags": {_text("tag"): _text("tagged")},
            "data": {"thread.name": "main", "thread.id": 10},
        },
    }


def _surroundings() -> Shape:
    """Return the members that events and transactions have in common."""
    crumb = {
        "timestamp": "2009-11-16T01:08:47.000Z",
        "type": _text("crumb type"),
        "category": _text("category"),
        "origin": _text("origin"),
        "level": "debug",
        "data": {_text("crumb key"): _text("crumb value")},
    }
    image = {
        "type": _text("image"),
        "debug_id": _text("debug id"),
        "image_addr": _text("address"),
        "image_size": _SMALLEST_LONG,
    }
    request = {
        "url": _text("url"),
        "method": _text("method"),
        "data": {_text("form"): _text("field")},
        "env": {_text("env"): _text("setting")},
        "fragment": "top",
        "body_size": 1000,
        "api_target": "graphql",
    }
    user = {
        "id": _text("user"),
        "ip_address": _text("not an address"),
        "geo": {"city": _text("city"), "country_code": "JP", "region": None},
        "data": {_text("user key"): _text("user value")},
    }
    sdk = {
        "name": _text("sdk"),
        "version": _text("version"),
        "packages": [{"name": _text("package"), "version": _text("its version")}],
        "integrations": [_text("integration")],
    }
    version = {"sdk_name": _text("images"), "version_major": 2**31 - 1, "version_minor": 1}
    return {
        "contexts": _contexts(),
        "breadcrumbs": [crumb],
        "debug_meta": {"sdk_info": version, "images": [image]},
        "request": request,
        "user": user,
        "sdk": sdk,
        "tags": {_text("tag name"): _text("tag value")},
        "extra": {_text("extra"): _text("more"), "empty": None},
        "platform": _text("platform"),
        "release": _text("release"),
        "dist": _text("dist"),
        "environment": _text("environment"),
        "server_name": _text("server"),
    }


def event() -> Shape:
    """Make an event of 1942 with every member that the Java SDK writes."""
    formatted = {"formatted": _text("words"), "message": _text("template"), "params": ["1", "2"]}
    return _surroundings() | {
        "timestamp": "1942-07-09T12:55:34.000Z",
        "message": formatted,
        "logger": _text("logger"),
        "threads": {"values": [_thread()]},
        "exception": {"values": [_exception()]},
        "level": "error",
        "transaction": _text("transaction"),
        "fingerprint": [_text("first part"), _text("second part")],
        "modules": {_text("library"): _text("its release")},
    }


def transaction(*, seconds: bool = True, units: bool = True) -> Shape:
    """Make a transaction of 1999 whose span ends before it begins.

    Args:
        seconds: Times are seconds as numbers; False for dates as older SDKs write them.
        units: Measurements have units.
    """
    start, end = (
        (916_613_796.0, 919_990_124.0)
        if seconds
        else ("1999-01-17T22:56:36.000Z", "1999-02-26T00:48:44.000Z")
    )
    measurement: Shape = {"value": 0.30000001192092896, "new_member": "unknown"}
    if units:
        measurement["unit"] = "none"
    span = {
        "start_timestamp": end,
        "timestamp": start,
        "trace_id": _TRACE_ID,
        "span_id": _text("span of a span"),
        "parent_span_id": _text("parent of a span"),
        "op": _text("operation"),
        "description": _text("description"),
        "status": "already_exists",
        "data": {_text("span key"): _text("span value")},
        "measurements": {"frames": measurement},
    }
    return _surroundings() | {
        "type": "transaction",
        "transaction": _text("transaction"),
        "start_timestamp": start,
        "timestamp": end,
        "spans": [span],
        "measurements": {_text("measurement"): measurement},
        "transaction_info": {"source": "custom"},
    }


def check_in(*, schedule: Shape) -> Shape:
    """Make a check-in of a monitor."""
    return {
        "check_in_id": "7e66329106675e7e94994c4994b177f2",
        "monitor_slug": "nightly",
        "status": "error",
        "duration": 12.3,
        "monitor_config": {"schedule": schedule, "checkin_margin": 8, "timezone": "Europe/Vienna"},
        "contexts": {"trace": {"trace_id": _TRACE_ID, "span_id": "96a5b4c3d2e1f001"}},
    }


def logs() -> Shape:
    """Make a log item of 2004 whose record has attributes of every type."""
    attributes = {
        "text": {"type": "string", "value": "production"},
        "number": {"type": "integer", "value": 10},
        "share": {"type": "double", "value": 11.12},
        "flag": {"type": "boolean", "value": True},
        "list": {"type": "array", "value": ["a", "b"]},
    }
    record = {
        "timestamp": 1_081_621_443.0,
        "trace_id": _TRACE_ID,
        "span_id": "96a5b4c3d2e1f001",
        "body": _text("body"),
        "level": "info",
        "severity_number": 10,
        "attributes": attributes,
    }
    return {"items": [record]}


def replay_event() -> Shape:
    """Make the members of a replay event of 1942 beyond those that name the replay."""
    return _surroundings() | {
        "timestamp": "1942-07-09T12:55:34.000Z",
        "replay_start_timestamp": "1942-07-09T12:55:34.000Z",
        "urls": ["CartScreen"],
        "segment_names": ["CartActivity"],
        "error_ids": ["1a2b3c4d5e6f708192a3b4c5d6e7f809"],
        "trace_ids": [_TRACE_ID],
    }


def recording() -> list[Shape]:
    """Make one rrweb event of each kind that the Java SDK writes, in 1970."""
    at_ms = 12_345_678_901

    def custom(tag: str, payload: Shape) -> Shape:
        return {"type": 5, "timestamp": at_ms, "data": {"tag": tag, "payload": payload}}

    crumb = {"type": "default", "timestamp": at_ms / 1000, "category": "navigation"}
    span = {"op": "resource.http", "description": "https://api.example.com/items"}
    touch = {"source": 2, "type": 7, "id": 1, "x": 1.0, "y": 2.0, "pointerId": 1}
    move = {"source": 6, "positions": [{"id": 1, "x": 1.0, "y": 2.0, "timeOffset": 100}]}
    return [
        {"type": 4, "timestamp": at_ms // 10, "data": {"href": "", "height": 1920, "width": 1080}},
        custom("options", {"maskAllText": False, "errorSampleRate": 0.1, "quality": "low"}),
        custom("breadcrumb", crumb | {"data": {"screen": "CartActivity", "state": "resumed"}}),
        custom(
            "performanceSpan",
            span | {"startTimestamp": at_ms / 1000, "endTimestamp": at_ms / 1000 + 1},
        ),
        {"type": 3, "timestamp": at_ms, "data": touch},
        {"type": 3, "timestamp": at_ms, "data": move | {"pointerId": 1}},
    ]


def redacted_event() -> Shape:
    """Make an event of the Cocoa SDK with placeholders where objects and numbers belong."""
    objects = ("debug_meta", "threads", "dist", "timestamp", "event_id")
    error = {"type": "HTTPClientError", "value": "HTTP client error with status code: 400"}
    return dict.fromkeys(objects, _PLACEHOLDER) | {
        "contexts": {
            "device": {"free_memory": _PLACEHOLDER, "processor_count": _PLACEHOLDER},
            "response": {"status_code": 400, "body_size": 37},
            "trace": {"span_id": _PLACEHOLDER, "trace_id": _PLACEHOLDER},
        },
        "exception": {
            "values": [
                error | {"mechanism": {"type": "HTTPClientError"}, "stacktrace": _PLACEHOLDER}
            ]
        },
        "request": {"method": "GET", "url": "http://localhost:8081/fails"},
        "sdk": {"name": "sentry.cocoa", "features": _PLACEHOLDER, "integrations": _PLACEHOLDER},
        "level": "error",
        "platform": "cocoa",
        "extra": {},
        "tags": {},
        "user": {"id": _PLACEHOLDER},
    }


def redacted_transaction() -> Shape:
    """Make a transaction of the Cocoa SDK with placeholders where objects belong."""
    span = {
        "start_timestamp": 1_786_000_000.5,
        "timestamp": 1_786_000_001.0,
        "trace_id": _TRACE_ID,
        "span_id": "96a5b4c3d2e1f001",
        "data": _PLACEHOLDER,
    }
    return {
        "type": "transaction",
        "transaction": "GET /works",
        "start_timestamp": 1_786_000_000.0,
        "timestamp": 1_786_000_002.0,
        "contexts": {"trace": {"trace_id": _TRACE_ID, "span_id": "a5b4c3d2e1f00196"}},
        "spans": [span],
        "measurements": _PLACEHOLDER,
        "debug_meta": _PLACEHOLDER,
        "sdk": {"name": "sentry.cocoa", "packages": []},
    }
