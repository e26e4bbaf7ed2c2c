"""Puts the sender's address where an SDK left it to the server, or takes the request for it out.

    {"user": {"ip_address": "{{auto}}"}, "sdk": {"settings": {"infer_ip": "auto"}}}

`{{auto}}` is an instruction. It is never an address, and never stored as text.

Source: docs/protocol.md, section 8.2; relay `normalize/mod.rs`.
"""

from typing import Any, Final

from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.jsonish import JsonObject

AUTO: Final = "{{auto}}"
_AUTO_BYTES: Final = AUTO.encode()
_NEVER: Final = "never"
_LEGACY: Final = "legacy"
_POLICIES: Final = frozenset({"auto", _NEVER, _LEGACY})
_INFERRED_ONCE: Final = frozenset({"javascript", "cocoa", "objc"})
"""Platforms whose SDKs once counted on the server, without a word on the wire."""
_ADDRESS_NAMES: Final = frozenset(
    {"ip_address", "REMOTE_ADDR", "user.ip_address", "client.address"}
)


def fill_addresses(
    value: Any, raw: bytes, *, client_ip: str | None, infer_ip: str | None, has_user: bool
) -> bool:
    """Fill the addresses of what an SDK sent, in place.

    Args:
        value: As decoded.
        raw: Before decoding: it is searched a hundred times faster than `value` is walked.
        client_ip: Who sent it; without, what was asked for is taken out.
        infer_ip: What the envelope's header says about it; the payload's own word goes first.
        has_user: It is of a kind that has one: then the address is noted, if the SDK counts on it.

    Returns:
        Whether anything was changed.
    """
    if not isinstance(value, dict):
        return False
    policy = _policy(value, infer_ip)
    address = None if policy == _NEVER else client_ip
    is_changed = asks_for_address(raw) and _settle_all(value, address, is_address=False, depth=0)
    is_expected = policy == "auto" or (
        policy == _LEGACY and jsonish.text(value, "platform") in _INFERRED_ONCE
    )
    if has_user and is_expected and address:
        is_changed = _infer(value, address) or is_changed
    return is_changed


def asks_for_address(raw: bytes) -> bool:
    """Tell whether a payload as it came asks for the sender's address anywhere."""
    return _AUTO_BYTES in raw


def _policy(value: JsonObject, said_by_header: str | None) -> str:
    """Tell what the SDK wants; a word that is not known means never."""
    of_event = jsonish.mapping(jsonish.mapping(value, "sdk"), "settings")
    of_container = jsonish.mapping(value, "ingest_settings")
    said = (
        jsonish.text(of_event, "infer_ip")
        or jsonish.text(of_container, "infer_ip")
        or said_by_header
    )
    if said is None:
        return _LEGACY
    return said if said in _POLICIES else _NEVER


def _infer(value: JsonObject, address: str) -> bool:
    """Note the address of a user who has none."""
    if value.get("user") is None:
        value["user"] = {}
    user = value["user"]
    if not isinstance(user, dict) or user.get("ip_address"):
        return False
    environment = jsonish.mapping(jsonish.mapping(value, "request"), "env")
    user["ip_address"] = jsonish.text(environment, "REMOTE_ADDR") or address
    return True


def _settle_all(value: Any, address: str | None, *, is_address: bool, depth: int) -> bool:
    """Put the address, or nothing, wherever `{{auto}}` stands; elsewhere than in its place, null.

    Args:
        value: A container, changed in place; anything else is left alone.
        address: The sender's.
        is_address: What stands here is one. Of a typed attribute, `{"type", "value"}`, the name
            is outside.
        depth: How deep this is.
    """
    if depth > LIMITS.json_depth or not isinstance(value, dict | list):
        return False
    is_changed = False
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in list(members):
        belongs = name in _ADDRESS_NAMES or (is_address and name == "value")
        if member == AUTO:
            value[name] = address if belongs else None
            is_changed = True
        elif _settle_all(member, address, is_address=belongs, depth=depth + 1):
            is_changed = True
    return is_changed
