"""Reads the two forms in which SDKs write a time: ISO 8601 text and seconds since 1970.

Source: docs/protocol.md, sections 4.4 and 11.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_S: Final = 1
"""A clock that was never set begins in 1970; less than a second is an empty field."""
SET_S: Final = 946_684_800
"""2000-01-01 as seconds: a clock with an earlier time was never set, but still measures time."""
_SET_AT: Final = datetime.fromtimestamp(SET_S, UTC)
END_S: Final = 4_102_444_800
"""2100-01-01 as seconds, exclusive: a larger number cannot be seconds."""
_MICROSECOND: Final = timedelta(microseconds=1)
_US_A_SECOND: Final = 1_000_000
_MS_A_SECOND: Final = 1_000
_LONGEST_CHARS: Final = 64


def read_ms(value: object) -> int | None:
    """Read a time as milliseconds since 1970, rounded to nearest.

    Args:
        value: ISO 8601 text (UTC if it has no offset), or a number of seconds, which may stand in
            a string. A number that is far too large for seconds and fits milliseconds is read as
            these, since apps that set a time themselves mix them up.

    Returns:
        None for anything else and for times outside the years 1970 to 2099.
    """
    us = _read_us(value)
    return None if us is None else (us + 500) // 1000


def read_at(value: object) -> datetime | None:
    """Read a time as `read_ms` does, to the microsecond, as an aware UTC datetime."""
    us = _read_us_of_seconds(value) if isinstance(value, float) else _read_us(value)
    return None if us is None else _EPOCH + timedelta(microseconds=us)


def read_epoch_ms(value: object) -> int | None:
    """Read a number of milliseconds since 1970, as rrweb events have it.

    Returns:
        None for anything else, and for a present time in seconds.
    """
    if type(value) is int or type(value) is float:
        is_time = SET_S * 1000 <= value < END_S * 1000 or _FIRST_S * 1000 <= value < SET_S
        is_time = is_time or END_S <= value < SET_S * 1000
        return round(value) if is_time else None
    return None


def is_set(at: datetime) -> bool:
    """Tell whether a time comes from a clock that was ever set, rightly or not."""
    return at >= _SET_AT


def is_set_ms(at_ms: float) -> bool:
    """Tell whether milliseconds since 1970 come from a clock that was ever set."""
    return at_ms >= SET_S * 1000


def _read_us(value: object) -> int | None:
    """Read either form as microseconds since 1970, or return None."""
    if isinstance(value, str):
        return _read_us_of_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _read_us_of_seconds(value)
    return None


def _read_us_of_seconds(seconds: float) -> int | None:
    """Read a number; NaN, infinities and giant integers fail the comparisons."""
    if _FIRST_S <= seconds < END_S:
        return round(seconds * _US_A_SECOND)
    is_ms = SET_S * _MS_A_SECOND <= seconds < END_S * _MS_A_SECOND
    return round(seconds * (_US_A_SECOND // _MS_A_SECOND)) if is_ms else None


def _read_us_of_text(text: str) -> int | None:
    if len(text) > _LONGEST_CHARS:
        return None
    try:
        at = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        return _read_us_of_number_text(text)
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    us = (aware - _EPOCH) // _MICROSECOND
    return us if _FIRST_S * _US_A_SECOND <= us < END_S * _US_A_SECOND else None


def _read_us_of_number_text(text: str) -> int | None:
    try:
        return _read_us_of_seconds(float(text))
    except ValueError:
        return None
