"""Holds the exceptions: hosts in the operator's own network to which webhooks may go."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from app.outbound.public_addresses import IPAddress


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Names and networks that an admin of the server has listed."""

    names: frozenset[str] = frozenset()
    """Names of hosts in lower case; one that begins with a dot allows all names below it."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> "AllowedHosts":
        """Read the entries of the setting: names (`chat.lan`, `.corp.lan`) and networks.

        Raises:
            ValueError: An entry is neither a name nor an address.
        """
        names: set[str] = set()
        networks: list[IPv4Network | IPv6Network] = []
        for entry in entries:
            try:
                networks.append(_read_network(entry))
            except ValueError:
                if not _is_name(entry):
                    raise ValueError(f"{entry!r} is neither a host nor a network") from None
                names.add(entry.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def allows_name(self, host: str) -> bool:
        """Tell whether a name is listed, itself or by a name above it."""
        name = host.lower().rstrip(".")
        labels = name.split(".")
        above = {"." + ".".join(labels[first:]) for first in range(1, len(labels))}
        return name in self.names or not above.isdisjoint(self.names)

    def allows_address(self, address: IPAddress) -> bool:
        """Tell whether an address lies in a listed network."""
        return any(
            address.version == network.version and address in network for network in self.networks
        )


def _read_network(entry: str) -> IPv4Network | IPv6Network:
    text = entry.replace("[", "").replace("]", "")
    return IPv6Network(text, strict=False) if ":" in text else IPv4Network(text, strict=False)


def _is_name(entry: str) -> bool:
    bare = entry.strip(".").replace(".", "").replace("-", "").replace("_", "")
    return bool(bare) and bare.isascii() and bare.isalnum() and "/" not in entry
