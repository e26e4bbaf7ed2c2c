"""The network that an address belongs to: all addresses that one sender may use count as one.

An IPv6 subscriber gets a /64 and may use another of its 2^64 addresses for each guess.

Source: RFC 6177; RFC 4291, section 2.5.5.2 (IPv4-mapped addresses).
"""

import ipaddress
from typing import Final

from app.db import text

_SUBSCRIBER_BITS: Final = 64
_LONGEST_BYTES: Final = 100


def network_of(address: str) -> str:
    """Return the name under which attempts from an address are counted.

    Args:
        address: The address of a sender, or any text where the server does not know it.

    Returns:
        The address itself for IPv4, its /64 network for IPv6, the cleaned text for anything else.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return text.clean(address, limit_bytes=_LONGEST_BYTES)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _SUBSCRIBER_BITS), strict=False))
