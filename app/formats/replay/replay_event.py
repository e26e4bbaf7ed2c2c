"""Reads a `replay_event`: what one segment says about itself, its app, its device and its user.

Source: docs/protocol.md, section 4.4; relay `relay-event-schema/src/protocol/replay.rs`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Final

import msgspec

from app.core import ids
from app.core.errors import MalformedInput, OversizedInput, RequestRefused
from app.core.ids import ReplayId, TraceId
from app.core.limits import LIMITS
from app.core.log import shown
from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.wire.envelope import EnvelopeHeader

_NAME_CHARS: Final = 200
_SCREEN_CHARS: Final = 2_000
_MOST_LISTED: Final = 100
"""Screens and traces of one segment, as in Relay: each is a row, and phones tell fewer."""
_NO_HEADER: Final = EnvelopeHeader()
_TYPES: Final = {"session": "session", "buffer": "buffer", "error": "buffer"}
"""Old browser SDKs say `error` for what is `buffer` today."""


@dataclass(frozen=True, slots=True)
class User:
    """The user of the recorded app, as the SDK tells; `{{auto}}` is no address and left out."""

    id: str | None = None
    email: str | None = None
    username: str | None = None
    ip_address: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayFacts:
    """What a segment says of its app, its device and its user: as a rule what others said."""

    platform: str | None
    release: str | None
    environment: str | None
    dist: str | None
    sdk_name: str | None
    sdk_version: str | None
    user: User
    tags: dict[str, str]
    device_name: str | None
    device_brand: str | None
    device_model: str | None
    device_family: str | None
    os_name: str | None
    os_version: str | None
    app_name: str | None
    app_id: str | None
    app_version: str | None
    app_build: str | None


class ReplayEvent(msgspec.Struct, frozen=True, gc=False):
    """One segment's own account; times are those of the device's clock."""

    replay_id: ReplayId
    segment_id: int
    replay_type: str | None
    """`session` or `buffer`."""
    started_ms: int | None
    """`replay_start_timestamp`: of the segment on mobile, of the whole replay in browsers."""
    ended_ms: int | None
    screens: tuple[str, ...]
    """Screen names, in browsers URLs, in order; one shown for several frames stands once."""
    trace_ids: tuple[TraceId, ...]
    """`trace_ids` and `contexts.trace.trace_id`, each once, in order."""
    about: ReplayFacts


class SplitReplayEvent(msgspec.Struct, frozen=True, gc=False):
    """A replay event taken apart; scrubbed apart, its parts are what the whole is scrubbed."""

    moment: JsonObject
    """What each segment says anew: ids, times, screens; for `at_moment`."""
    about: bytes
    """The rest as JSON, the same bytes for the same facts; for `about_of` once decoded."""


class _Picked(msgspec.Struct, omit_defaults=True, gc=False):
    """Members that are read, of any type; a container of another type ends typed decoding."""


class _Device(_Picked):
    name: Any = None
    brand: Any = None
    manufacturer: Any = None
    model: Any = None
    family: Any = None


class _System(_Picked):
    name: Any = None
    version: Any = None


class _App(_Picked):
    app_name: Any = None
    app_identifier: Any = None
    app_version: Any = None
    app_build: Any = None


class _Trace(_Picked):
    trace_id: Any = None


class _Contexts(_Picked):
    device: _Device | None = None
    os: _System | None = None
    app: _App | None = None
    trace: _Trace | None = None


class _Sdk(_Picked):
    name: Any = None
    version: Any = None
    settings: Any = None


class _User(_Picked):
    id: Any = None
    email: Any = None
    username: Any = None
    ip_address: Any = None
    name: Any = None


class _Environment(_Picked):
    REMOTE_ADDR: Any = None


class _Request(_Picked):
    env: _Environment | None = None


class _Moment(_Picked):
    replay_id: Any = None
    segment_id: Any = None
    replay_type: Any = None
    replay_start_timestamp: Any = None
    timestamp: Any = None
    urls: Any = None
    trace_ids: Any = None


_MOMENT: Final = _Moment.__struct_fields__


class _Event(_Moment):
    platform: Any = None
    release: Any = None
    environment: Any = None
    dist: Any = None
    tags: Any = None
    user: _User | None = None
    request: _Request | None = None
    contexts: _Contexts | None = None
    sdk: _Sdk | None = None


_decode: Final = msgspec.json.Decoder(_Event).decode
_encode: Final = msgspec.json.Encoder().encode


def read(data: bytes | memoryview, header: EnvelopeHeader = _NO_HEADER) -> ReplayEvent:
    """Read a replay event; what has the wrong type counts as absent, bad list members go.

    Args:
        data: JSON.
        header: Of its envelope: it knows the SDK where the event of an app that had crashed does
            not.

    Raises:
        MalformedInput: It is no JSON object, or lacks a replay id or a segment id that can be read.
        OversizedInput: It is over `LIMITS.event_bytes`.
    """
    return read_replay_event(decode_replay_event(data), header)


def decode_replay_event(data: bytes | memoryview) -> JsonObject:
    """Decode of a replay event what is read of it, so that nothing else must be scrubbed.

    Most of an event are facts of the device that no page shows: building and scrubbing them too
    takes ten times as long.

    Raises:
        MalformedInput: It is no JSON object.
        OversizedInput: It is over `LIMITS.event_bytes`.
    """
    if len(data) > LIMITS.event_bytes:
        raise OversizedInput(
            f"replay_event has {len(data)} bytes, {LIMITS.event_bytes} are allowed"
        )
    raw = bytes(data)
    try:
        jsonish.check_shape(raw, "replay_event")
        picked: JsonObject = msgspec.to_builtins(_decode(raw))
    except (ValueError, RecursionError, MalformedInput):
        return jsonish.decode_object(raw, "replay_event")
    return picked


def try_split_replay_event(data: bytes) -> SplitReplayEvent | None:
    """Decode of a replay event what `pick` does, in two parts.

    Returns:
        None when it is unusual in any way. Then `pick` has the answer.
    """
    try:
        jsonish.check_shape(data, "replay_event")
        event = _decode(data)
        moment = {name: getattr(event, name) for name in _MOMENT}
        for name in _MOMENT:
            setattr(event, name, None)
        if event.contexts is not None and event.contexts.trace is not None:
            moment["contexts"] = {"trace": {"trace_id": event.contexts.trace.trace_id}}
            event.contexts.trace = None
        return SplitReplayEvent(moment, _encode(event))
    except (ValueError, OverflowError, RecursionError, RequestRefused):
        return None


def read_replay_event(raw: JsonObject, header: EnvelopeHeader = _NO_HEADER) -> ReplayEvent:
    """Read what `pick` picked.

    Raises:
        MalformedInput: It lacks a replay id or a segment id that can be read.
    """
    about = read_replay_facts(raw, sdk_name=header.sdk_name, sdk_version=header.sdk_version)
    return read_segment_members(raw, about)


def read_segment_members(raw: JsonObject, about: ReplayFacts) -> ReplayEvent:
    """Read what a segment says anew, and join it with the rest.

    Raises:
        MalformedInput: It lacks a replay id or a segment id that can be read.
    """
    return ReplayEvent(
        replay_id=_replay_id(raw),
        segment_id=_segment_id(raw),
        replay_type=_TYPES.get(_name(raw, "replay_type") or ""),
        started_ms=timestamps.read_ms(raw.get("replay_start_timestamp")),
        ended_ms=timestamps.read_ms(raw.get("timestamp")),
        screens=_screens(raw),
        trace_ids=_trace_ids(raw),
        about=about,
    )


def read_replay_facts(
    raw: JsonObject, *, sdk_name: str | None, sdk_version: str | None
) -> ReplayFacts:
    """Read what is mostly the same in a whole replay.

    Args:
        raw: The event, or the part of it that says this.
        sdk_name: What the envelope says of its SDK, for an event that says nothing.
        sdk_version: The same.
    """
    contexts = jsonish.mapping(raw, "contexts")
    device = jsonish.mapping(contexts, "device")
    system = jsonish.mapping(contexts, "os")
    app = jsonish.mapping(contexts, "app")
    sdk = jsonish.mapping(raw, "sdk")
    return ReplayFacts(
        platform=_name(raw, "platform"),
        release=_name(raw, "release"),
        environment=_name(raw, "environment"),
        dist=_name(raw, "dist"),
        sdk_name=_name(sdk, "name") or sdk_name,
        sdk_version=_name(sdk, "version") if _name(sdk, "name") else sdk_version,
        user=read_user(raw),
        tags=jsonish.pairs(raw, "tags", limit=_NAME_CHARS),
        device_name=_name(device, "name"),
        device_brand=_name(device, "brand") or _name(device, "manufacturer"),
        device_model=_name(device, "model"),
        device_family=_name(device, "family"),
        os_name=_name(system, "name"),
        os_version=_name(system, "version"),
        app_name=_name(app, "app_name"),
        app_id=_name(app, "app_identifier"),
        app_version=_name(app, "app_version"),
        app_build=_name(app, "app_build"),
    )


def read_user(raw: JsonObject) -> User:
    """Read the `user` member that replay events, events and transactions share."""
    user = jsonish.mapping(raw, "user")
    address = _name(user, "ip_address")
    return User(
        id=_name(user, "id"),
        email=_name(user, "email"),
        username=_name(user, "username"),
        ip_address=None if address == "{{auto}}" else address,
        name=_name(user, "name"),
    )


def _replay_id(raw: JsonObject) -> ReplayId:
    found = ids.read_hex32(raw.get("replay_id"))
    if found is None:
        raise MalformedInput(f"replay_id is no 32 hex digits: {shown(raw.get('replay_id'))}")
    return ReplayId(found)


def _segment_id(raw: JsonObject) -> int:
    found = jsonish.integer(raw, "segment_id", lowest=0, highest=LIMITS.segment_id)
    if found is None:
        raise MalformedInput(
            f"segment_id is no whole number from 0 to {LIMITS.segment_id}: "
            f"{shown(raw.get('segment_id'))}"
        )
    return found


def _screens(raw: JsonObject) -> tuple[str, ...]:
    names = (jsonish.text_of(url, limit=_SCREEN_CHARS) for url in jsonish.sequence(raw, "urls"))
    visited = (name for name, _ in groupby(name for name in names if name is not None))
    return tuple(islice(visited, _MOST_LISTED))


def _trace_ids(raw: JsonObject) -> tuple[TraceId, ...]:
    current = jsonish.mapping(jsonish.mapping(raw, "contexts"), "trace").get("trace_id")
    listed = _ids_once(jsonish.sequence(raw, "trace_ids"))[:_MOST_LISTED]
    return tuple(TraceId(trace_id) for trace_id in _ids_once([*listed, current]))


def _ids_once(values: Iterable[object]) -> list[str]:
    """Return the readable ids, each once, in their first order."""
    return list(dict.fromkeys(filter(None, map(ids.read_hex32, values))))


def _name(obj: JsonObject, key: str) -> str | None:
    return jsonish.text(obj, key, limit=_NAME_CHARS)
