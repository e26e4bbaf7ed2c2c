"""Reads the address of a webhook as a person types it."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from app.core.errors import InvalidInput
from app.outbound.allowed_hosts import AllowedHosts
from app.outbound.public_addresses import is_public, read_address

LONGEST_CHARS: Final = 2_000
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """The parts of an address to which a request goes."""

    scheme: str
    host: str
    """The name in its ASCII form and lower case, or an address without brackets."""
    port: int
    target: str
    """The path and the query."""

    @property
    def authority(self) -> str:
        """The host as the header `Host` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def read_webhook_address(text: str, allowed: AllowedHosts) -> WebhookAddress:
    """Read an address, and refuse one whose text shows that no request may go there.

    The addresses behind a name are checked when a request is sent, by `OutboundClient`.

    Raises:
        InvalidInput: It is not the address of a webhook; the message says why.
    """
    parts, port = _split_url(text.strip())
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in _PORTS or not host:
        raise InvalidInput("the address of a webhook begins with https://")
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("a name and a password in the address are not sent; leave them out")
    if parts.fragment:
        raise InvalidInput("leave out the part of the address from # on")
    _judge_host(parts.scheme, host, allowed)
    target = parts.path or "/"
    return WebhookAddress(
        parts.scheme,
        host,
        port if port is not None else _PORTS[parts.scheme],
        f"{target}?{parts.query}" if parts.query else target,
    )


def _split_url(url: str) -> tuple[SplitResult, int | None]:
    """Split an address into its parts and its port.

    Raises:
        InvalidInput: It is too long, or has characters that no address has.
    """
    if len(url) > LONGEST_CHARS:
        raise InvalidInput(f"the address has more than {LONGEST_CHARS:,} characters")
    if not url.isascii() or not url.isprintable() or any(mark in url for mark in ' \\"<>^`{|}'):
        raise InvalidInput("the address has characters that no address has; copy it once more")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"the address cannot be read: {error}") from None
    return parts, port


def _judge_host(scheme: str, host: str, allowed: AllowedHosts) -> None:
    """Refuse an address of a private network, and http, unless an admin has listed the host.

    Raises:
        InvalidInput: It is refused.
    """
    address = read_address(host)
    is_listed = allowed.allows_name(host) or (
        address is not None and allowed.allows_address(address)
    )
    if is_listed:
        return
    if address is not None and not is_public(address):
        raise InvalidInput(
            "this address is in a private network; an admin of the server can allow it by"
            " PLAYHEAD_WEBHOOK_ALLOWED_HOSTS"
        )
    # Networks are listed by address, so a name in one of them can use http as well: what it
    # resolves to is judged when it is asked.
    if scheme != "https" and (address is not None or not allowed.networks):
        raise InvalidInput("the address must begin with https://, so that nobody reads along")
