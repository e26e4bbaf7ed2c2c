"""Notices a proxy that is not trusted, so that every visitor seems to come from it.

uvicorn puts the visitor's address in the place of the proxy's if the proxy is trusted. Then the
client of a request is one of the addresses in its `X-Forwarded-For`, and else it is not.
"""

import ipaddress
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from app.core import log
from app.core.clock import monotonic_s

_SEEN_FOR_S: Final = 3600.0

_logger: Final = log.get_logger("web.proxies")


class ProxyWatch:
    """Remembers the proxy that was seen last; use it from one event loop."""

    def __init__(self) -> None:
        self._address: str | None = None
        self._at_s = 0.0

    def look_at(self, scope: Scope, headers: Headers) -> None:
        """Look whether a request came through a proxy that is not trusted.

        Strangers may send the header too. They come from public addresses, where a proxy of this
        server hardly ever is, so those are passed over.
        """
        forwarded = headers.getlist("x-forwarded-for")
        client = scope.get("client")
        if not forwarded or not client or not _is_near(client[0]):
            return
        address: str = client[0]
        if any(address == entry.strip() for line in forwarded for entry in line.split(",")):
            return
        if self.untrusted() != address:
            _logger.warning(
                "a proxy is not trusted: all who come through it share one address, and one limit "
                "of failed sign-ins; name it in PLAYHEAD_TRUSTED_PROXIES",
                proxy=address,
            )
        self._address, self._at_s = address, monotonic_s()

    def untrusted(self) -> str | None:
        """Return the address of a proxy that was seen within the last hour, if any."""
        return self._address if monotonic_s() - self._at_s <= _SEEN_FOR_S else None


def _is_near(host: str) -> bool:
    """Tell whether an address is of this machine or a private network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback
