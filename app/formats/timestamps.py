"""Reads the two shapes in which SDKs write a time: ISO 8601 text and seconds since 1970.

Source: docs/protocol.md, sections 4.4 and 11.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_S: Final = 1
"""A clock that nobody has set begins in 1970. Less than a second is a field left empty."""
SET_S: Final = 946_684_800
"""2000-01-01: a clock that shows an older time was never set; it still tells how time passes."""
_SET_AT: Final = datetime.fromtimestamp(SET_S, UTC)
END_S: Final = 4_102_444_800
"""2100-01-01, exclusive: a larger number is no time in seconds."""
_MICROSECOND: Final = timedelta(microseconds=1)
_US_A_SECOND: Final = 1_000_000
_MS_A_SECOND: Final = 1_000
_LONGEST_CHARS: Final = 64


def read_ms(value: object) -> int | None:
    """Read a time as milliseconds since 1970, rounded to nearest.

    Args:
        value: ISO 8601 text (UTC where it names no offset), or a number of seconds; the number
            may stand in a string. What is far too large for seconds and fits milliseconds is read
            as these: apps that set a time themselves mix them up.

    Returns:
        None for anything else and for times outside the years 1970 to 2099.
    """
    us = _read_us(value)
    return None if us is None else (us + 500) // 1000


def read_at(value: object) -> datetime | None:
    """Read a time as `read_ms` does, to the microsecond, as an aware UTC datetime."""
    us = _us_of_seconds(value) if isinstance(value, float) else _read_us(value)
    return None if us is None else _EPOCH + timedelta(microseconds=us)


def read_epoch_ms(value: object) -> int | None:
    """Read a number that is milliseconds since 1970 already, as rrweb events carry it.

    Returns:
        None for what is no such number; also for one that is a time of today in seconds.
    """
    if type(value) is int or type(value) is float:
        is_time = SET_S * 1000 <= value < END_S * 1000 or _FIRST_S * 1000 <= value < SET_S
        is_time = is_time or END_S <= value < SET_S * 1000
        return round(value) if is_time else None
    return None


def is_set(at: datetime) -> bool:
    """Tell whether a time is that of a clock that somebody has set, whether rightly or not."""
    return at >= _SET_AT


def is_set_ms(at_ms: float) -> bool:
    """Tell the same of milliseconds since 1970."""
    return at_ms >= SET_S * 1000


def _read_us(value: object) -> int | None:
    """Read either shape as microseconds since 1970, or None."""
    if isinstance(value, str):
        return _us_of_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _us_of_seconds(value)
    return None


def _us_of_seconds(seconds: float) -> int | None:
    """Compare before multiplying: NaN, infinities and giant integers fall out here."""
    if _FIRST_S <= seconds < END_S:
        return round(seconds * _US_A_SECOND)
    is_ms = SET_S * _MS_A_SECOND <= seconds < END_S * _MS_A_SECOND
    return round(seconds * (_US_A_SECOND // _MS_A_SECOND)) if is_ms else None


def _us_of_text(text: str) -> int | None:
    if len(text) > _LONGEST_CHARS:
        return None
    try:
        at = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        return _us_of_number(text)
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    us = (aware - _EPOCH) // _MICROSECOND
    return us if _FIRST_S * _US_A_SECOND <= us < END_S * _US_A_SECOND else None


def _us_of_number(text: str) -> int | None:
    try:
        return _us_of_seconds(float(text))
    except ValueError:
        return None
