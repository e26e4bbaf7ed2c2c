"""Fills in the sender's address where an SDK left that to the server, or removes the request.

    {"user": {"ip_address": "{{auto}}"}, "sdk": {"settings": {"infer_ip": "auto"}}}

`{{auto}}` is an instruction. It is not an address, and is never stored.

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
"""Platforms whose older SDKs expect the server to fill in the address without a request."""
_ADDRESS_NAMES: Final = frozenset(
    {"ip_address", "REMOTE_ADDR", "user.ip_address", "client.address"}
)


def fill_addresses(
    value: Any, raw: bytes, *, client_ip: str | None, infer_ip: str | None, has_user: bool
) -> bool:
    """Fill in the sender's address in a payload, in place.

    Args:
        value: Decoded payload.
        raw: Payload before decoding; searching it is a hundred times faster than walking `value`.
        client_ip: Address of the sender; without it, requests for the address are removed.
        infer_ip: The SDK's wish in the envelope's header; one in the payload goes before it.
        has_user: True if payloads of this type have a user, who gets the address if the SDK expects
            that.

    Returns:
        True if anything was changed.
    """
    if not isinstance(value, dict):
        return False
    policy = _find_policy(value, infer_ip)
    address = None if policy == _NEVER else client_ip
    is_changed = asks_for_address(raw) and _replace_requests(
        value, address, is_address=False, depth=0
    )
    is_expected = policy == "auto" or (
        policy == _LEGACY and jsonish.text(value, "platform") in _INFERRED_ONCE
    )
    if has_user and is_expected and address:
        is_changed = _add_to_user(value, address) or is_changed
    return is_changed


def asks_for_address(raw: bytes) -> bool:
    """Tell whether a payload, as it came, asks for the sender's address anywhere."""
    return _AUTO_BYTES in raw


def _find_policy(value: JsonObject, header_policy: str | None) -> str:
    """Return the SDK's wish; an unknown word means never."""
    of_event = jsonish.mapping(jsonish.mapping(value, "sdk"), "settings")
    of_container = jsonish.mapping(value, "ingest_settings")
    policy = (
        jsonish.text(of_event, "infer_ip")
        or jsonish.text(of_container, "infer_ip")
        or header_policy
    )
    if policy is None:
        return _LEGACY
    return policy if policy in _POLICIES else _NEVER


def _add_to_user(value: JsonObject, address: str) -> bool:
    """Give the address to the user, unless the user has one."""
    if value.get("user") is None:
        value["user"] = {}
    user = value["user"]
    if not isinstance(user, dict) or user.get("ip_address"):
        return False
    environment = jsonish.mapping(jsonish.mapping(value, "request"), "env")
    user["ip_address"] = jsonish.text(environment, "REMOTE_ADDR") or address
    return True


def _replace_requests(value: Any, address: str | None, *, is_address: bool, depth: int) -> bool:
    """Replace `{{auto}}` by the address in fields for addresses, and by null elsewhere.

    Args:
        value: A container, changed in place; other values are left alone.
        address: Address of the sender, if it is known and may be stored.
        is_address: True if the field that holds `value` is for an address, which matters for a
            typed attribute, `{"type", "value"}`.
        depth: Depth of `value` in the payload.
    """
    if depth > LIMITS.json_depth or not isinstance(value, dict | list):
        return False
    is_changed = False
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in list(members):
        is_for_address = name in _ADDRESS_NAMES or (is_address and name == "value")
        if member == AUTO:
            value[name] = address if is_for_address else None
            is_changed = True
        elif _replace_requests(member, address, is_address=is_for_address, depth=depth + 1):
            is_changed = True
    return is_changed
