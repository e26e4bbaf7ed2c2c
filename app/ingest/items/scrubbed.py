"""Scrubbing on the way in: read as JSON, take the secrets out, and only then read as a type."""

from typing import Any

import msgspec

from app.formats import jsonish
from app.ingest.prepared import Context
from app.scrub import walk
from app.scrub.places import Kind


def payload(data: memoryview, context: Context, *, kind: Kind, what: str) -> bytes | memoryview:
    """Return a JSON payload without secrets; the same object where there were none.

    Addresses that the SDK left to the server (`{{auto}}`) are filled in first.

    Raises:
        Malformed: It is no JSON.
        TooLarge: It is over a limit of JSON.
    """
    value = jsonish.decode(data, what)
    is_filled = _fill_addresses(value, context.client_ip)
    clean = walk.scrub_json(value, context.rules, kind=kind)
    if clean.value is value and not is_filled:
        return data
    return msgspec.json.encode(clean.value)


def _fill_addresses(value: Any, client_ip: str | None) -> bool:
    """Put the sender's address where `{{auto}}` stands, or take the field out.

    Source: wire protocol notes 8.2: `{{auto}}` is an instruction and never stored as text.
    """
    if not isinstance(value, dict):
        return False
    request = value.get("request")
    places = (
        (value.get("user"), "ip_address"),
        (request.get("env") if isinstance(request, dict) else None, "REMOTE_ADDR"),
    )
    is_filled = False
    for owner, name in places:
        if isinstance(owner, dict) and owner.get(name) == "{{auto}}":
            is_filled = True
            if client_ip:
                owner[name] = client_ip
            else:
                del owner[name]
    return is_filled
