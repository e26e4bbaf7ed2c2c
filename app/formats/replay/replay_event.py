"""Reads a `replay_event`: what one segment says about itself, its app, its device and its user.

`quick_replay_event.py` splits it, so that the facts that all segments of a replay repeat are read
once.

Source: docs/protocol.md, section 4.4; relay `relay-event-schema/src/protocol/replay.rs`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final

import msgspec

from app.core import ids
from app.core.errors import MalformedInput, OversizedInput
from app.core.ids import ReplayId, TraceId
from app.core.limits import LIMITS
from app.core.log import shown
from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.wire.envelope import EnvelopeHeader

_NAME_CHARS: Final = 200
_SCREEN_CHARS: Final = 2_000
_MOST_LISTED: Final = 100
"""Most screens and traces that one segment may name, as in Relay, since each becomes a row."""
_NO_HEADER: Final = EnvelopeHeader()
_TYPES: Final = {"session": "session", "buffer": "buffer", "error": "buffer"}
"""Old browser SDKs say `error` for what is `buffer` today."""


@dataclass(frozen=True, slots=True)
class User:
    """The user of the recorded app, as the SDK names them."""

    id: str | None = None
    email: str | None = None
    username: str | None = None
    ip_address: str | None = None
    """Never `{{auto}}`, with which SDKs ask the server for the address of the sender."""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayFacts:
    """The app, the device and the user; nearly all segments of a replay say the same of them."""

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
    """The facts that a segment states about itself; its times are by the device's clock."""

    replay_id: ReplayId
    segment_id: int
    replay_type: str | None
    """`session` or `buffer`."""
    started_ms: int | None
    """`replay_start_timestamp`: start of the segment on mobile, of the replay in browsers."""
    ended_ms: int | None
    """`timestamp`: end of the segment."""
    screens: tuple[str, ...]
    """Names of screens, or URLs in browsers, in order and without repetitions in a row."""
    trace_ids: tuple[TraceId, ...]
    """`trace_ids` and `contexts.trace.trace_id`, each once, in order."""
    facts: ReplayFacts


def decode_replay_event(data: bytes | memoryview) -> JsonObject:
    """Decode a replay event, for `read_replay_event`.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It is over `LIMITS.event_bytes`.
    """
    if len(data) > LIMITS.event_bytes:
        raise OversizedInput(
            f"replay_event has {len(data)} bytes, {LIMITS.event_bytes} are allowed"
        )
    return jsonish.decode_object(data, "replay_event")


def read_replay_event(raw: JsonObject, header: EnvelopeHeader = _NO_HEADER) -> ReplayEvent:
    """Read a decoded replay event; a member of the wrong type counts as absent.

    Args:
        raw: The event as decoded.
        header: The header of its envelope, which names the SDK where the event does not: that is
            so for apps that had crashed.

    Raises:
        MalformedInput: It lacks a replay id or a segment id that can be read.
    """
    facts = read_replay_facts(raw, sdk_name=header.sdk_name, sdk_version=header.sdk_version)
    return read_segment_members(raw, facts)


def read_segment_members(raw: JsonObject, facts: ReplayFacts) -> ReplayEvent:
    """Read the members that differ from segment to segment, and join them with the facts.

    Raises:
        MalformedInput: They lack a replay id or a segment id that can be read.
    """
    return ReplayEvent(
        replay_id=_read_replay_id(raw),
        segment_id=_read_segment_id(raw),
        replay_type=_TYPES.get(_read_name(raw, "replay_type") or ""),
        started_ms=timestamps.read_ms(raw.get("replay_start_timestamp")),
        ended_ms=timestamps.read_ms(raw.get("timestamp")),
        screens=_read_screens(raw),
        trace_ids=_read_trace_ids(raw),
        facts=facts,
    )


def read_replay_facts(
    raw: JsonObject, *, sdk_name: str | None, sdk_version: str | None
) -> ReplayFacts:
    """Read the members that are mostly the same in all segments of a replay.

    Args:
        raw: The event, or these of its members.
        sdk_name: The SDK that the envelope names, for an event that names none.
        sdk_version: The version of that SDK.
    """
    contexts = jsonish.mapping(raw, "contexts")
    device = jsonish.mapping(contexts, "device")
    system = jsonish.mapping(contexts, "os")
    app = jsonish.mapping(contexts, "app")
    sdk = jsonish.mapping(raw, "sdk")
    return ReplayFacts(
        platform=_read_name(raw, "platform"),
        release=_read_name(raw, "release"),
        environment=_read_name(raw, "environment"),
        dist=_read_name(raw, "dist"),
        sdk_name=_read_name(sdk, "name") or sdk_name,
        sdk_version=_read_name(sdk, "version") if _read_name(sdk, "name") else sdk_version,
        user=read_user(raw),
        tags=jsonish.pairs(raw, "tags", limit=_NAME_CHARS),
        device_name=_read_name(device, "name"),
        device_brand=_read_name(device, "brand") or _read_name(device, "manufacturer"),
        device_model=_read_name(device, "model"),
        device_family=_read_name(device, "family"),
        os_name=_read_name(system, "name"),
        os_version=_read_name(system, "version"),
        app_name=_read_name(app, "app_name"),
        app_id=_read_name(app, "app_identifier"),
        app_version=_read_name(app, "app_version"),
        app_build=_read_name(app, "app_build"),
    )


def read_user(raw: JsonObject) -> User:
    """Read the `user` member that replay events, events and transactions share."""
    user = jsonish.mapping(raw, "user")
    address = _read_name(user, "ip_address")
    return User(
        id=_read_name(user, "id"),
        email=_read_name(user, "email"),
        username=_read_name(user, "username"),
        ip_address=None if address == "{{auto}}" else address,
        name=_read_name(user, "name"),
    )


def _read_replay_id(raw: JsonObject) -> ReplayId:
    replay_id = ids.read_hex32(raw.get("replay_id"))
    if replay_id is None:
        raise MalformedInput(f"replay_id is not 32 hex digits: {shown(raw.get('replay_id'))}")
    return ReplayId(replay_id)


def _read_segment_id(raw: JsonObject) -> int:
    segment_id = jsonish.integer(raw, "segment_id", lowest=0, highest=LIMITS.segment_id)
    if segment_id is None:
        raise MalformedInput(
            f"segment_id is not a whole number from 0 to {LIMITS.segment_id}: "
            f"{shown(raw.get('segment_id'))}"
        )
    return segment_id


def _read_screens(raw: JsonObject) -> tuple[str, ...]:
    names = (jsonish.text_of(url, limit=_SCREEN_CHARS) for url in jsonish.sequence(raw, "urls"))
    visited = (name for name, _ in groupby(name for name in names if name is not None))
    return tuple(islice(visited, _MOST_LISTED))


def _read_trace_ids(raw: JsonObject) -> tuple[TraceId, ...]:
    current = jsonish.mapping(jsonish.mapping(raw, "contexts"), "trace").get("trace_id")
    listed = _read_ids_once(jsonish.sequence(raw, "trace_ids"))[:_MOST_LISTED]
    return tuple(TraceId(trace_id) for trace_id in _read_ids_once([*listed, current]))


def _read_ids_once(values: Iterable[object]) -> list[str]:
    """Return the readable ids, each once, in their first order."""
    return list(dict.fromkeys(filter(None, map(ids.read_hex32, values))))


def _read_name(obj: JsonObject, key: str) -> str | None:
    return jsonish.text(obj, key, limit=_NAME_CHARS)
