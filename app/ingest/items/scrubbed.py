"""Scrubbing on the way in: read as JSON, take the secrets out, and only then read as a type."""

from typing import Any, Final

import msgspec

from app.formats import addresses, jsonish, replay_event
from app.formats.replay_event import ReplayEvent
from app.ingest.prepared import Context
from app.scrub import walk
from app.scrub.places import Kind

_WITH_A_USER: Final = frozenset({Kind.EVENT, Kind.TRANSACTION, Kind.REPLAY_EVENT})


def payload(data: memoryview, context: Context, *, kind: Kind, what: str) -> bytes | memoryview:
    """Return a JSON payload without secrets; the same object where there were none.

    Raises:
        Malformed: It is no JSON.
        TooLarge: It is over a limit of JSON.
    """
    raw = bytes(data)
    value = jsonish.decode(raw, what)
    clean = scrub(value, raw, context, kind=kind)
    return data if clean is None else msgspec.json.encode(clean)


def scrub(value: Any, raw: bytes, context: Context, *, kind: Kind) -> Any | None:
    """Return a decoded payload without secrets; None where there were none.

    Addresses that the SDK left to the server (`{{auto}}`) are filled in first, in place.
    """
    is_filled = addresses.fill(
        value,
        raw,
        client_ip=context.client_ip,
        infer_ip=context.header.infer_ip,
        has_user=kind in _WITH_A_USER,
    )
    clean = walk.scrub_json(value, context.rules, kind=kind).value
    return None if clean is value and not is_filled else clean


def replay_event_of(data: memoryview, context: Context) -> ReplayEvent:
    """Read a replay event; of what it holds only what is read is looked at.

    Raises:
        Malformed: It is no JSON object, or names no replay and segment.
        TooLarge: It is over a limit.
    """
    raw = bytes(data)
    picked = replay_event.pick(raw)
    clean = scrub(picked, raw, context, kind=Kind.REPLAY_EVENT)
    return replay_event.of(picked if clean is None else clean, context.header)
