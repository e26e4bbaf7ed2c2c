"""Reads the two shapes in which SDKs write a time: ISO 8601 text and seconds since 1970.

Source: wire protocol notes, sections 4.4 and 11.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US: Final = 946_684_800_000_000
"""2000-01-01: an older clock is no clock."""
_END_US: Final = 4_102_444_800_000_000
"""2100-01-01, exclusive: a number beyond is milliseconds taken for seconds, or garbage."""
_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_CHARS: Final = 64


def read_ms(value: object) -> int | None:
    """Read a time as milliseconds since 1970, rounded to nearest.

    Args:
        value: ISO 8601 text (UTC where it names no offset), or a number of seconds; the number
            may stand in a string.

    Returns:
        None for anything else and for times outside the years 2000 to 2099.
    """
    us = _read_us(value)
    return None if us is None else (us + 500) // 1000


def read_at(value: object) -> datetime | None:
    """Read a time as `read_ms` does, to the microsecond, as an aware UTC datetime."""
    us = _read_us(value)
    return None if us is None else _EPOCH + timedelta(microseconds=us)


def read_epoch_ms(value: object) -> int | None:
    """Read a number that is milliseconds since 1970 already, as rrweb events carry it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        return None
    ms = round(value)
    return ms if _FIRST_US <= ms * 1000 < _END_US else None


def _read_us(value: object) -> int | None:
    """Read either shape as microseconds since 1970, or None."""
    if isinstance(value, str):
        us = _us_of_text(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        us = _us_of_seconds(value)
    else:
        return None
    return us if us is not None and _FIRST_US <= us < _END_US else None


def _us_of_seconds(seconds: float) -> int | None:
    return round(seconds * 1_000_000) if _is_finite(seconds) else None


def _us_of_text(text: str) -> int | None:
    if len(text) > _LONGEST_CHARS:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return _us_of_number(text)
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


def _us_of_number(text: str) -> int | None:
    try:
        return _us_of_seconds(float(text))
    except ValueError:
        return None


def _is_finite(number: float) -> bool:
    """Tell whether a float can hold the number: no NaN, no infinity, no giant integer."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False
