"""Which addresses count as public, in every form in which IPv6 can write one of IPv4."""

from ipaddress import IPv4Address, ip_address

import pytest

from app.outbound.public_addresses import is_public

PRIVATE_IPV4 = [
    "0.0.0.0", "0.1.2.3",
    "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
]  # fmt: skip
PRIVATE_IPV6 = [
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1",
    "ff0e::1", "100::1", "2001:db8::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "64:ff9b:1::a00:1", "2001:10::1", "3fff::1", "5f00::1",
]  # fmt: skip


def write_in_ipv6(address: str) -> list[str]:
    """Write an address of IPv4 in every form that IPv6 has for one."""
    number = int(IPv4Address(address))
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    return [
        f"::{high}:{low}",
        f"::ffff:{high}:{low}",
        f"::ffff:0:{high}:{low}",
        f"64:ff9b::{high}:{low}",
        f"2002:{high}:{low}::1",
    ]


@pytest.mark.parametrize("address", [*PRIVATE_IPV4, *PRIVATE_IPV6])
def test_a_private_address_is_not_public(address: str):
    """No address of a private, local, shared, reserved or multicast network is public."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE_IPV4)
def test_a_private_address_in_ipv6_is_not_public(address: str):
    """Mapped, compatible, translated, NAT64 and 6to4 forms of a private address are not public."""
    for form in write_in_ipv6(address):
        assert not is_public(ip_address(form)), form


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001:81b::200e"]
)
def test_a_public_address_is_public(address: str):
    """Addresses of the public internet are."""
    assert is_public(ip_address(address))


def test_nat64_of_a_public_address_is_public():
    """On a host that has IPv6 alone, receivers with IPv4 are reached through NAT64."""
    assert is_public(ip_address("64:ff9b::5db8:d822"))
