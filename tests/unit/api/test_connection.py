"""A connection is closed after each limit of time, and not before; so is an idle one."""

from types import SimpleNamespace

import pytest

from app.api.connection import HttpConnection
from app.core.limits import LIMITS


def find_timeout(
    *, since_s: float, silent_s: float, has_headers: bool, is_paused: bool = False
) -> str:
    """Return the limit of time that a request exceeds, or nothing."""
    protocol = HttpConnection.__new__(HttpConnection)
    now_s = 10_000.0
    protocol.loop = SimpleNamespace(time=lambda: now_s)  # type: ignore[assignment]  # a clock
    protocol.flow = SimpleNamespace(read_paused=is_paused)  # type: ignore[assignment]  # as above
    protocol._request_began_s = now_s - since_s
    protocol._last_received_s = now_s - silent_s
    protocol._has_headers = has_headers
    return protocol._find_timeout() or ""


@pytest.mark.parametrize(("extra_s", "reason"), [(0.0, ""), (1.0, "headers")])
def test_headers_have_their_time(extra_s, reason):
    """Headers may take until their limit, also when they trickle in."""
    since_s = LIMITS.header_s + extra_s
    assert find_timeout(since_s=since_s, silent_s=0.0, has_headers=False) == reason


@pytest.mark.parametrize(("extra_s", "reason"), [(0.0, ""), (1.0, "silence")])
def test_silence_has_its_time(extra_s, reason):
    """A body may pause until the limit."""
    silent_s = LIMITS.silence_s + extra_s
    assert find_timeout(since_s=silent_s, silent_s=silent_s, has_headers=True) == reason


@pytest.mark.parametrize(("extra_s", "reason"), [(0.0, ""), (1.0, "whole request")])
def test_a_whole_request_has_its_time(extra_s, reason):
    """A whole request is limited in time, even if bytes keep coming."""
    since_s = LIMITS.request_s + extra_s
    assert find_timeout(since_s=since_s, silent_s=0.0, has_headers=True) == reason


def test_a_sender_that_waits_for_the_server_is_not_slow():
    """While reading is paused nothing can be received."""
    assert find_timeout(since_s=9_000, silent_s=9_000, has_headers=True, is_paused=True) == ""


def is_idle(*, answered_s: float, is_begun: bool = False, is_answered: bool = True) -> bool:
    """Tell whether a connection counts as idle so long after its last answer."""
    protocol = HttpConnection.__new__(HttpConnection)
    protocol.loop = SimpleNamespace(time=lambda: 10_000.0)  # type: ignore[assignment]  # a clock
    protocol.cycle = SimpleNamespace(response_complete=is_answered)  # type: ignore[assignment]  # all that is asked of it
    protocol.transport = SimpleNamespace(get_write_buffer_size=lambda: 0)  # type: ignore[assignment]  # an empty one
    protocol.timeout_keep_alive = 30
    protocol._request_began_s = 9_999.0 if is_begun else None
    protocol._last_answered_s = 10_000.0 - answered_s
    return protocol._is_idle()


def test_an_idle_connection_has_its_time():
    """An idle connection stays open until its limit, counted from the last answer."""
    assert not is_idle(answered_s=30)
    assert is_idle(answered_s=31)


def test_a_connection_with_a_request_is_not_idle():
    """A connection is busy while a request arrives, and until it is answered."""
    assert not is_idle(answered_s=900, is_begun=True)
    assert not is_idle(answered_s=900, is_answered=False)
