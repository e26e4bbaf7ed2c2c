"""Scrubbing on the way in: read as JSON, take the secrets out, and only then read as a type."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec

from app.core.limits import LIMITS
from app.formats import addresses, jsonish, replay_event
from app.formats.replay_event import About, ReplayEvent
from app.ingest.items import facts
from app.ingest.items.facts import Facts
from app.ingest.prepared import Context
from app.scrub import walk
from app.scrub.places import Kind
from app.scrub.rules import Rules

_WITH_A_USER: Final = frozenset({Kind.EVENT, Kind.TRANSACTION, Kind.REPLAY_EVENT})
_KEPT_BYTES: Final = 2_048
"""Longer facts are read anew each time; real ones have some 500 bytes."""


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


@dataclass(frozen=True, slots=True)
class Told:
    """A replay event, and what of it its replay keeps."""

    event: ReplayEvent
    facts: Facts


def replay_event_of(data: memoryview, context: Context) -> Told:
    """Read a replay event; of what it holds only what is read is looked at.

    The segments of a phone say the same of app, device and user again and again. So that part is
    scrubbed and read once, and kept for the next one.

    Raises:
        Malformed: It is no JSON object, or names no replay and segment.
        TooLarge: It is over a limit.
    """
    raw, header = bytes(data), context.header
    parts = replay_event.part(raw) if len(raw) <= LIMITS.event_bytes else None
    if parts is None or addresses.is_asked(raw) or len(parts.about) > _KEPT_BYTES:
        return told_whole(raw, context)
    about, facts = _about(
        parts.about,
        context.rules,
        client_ip=context.client_ip,
        infer_ip=header.infer_ip,
        sdk_name=header.sdk_name,
        sdk_version=header.sdk_version,
    )
    moment = walk.scrub_json(parts.moment, context.rules, kind=Kind.REPLAY_EVENT).value
    return Told(replay_event.at_moment(moment, about), facts)


def told_whole(raw: bytes, context: Context) -> Told:
    """Read a replay event as `replay_event_of`, with nothing kept from others.

    Raises:
        Malformed: It is no JSON object, or names no replay and segment.
        TooLarge: It is over a limit.
    """
    picked = replay_event.pick(raw)
    clean = scrub(picked, raw, context, kind=Kind.REPLAY_EVENT)
    event = replay_event.of(picked if clean is None else clean, context.header)
    return Told(event, facts.of_segment(event.about))


@lru_cache(maxsize=2_048)
def _about(
    part: bytes,
    rules: Rules,
    *,
    client_ip: str | None,
    infer_ip: str | None,
    sdk_name: str | None,
    sdk_version: str | None,
) -> tuple[About, Facts]:
    value = msgspec.json.decode(part)
    addresses.fill(value, part, client_ip=client_ip, infer_ip=infer_ip, has_user=True)
    clean = walk.scrub_json(value, rules, kind=Kind.REPLAY_EVENT).value
    about = replay_event.about_of(clean, sdk_name=sdk_name, sdk_version=sdk_version)
    return about, facts.of_segment(about)
