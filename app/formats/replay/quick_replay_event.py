"""Splits a replay event into what differs from segment to segment and what all of them repeat.

    JSON ─► typed members ─┬► ids, times, screens             as values
                           └► facts of app, device and user   as JSON, to be looked up by

The second part is the same to the byte for the segments of a phone, so a caller can remember what
it read from it. Scrubbing both parts gives the same result as scrubbing the whole event. Members
that nobody reads, most of them facts of the device, are never built.

It splits what SDKs usually send, and leaves everything else to `replay_event`.
"""

from typing import Any, Final

import msgspec

from app.core.errors import RequestRefused
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.jsonish import JsonObject


class SplitReplayEvent(msgspec.Struct, frozen=True, gc=False):
    """The two parts of a replay event."""

    segment_members: JsonObject
    """Ids, times and screens, for `replay_event.read_segment_members`."""
    facts_json: bytes
    """All other members that are read, as JSON, for `replay_event.read_replay_facts`."""


class _Members(msgspec.Struct, omit_defaults=True, gc=False):
    """Members that are read, of any type; a container of another type ends typed decoding."""


class _Device(_Members):
    name: Any = None
    brand: Any = None
    manufacturer: Any = None
    model: Any = None
    family: Any = None


class _System(_Members):
    name: Any = None
    version: Any = None


class _App(_Members):
    app_name: Any = None
    app_identifier: Any = None
    app_version: Any = None
    app_build: Any = None


class _Trace(_Members):
    trace_id: Any = None


class _ReplayContexts(_Members):
    device: _Device | None = None
    os: _System | None = None
    app: _App | None = None
    trace: _Trace | None = None


class _Sdk(_Members):
    name: Any = None
    version: Any = None
    settings: Any = None


class _User(_Members):
    id: Any = None
    email: Any = None
    username: Any = None
    ip_address: Any = None
    name: Any = None


class _Environment(_Members):
    REMOTE_ADDR: Any = None


class _ReplayRequest(_Members):
    env: _Environment | None = None


class _SegmentMembers(_Members):
    replay_id: Any = None
    segment_id: Any = None
    replay_type: Any = None
    replay_start_timestamp: Any = None
    timestamp: Any = None
    urls: Any = None
    trace_ids: Any = None


class _TypedReplayEvent(_SegmentMembers):
    platform: Any = None
    release: Any = None
    environment: Any = None
    dist: Any = None
    tags: Any = None
    user: _User | None = None
    request: _ReplayRequest | None = None
    contexts: _ReplayContexts | None = None
    sdk: _Sdk | None = None


_SEGMENT_MEMBERS: Final = _SegmentMembers.__struct_fields__
_decode: Final = msgspec.json.Decoder(_TypedReplayEvent).decode
_encode: Final = msgspec.json.Encoder().encode


def try_split_replay_event(data: bytes) -> SplitReplayEvent | None:
    """Split a replay event, if it is as SDKs usually send it.

    Returns:
        None for an event that is unusual in any way: broken, too large, nested too deep, or with
        containers of unexpected types.
    """
    if len(data) > LIMITS.event_bytes:
        return None
    try:
        jsonish.check_shape(data, "replay_event")
        event = _decode(data)
        segment_members = {name: getattr(event, name) for name in _SEGMENT_MEMBERS}
        for name in _SEGMENT_MEMBERS:
            setattr(event, name, None)
        if event.contexts is not None and event.contexts.trace is not None:
            trace = {"trace_id": event.contexts.trace.trace_id}
            segment_members["contexts"] = {"trace": trace}
            event.contexts.trace = None
        return SplitReplayEvent(segment_members, _encode(event))
    except (ValueError, OverflowError, RecursionError, RequestRefused):
        return None
