"""Conversions between units, and the words that pages and logs use for them."""

from datetime import UTC, datetime
from typing import Final

_KIB: Final = 1024
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
    """Write a size for people: `12 bytes`, `34 KiB`, `5.6 MiB`."""
    if size_bytes < _KIB:
        return f"{size_bytes} bytes"
    size = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB"):
        size /= _KIB
        if size < _KIB:
            return f"{size:.0f} {unit}" if size >= 10 else f"{size:.1f} {unit}"  # noqa: PLR2004
    return f"{size / _KIB:.1f} TiB"


def format_clock(ms: int) -> str:
    """Write a position on a replay's clock: `0:07`, `12:34`, `1:02:03`."""
    total_s = max(0, ms) // 1000
    minutes, seconds = divmod(total_s, _MINUTE_S)
    hours, minutes = divmod(minutes, _MINUTE_S)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def format_duration(ms: int) -> str:
    """Write a length for people: `340 ms`, `5.2 s`, `42 s`, `3 min 5 s`, `1 h 2 min`, `3 d 4 h`."""
    if ms < 1000:  # noqa: PLR2004
        return f"{ms} ms"
    if ms < 10_000:  # noqa: PLR2004
        return f"{ms / 1000:.1f} s".replace(".0 s", " s")
    total_s = ms // 1000
    if total_s < _MINUTE_S:
        return f"{total_s} s"
    if total_s < _HOUR_S:
        minutes, seconds = divmod(total_s, _MINUTE_S)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    if total_s < _DAY_S:
        hours, rest = divmod(total_s, _HOUR_S)
        return f"{hours} h {rest // _MINUTE_S} min" if rest >= _MINUTE_S else f"{hours} h"
    days, rest = divmod(total_s, _DAY_S)
    return f"{days} d {rest // _HOUR_S} h" if rest >= _HOUR_S else f"{days} d"
