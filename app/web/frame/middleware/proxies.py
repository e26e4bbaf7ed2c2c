"""Notices proxies that are not trusted: through them, all visitors seem to have one address.

If a proxy is trusted, uvicorn replaces its address by the visitor's. Then the client of a request
is one of the addresses in its `X-Forwarded-For`; otherwise it is not.
"""

import ipaddress
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from app.core import log
from app.core.clock import monotonic_s

_SEEN_FOR_S: Final = 3600.0

_logger: Final = log.get_logger("web.proxies")


class ProxyMonitor:
    """Remembers the untrusted proxy that was seen last; use it from one event loop."""

    def __init__(self) -> None:
        self._address: str | None = None
        self._at_s = 0.0

    def check_request(self, scope: Scope, headers: Headers) -> None:
        """Check whether a request came through a proxy that is not trusted.

        Strangers may send the header too. They come from public addresses, which a proxy of this
        server hardly ever has, so requests from there are ignored.
        """
        forwarded = headers.getlist("x-forwarded-for")
        client = scope.get("client")
        if not forwarded or not client or not _is_private(client[0]):
            return
        address: str = client[0]
        if any(address == entry.strip() for line in forwarded for entry in line.split(",")):
            return
        if self.find_untrusted() != address:
            _logger.warning(
                "a proxy is not trusted: all visitors behind it share one address, and one limit "
                "of failed sign-ins; name it in PLAYHEAD_TRUSTED_PROXIES",
                proxy=address,
            )
        self._address, self._at_s = address, monotonic_s()

    def find_untrusted(self) -> str | None:
        """Return the address of a proxy that was seen within the last hour, if any."""
        return self._address if monotonic_s() - self._at_s <= _SEEN_FOR_S else None


def _is_private(host: str) -> bool:
    """Tell whether an address belongs to this machine or to a private network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback
