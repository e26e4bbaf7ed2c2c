"""Conversions between units, and their texts in pages and logs."""

from datetime import UTC, datetime
from typing import Final

_KIB: Final = 1024
_NO_DECIMALS_FROM: Final = 10
"""Smaller sizes and seconds are written with one decimal."""
_SECOND_MS: Final = 1000
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S


def at_from_ms(ms: int) -> datetime:
    """Turn milliseconds since 1970 into an aware UTC datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def ms_from_at(at: datetime) -> int:
    """Turn an aware datetime into milliseconds since 1970, rounded to nearest."""
    return round(at.timestamp() * 1000)


def format_bytes(size_bytes: int) -> str:
    """Format a size: `12 bytes`, `34 KiB`, `5.6 MiB`."""
    if size_bytes < _KIB:
        return f"{size_bytes} bytes"
    size = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB"):
        size /= _KIB
        if size < _KIB:
            return f"{size:.0f} {unit}" if size >= _NO_DECIMALS_FROM else f"{size:.1f} {unit}"
    return f"{size / _KIB:.1f} TiB"


def format_clock(ms: int) -> str:
    """Format a position on a replay's clock: `0:07`, `12:34`, `1:02:03`."""
    total_s = max(0, ms) // 1000
    minutes, seconds = divmod(total_s, _MINUTE_S)
    hours, minutes = divmod(minutes, _MINUTE_S)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def format_duration(ms: int) -> str:
    """Format a duration: `340 ms`, `5.2 s`, `42 s`, `3 min 5 s`, `1 h 2 min`, `3 d 4 h`."""
    if ms < _SECOND_MS:
        return f"{ms} ms"
    if ms < _NO_DECIMALS_FROM * _SECOND_MS:
        return f"{ms / 1000:.1f} s".replace(".0 s", " s")
    total_s = ms // 1000
    if total_s < _MINUTE_S:
        return f"{total_s} s"
    if total_s < _HOUR_S:
        minutes, seconds = divmod(total_s, _MINUTE_S)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    if total_s < _DAY_S:
        hours, minutes = total_s // _HOUR_S, total_s % _HOUR_S // _MINUTE_S
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = total_s // _DAY_S, total_s % _DAY_S // _HOUR_S
    return f"{days} d {hours} h" if hours else f"{days} d"
