"""The only module that asks the operating system for the time, so that tests can stop the clock."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the server's time as an aware UTC datetime."""
    return datetime.now(UTC)  # noqa: TID251 - other modules call this function


def now_ms() -> int:
    """Return the server's time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def now_ns() -> int:
    """Return the server's time in nanoseconds since 1970."""
    return time.time_ns()


def monotonic_s() -> float:
    """Return seconds on a clock that never goes back, for measuring differences."""
    return time.monotonic()
