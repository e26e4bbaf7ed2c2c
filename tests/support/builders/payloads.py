"""Makes the JSON of replay events, events, transactions and spans, as SDKs write it.

`**changes` replace top-level members; `MISSING` removes one.
"""

import zlib
from typing import Any, Final

from tests.support.builders.wire import (
    EVENT_ID,
    MISSING,
    REPLAY_ID,
    SEGMENT_MS,
    SPAN_ID,
    STARTED_MS,
    TRACE_ID,
    Json,
    changed,
    iso,
)

SDKS: Final = {
    "android": ("sentry.java.android", "8.53.0", "java"),
    "ios": ("sentry.cocoa", "9.26.0", "cocoa"),
    "web": ("sentry.javascript.browser", "10.3.0", "javascript"),
}


def replay_event(
    segment_id: int = 0,
    *,
    replay_id: str = REPLAY_ID,
    started_ms: int = STARTED_MS,
    ended_ms: int = STARTED_MS + SEGMENT_MS,
    platform: str = "android",
    trace_id: str | None = TRACE_ID,
    **changes: Any,
) -> Json:
    """Return what a segment says about itself, in the dialect of its platform."""
    name, version, sdk_platform = SDKS[platform]
    is_text = platform == "android"
    context = {"trace": {"trace_id": trace_id, "span_id": SPAN_ID}} if trace_id else {}
    return changed(
        {
            "type": "replay_video" if platform == "ios" else "replay_event",
            "replay_type": "session",
            "segment_id": segment_id,
            "replay_id": replay_id,
            "event_id": replay_id,
            "timestamp": iso(ended_ms) if is_text else ended_ms / 1000,
            "replay_start_timestamp": iso(started_ms) if is_text else started_ms / 1000,
            "urls": ["CartActivity"],
            "error_ids": MISSING if platform == "ios" else [],
            "trace_ids": MISSING if platform == "ios" or not trace_id else [trace_id],
            "platform": sdk_platform,
            "release": "net.example.shop@4.2.0+118",
            "environment": "production",
            "dist": "118",
            "sdk": {"name": name, "version": version},
            "tags": {"plan": "pro"},
            "user": {"id": "u-1042", "email": "ada@example.com", "username": "ada"},
            "contexts": {
                "app": {
                    "app_name": "Shop",
                    "app_identifier": "net.example.shop",
                    "app_version": "4.2.0",
                    "app_build": "118",
                },
                "device": {"name": "Pixel 8", "brand": "google", "model": "Pixel 8"},
                "os": {"name": "Android", "version": "15"},
                **context,
            },
        },
        changes,
    )


def event(
    event_id: str = EVENT_ID,
    *,
    at_ms: int = STARTED_MS + 2_000,
    trace_id: str | None = TRACE_ID,
    **changes: Any,
) -> Json:
    """Return an unhandled exception, as the Java SDK writes it."""
    frames = [
        {"filename": "App.kt", "function": "onClick", "module": "net.example.Cart", "lineno": 11},
        {"filename": "App.kt", "function": "total", "module": "net.example.Cart", "lineno": 9},
    ]
    thrown = {
        "type": "IllegalStateException",
        "value": "Cart total is negative: -12.40",
        "module": "java.lang",
        "stacktrace": {"frames": [frame | {"in_app": True} for frame in frames]},
        "mechanism": {"type": "UncaughtExceptionHandler", "handled": False},
    }
    context = {"trace": {"trace_id": trace_id, "span_id": SPAN_ID}} if trace_id else {}
    return changed(
        {
            "event_id": event_id,
            "timestamp": iso(at_ms),
            "level": "fatal",
            "platform": "java",
            "exception": {"values": [thrown]},
            "transaction": "CartActivity",
            "release": "net.example.shop@4.2.0+118",
            "environment": "production",
            "sdk": {"name": "sentry.java.android", "version": "8.53.0"},
            "tags": {"flavor": "play"},
            "user": {"id": "u-1042", "email": "ada@example.com", "username": "ada"},
            "contexts": context,
        },
        changes,
    )


def transaction(
    event_id: str = EVENT_ID,
    *,
    trace_id: str = TRACE_ID,
    span_id: str = SPAN_ID,
    started_ms: int = STARTED_MS + 1_000,
    ended_ms: int = STARTED_MS + 1_800,
    **changes: Any,
) -> Json:
    """Return a screen that loads: a request and a database call under it."""
    spans = [
        span("http.client", "POST /v1/cart", started_ms + 100, parent_span_id=span_id),
        span("db", "select * from cart", started_ms + 200, parent_span_id=span_id),
    ]
    return changed(
        {
            "type": "transaction",
            "event_id": event_id,
            "transaction": "CartActivity",
            "start_timestamp": started_ms / 1000,
            "timestamp": ended_ms / 1000,
            "platform": "java",
            "release": "net.example.shop@4.2.0+118",
            "environment": "production",
            "sdk": {"name": "sentry.java.android", "version": "8.53.0"},
            "tags": {"flavor": "play"},
            "user": {"id": "u-1042"},
            "contexts": {
                "trace": {
                    "trace_id": trace_id,
                    "span_id": span_id,
                    "op": "ui.load",
                    "status": "ok",
                    "origin": "auto.ui.activity",
                }
            },
            "spans": [each | {"trace_id": trace_id} for each in spans],
        },
        changes,
    )


def span(
    op: str,
    description: str,
    started_ms: int,
    *,
    duration_ms: int = 80,
    **changes: Any,
) -> Json:
    """Return one span of a transaction; its id is made from its op and start."""
    return changed(
        {
            "trace_id": TRACE_ID,
            "span_id": f"{zlib.crc32(op.encode()):08x}{started_ms % 2**32:08x}",
            "parent_span_id": SPAN_ID,
            "op": op,
            "description": description,
            "status": "ok",
            "start_timestamp": started_ms / 1000,
            "timestamp": (started_ms + duration_ms) / 1000,
            "origin": "manual",
        },
        changes,
    )
