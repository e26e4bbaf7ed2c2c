"""Tests whether an address belongs to the public internet, and not to a private network.

Source: the IANA special-purpose address registries; RFC 6890, RFC 6052 (NAT64), RFC 3056 (6to4),
RFC 4380 (Teredo), RFC 4291, section 2.5.5 (IPv4 in IPv6).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

IPAddress = IPv4Address | IPv6Address

_CARRIES_IPV4: Final = (
    # The networks of IPv6 in which an address of IPv4 is written, and where: in which bits.
    (IPv6Network("::/96"), 0),
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)
_REFUSED: Final = (
    # Addresses that `is_global` lets through, though nobody's webhook is there. A translator of
    # these prefixes may stand in the network of this server, and leads to whatever it likes.
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("2001::/32"),
    IPv6Network("fec0::/10"),
    IPv6Network("100::/64"),
    IPv6Network("5f00::/16"),
)
_REFUSED_IPV4: Final = (IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"))
_LOW_32_BITS: Final = 0xFFFF_FFFF


def is_public(address: IPAddress) -> bool:
    """Tell whether an address belongs to the public internet.

    Private, loopback, link-local, shared (CGNAT), documentation, multicast and reserved addresses
    do not, nor do IPv6 addresses that contain such an IPv4 address.
    """
    if isinstance(address, IPv4Address):
        return _is_public_ipv4(address)
    if address.scope_id is not None or not address.is_global or address.is_multicast:
        return False
    if any(address in network for network in _REFUSED):
        return False
    carried = _find_carried_ipv4(address)
    return carried is None or _is_public_ipv4(carried)


def read_address(text: str) -> IPAddress | None:
    """Read an address as the resolver writes it; None for anything else."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_public_ipv4(address: IPv4Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _REFUSED_IPV4)
    )


def _find_carried_ipv4(address: IPv6Address) -> IPv4Address | None:
    for network, shift in _CARRIES_IPV4:
        if address in network:
            return IPv4Address((int(address) >> shift) & _LOW_32_BITS)
    return None
