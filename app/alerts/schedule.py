"""Computes when a rule may send: quiet times, daily summaries, limits; pure functions."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from app.alerts.model import AlertRuleSettings, TellWhen
from app.core.errors import InvalidInput

_DAY: Final = timedelta(days=1)
_LONGEST_NAME: Final = 64
HOUR: Final = timedelta(hours=1)


def find_due_at(settings: AlertRuleSettings, found_at: datetime) -> datetime:
    """Return the time at which a finding becomes a message; later findings join it until then."""
    if settings.tell is TellWhen.DAILY:
        return find_next_time(settings.tell_at, settings.time_zone, found_at)
    due_at = found_at + timedelta(minutes=settings.collect_min)
    return find_quiet_end(settings, due_at) or due_at


def find_quiet_end(settings: AlertRuleSettings, at: datetime) -> datetime | None:
    """Return the end of the quiet time that contains a moment; None if it is not quiet then.

    If clocks are set back over its end, it ends when they show that time again. A daily summary is
    sent at its own time, quiet or not.
    """
    if settings.tell is TellWhen.DAILY or not settings.quiet_from or not settings.quiet_until:
        return None
    begin, end = read_time(settings.quiet_from), read_time(settings.quiet_until)
    if begin == end:
        return None
    zone = read_time_zone(settings.time_zone)
    today = at.astimezone(zone).date()
    # Moments are compared, not times of day, which occur twice when the clocks are set back.
    for first_day in (today - _DAY, today, today + _DAY):
        last_day = first_day if begin < end else first_day + _DAY
        stop = max(_find_moments(last_day, end, zone))
        if min(_find_moments(first_day, begin, zone)) <= at < stop:
            # Clocks that are set forward may lead right into the next quiet time.
            return find_quiet_end(settings, stop) or stop
    return None


def find_next_time(time_of_day: str, time_zone: str, after: datetime) -> datetime:
    """Return the next moment at which clocks of a zone show a time of day.

    If clocks are set forward over that time, it is the moment at which they would have shown it.
    """
    zone = read_time_zone(time_zone)
    wanted = read_time(time_of_day)
    day = after.astimezone(zone).date() - _DAY
    while True:
        moment = datetime.combine(day, wanted, tzinfo=zone).astimezone(UTC)
        if moment > after:
            return moment
        day += _DAY


def _find_moments(day: date, time_of_day: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the two moments at which clocks show a time, as before and after a change of them.

    They are the same on other days. Where the clocks skip that time, they lie around the change.
    """
    local = datetime.combine(day, time_of_day, tzinfo=zone)
    return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def read_time(text: str) -> time:
    """Read a time of day: `08:00`.

    Raises:
        InvalidInput: The text is no time of day.
    """
    hours, _, minutes = text.strip().partition(":")
    if (
        not text.isascii()
        or not hours.isdecimal()
        or not minutes.isdecimal()
        or len(text.strip()) > len("00:00")
        or int(hours) > 23  # noqa: PLR2004 - hours of a day
        or int(minutes) > 59  # noqa: PLR2004 - minutes of an hour
    ):
        raise InvalidInput("a time of day is written as 08:00")
    return time(int(hours), int(minutes))


def read_time_zone(name: str) -> ZoneInfo:
    """Return a time zone by its name in the IANA database, such as `Europe/Berlin`.

    Raises:
        InvalidInput: There is no time zone of this name.
    """
    zone = _find_zone(name.strip()) if len(name) <= _LONGEST_NAME else None
    if zone is None:
        raise InvalidInput("there is no such time zone; write one such as Europe/Berlin, or UTC")
    return zone


@lru_cache(maxsize=128)
def _find_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # also for names that are paths
        return None
