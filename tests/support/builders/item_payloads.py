"""Makes one good payload for every item type, for tests that go through all of them.

A new item type gets its payload here; `tests/unit/ingest/test_item_types.py` says so if it is
missing.
"""

from tests.support.builders import clips, envelopes, payloads, recordings
from tests.support.builders.wire import (
    EVENT_ID,
    SPAN_ID,
    STARTED_MS,
    TRACE_ID,
    Json,
    compact,
    iso,
)


def item_payloads(event_id: str = EVENT_ID) -> dict[str, bytes]:
    """Return a payload for every item type; `event_id` tells those of one call from others."""
    return {name: compact(payload) for name, payload in json_payloads(event_id).items()} | {
        "replay_video": envelopes.pack(
            {
                "replay_event": compact(payloads.replay_event()),
                "replay_recording": recordings.recording(recordings.segment_events()),
                "replay_video": clips.clip(),
            }
        ),
        "replay_recording": recordings.recording(recordings.segment_events()),
        "attachment": b"a note\n",
    }


def json_payloads(event_id: str = EVENT_ID) -> dict[str, Json]:
    """Return the payloads that are JSON objects, before they are written."""
    session = {"started": iso(STARTED_MS), "attrs": {"release": "shop@4.2.0"}}
    return {
        "replay_event": payloads.replay_event(replay_id=event_id, platform="web"),
        "event": payloads.event(event_id),
        "transaction": payloads.transaction(event_id),
        "span": {"items": [_streamed_span()]},
        "log": {
            "items": [{"timestamp": STARTED_MS / 1000, "level": "warn", "body": "cart is slow"}]
        },
        "feedback": {
            "timestamp": STARTED_MS / 1000,
            "contexts": {"feedback": {"message": "paying fails", "name": "Ada"}},
        },
        "user_report": {"event_id": event_id, "name": "Ada", "comments": "it fails"},
        "session": session | {"sid": event_id, "init": True, "status": "ok"},
        "sessions": {
            "aggregates": [{"started": iso(STARTED_MS), "exited": 2}],
            "attrs": {"release": "shop@4.2.0"},
        },
        "client_report": {
            "discarded_events": [{"reason": "sample_rate", "category": "replay", "quantity": 1}]
        },
    }


def _streamed_span() -> Json:
    return {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "name": "select * from cart",
        "start_timestamp": STARTED_MS / 1000,
        "end_timestamp": STARTED_MS / 1000 + 1,
        "status": "ok",
    }
