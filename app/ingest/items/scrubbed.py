"""Scrubbing on the way in: read as JSON, take the secrets out, and only then read as a type."""

from typing import Final

import msgspec

from app.formats import addresses, jsonish
from app.ingest.prepared import Context
from app.scrub import walk
from app.scrub.places import Kind

_WITH_A_USER: Final = frozenset({Kind.EVENT, Kind.TRANSACTION, Kind.REPLAY_EVENT})


def payload(data: memoryview, context: Context, *, kind: Kind, what: str) -> bytes | memoryview:
    """Return a JSON payload without secrets; the same object where there were none.

    Addresses that the SDK left to the server (`{{auto}}`) are filled in first.

    Raises:
        Malformed: It is no JSON.
        TooLarge: It is over a limit of JSON.
    """
    raw = bytes(data)
    value = jsonish.decode(raw, what)
    is_filled = addresses.fill(
        value,
        raw,
        client_ip=context.client_ip,
        infer_ip=context.header.infer_ip,
        has_user=kind in _WITH_A_USER,
    )
    clean = walk.scrub_json(value, context.rules, kind=kind)
    if clean.value is value and not is_filled:
        return data
    return msgspec.json.encode(clean.value)
