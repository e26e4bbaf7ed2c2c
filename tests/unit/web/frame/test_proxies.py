"""Tests of how untrusted proxies are noticed."""

import pytest
from starlette.datastructures import Headers

from app.core import clock
from app.web.frame.middleware import proxies
from app.web.frame.middleware.proxies import ProxyMonitor


def untrusted(client: tuple[str, int] | None, *forwarded: str) -> str | None:
    """Check one request; return the proxy that is noticed."""
    raw = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    watch = ProxyMonitor()
    watch.check_request({"type": "http", "client": client}, Headers(raw=raw))
    return watch.find_untrusted()


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3", "172.17.0.1", "::1", "fd00::1"])
def test_a_near_peer_that_forwards_is_a_proxy(peer: str):
    """Proxies on this machine, in a private network or in Docker's are noticed."""
    assert untrusted((peer, 5000), "203.0.113.9") == peer


@pytest.mark.parametrize(
    ("client", "forwarded"),
    [
        (("127.0.0.1", 5000), ()),
        (("8.8.8.8", 5000), ("203.0.113.9",)),
        (("203.0.113.9", 0), ("1.2.3.4, 203.0.113.9",)),
        (("10.9.9.9", 0), ("1.2.3.4", "10.9.9.9, 127.0.0.1")),
        (("unknown", 0), ("203.0.113.9",)),
        (None, ("203.0.113.9",)),
    ],
)
def test_who_is_trusted_or_far_away_is_passed_over(
    client: tuple[str, int] | None, forwarded: tuple[str, ...]
):
    """Behind a trusted proxy the client is the visitor; strangers cannot cause an alert."""
    assert untrusted(client, *forwarded) is None


def test_a_proxy_is_forgotten_after_an_hour(monkeypatch: pytest.MonkeyPatch):
    """The alert disappears an hour after the cause is gone."""
    at_s = clock.monotonic_s()
    watch = ProxyMonitor()
    headers = Headers({"x-forwarded-for": "203.0.113.9"})
    monkeypatch.setattr(proxies, "monotonic_s", lambda: at_s)
    watch.check_request({"type": "http", "client": ("10.0.0.1", 1)}, headers)
    assert watch.find_untrusted() == "10.0.0.1"
    monkeypatch.setattr(proxies, "monotonic_s", lambda: at_s + 3601)
    assert watch.find_untrusted() is None
