"""When rules tell what they found: quiet times over midnight and changes of the clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from app.alerts.model import AlertRuleSettings, TellWhen
from app.alerts.schedule import (
    find_due_at,
    find_next_time,
    find_quiet_end,
    read_time,
    read_time_zone,
)
from app.core.errors import InvalidInput


def at(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NIGHT = AlertRuleSettings(quiet_from="22:00", quiet_until="07:00", time_zone="Europe/Berlin")


def test_what_is_found_collects_for_some_minutes():
    """A rule without quiet times tells after the minutes for which it collects."""
    assert find_due_at(AlertRuleSettings(collect_min=5), at("2026-03-01 10:00")) == at(
        "2026-03-01 10:05"
    )


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-01-10 20:59", None),
        ("2026-01-10 21:00", "2026-01-11 06:00"),
        ("2026-01-11 05:59", "2026-01-11 06:00"),
        ("2026-01-11 06:00", None),
        ("2026-07-10 20:00", "2026-07-11 05:00"),
        # The clocks of Berlin are set forward and back in these nights.
        ("2026-03-28 23:30", "2026-03-29 05:00"),
        ("2026-10-24 23:30", "2026-10-25 06:00"),
    ],
)
def test_a_quiet_night_ends_by_the_clocks_of_its_zone(moment: str, end: str | None):
    """Quiet times lie over midnight, and last an hour less or more when clocks are set."""
    assert find_quiet_end(NIGHT, at(moment)) == (at(end) if end else None)


@pytest.mark.parametrize(
    ("quiet", "moment", "end"),
    [
        # Between 02:00 and 03:00, which comes twice in this night, in summer and in winter time.
        (("22:00", "02:30"), "2026-10-25 00:10", "2026-10-25 01:30"),
        (("22:00", "02:30"), "2026-10-25 00:40", "2026-10-25 01:30"),
        (("22:00", "02:30"), "2026-10-25 01:10", "2026-10-25 01:30"),
        (("22:00", "02:30"), "2026-10-25 01:30", None),
        (("02:30", "06:00"), "2026-10-25 00:40", "2026-10-25 05:00"),
        (("02:30", "06:00"), "2026-10-25 01:10", "2026-10-25 05:00"),
        # The same hour is left out in this one.
        (("22:00", "02:30"), "2026-03-29 00:40", "2026-03-29 01:30"),
        (("22:00", "02:30"), "2026-03-29 01:30", None),
        (("02:40", "02:35"), "2026-03-28 23:00", "2026-03-30 00:35"),
    ],
)
def test_a_quiet_time_that_ends_or_begins_while_clocks_are_set(
    quiet: tuple[str, str], moment: str, end: str | None
):
    """An hour that comes twice, or not at all, neither breaks it up nor makes it a day longer."""
    settings = AlertRuleSettings(
        quiet_from=quiet[0], quiet_until=quiet[1], time_zone="Europe/Berlin"
    )
    assert find_quiet_end(settings, at(moment)) == (at(end) if end else None)


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("Europe/Berlin", ("2026-03-29", "2026-10-25")),
        ("America/New_York", ("2026-03-08", "2026-11-01")),
        ("Australia/Lord_Howe", ("2026-04-05", "2026-10-04")),
        ("America/Havana", ("2026-03-08", "2026-11-01")),
        ("Asia/Kathmandu", ("2026-03-29",)),
        ("Pacific/Apia", ("2026-04-05",)),
    ],
)
def test_a_quiet_time_has_one_end_in_every_zone(zone: str, changes: tuple[str, ...]):
    """Whenever it is asked within one, the end is the same, near, and not quiet any more."""
    for quiet in (("22:00", "07:00"), ("23:50", "00:10"), ("00:00", "01:30"), ("01:45", "02:15")):
        settings = AlertRuleSettings(quiet_from=quiet[0], quiet_until=quiet[1], time_zone=zone)
        for day in changes:
            ends: list[datetime] = []
            for minutes in range(-36 * 60, 36 * 60, 10):
                moment = at(f"{day} 00:00") + timedelta(minutes=minutes)
                end = find_quiet_end(settings, moment)
                if end is None:
                    continue
                assert moment < end <= moment + timedelta(hours=10)
                assert find_quiet_end(settings, end) is None
                if not ends or ends[-1] != end:
                    assert not ends or moment >= ends[-1]
                    ends.append(end)
            assert 3 <= len(ends) <= 4, (zone, day, quiet)


def test_a_quiet_time_by_day():
    """Quiet times that do not pass midnight work as well."""
    settings = AlertRuleSettings(quiet_from="12:00", quiet_until="13:30")
    assert find_quiet_end(settings, at("2026-01-10 12:15")) == at("2026-01-10 13:30")
    assert find_quiet_end(settings, at("2026-01-10 13:30")) is None


def test_equal_times_are_no_quiet_time():
    """From eight to eight is never."""
    settings = AlertRuleSettings(quiet_from="08:00", quiet_until="08:00")
    assert find_quiet_end(settings, at("2026-01-10 08:00")) is None


def test_a_summary_comes_at_its_time_of_day():
    """The next one is today or tomorrow, by the clocks of the zone."""
    settings = AlertRuleSettings(tell=TellWhen.DAILY, tell_at="08:00", time_zone="America/New_York")
    assert find_due_at(settings, at("2026-01-10 12:59")) == at("2026-01-10 13:00")
    assert find_due_at(settings, at("2026-01-10 13:00")) == at("2026-01-11 13:00")
    assert find_due_at(settings, at("2026-03-07 13:30")) == at("2026-03-08 12:00")


def test_a_time_that_the_clocks_skip_still_comes():
    """In the night in which 02:30 does not exist, it is an hour later by the new time."""
    moment = find_next_time("02:30", "Europe/Berlin", at("2026-03-28 12:00"))
    assert moment == at("2026-03-29 01:30")
    assert find_next_time("02:30", "Europe/Berlin", moment) == at("2026-03-30 00:30")


@pytest.mark.parametrize(
    "text", ["", "8", "24:00", "08:60", "-1:00", "08:00:00", "\u0660\u0668:00", "ab:cd"]
)
def test_what_is_no_time_is_refused(text: str):
    """A time of day is hours and minutes."""
    with pytest.raises(InvalidInput):
        read_time(text)


@pytest.mark.parametrize(
    "name", ["", "Mars/Base", "../../etc/passwd", "/etc/localtime", "x" * 999, "\0"]
)
def test_what_is_no_zone_is_refused(name: str):
    """A name is looked up among zones, and never opens another file."""
    with pytest.raises(InvalidInput):
        read_time_zone(name)


def test_settings_are_stored_without_defaults_and_read_back():
    """Settings that a later release adds do not stop this one from reading."""
    settings = AlertRuleSettings(query="end:crash", tell=TellWhen.DAILY, hourly=3)
    stored = settings.to_json()
    assert stored == {"query": "end:crash", "tell": "daily", "hourly": 3}
    assert AlertRuleSettings.read({**stored, "colour": "red"}) == settings
    assert find_due_at(settings, at("2026-01-10 07:00")) - at("2026-01-10 07:00") == timedelta(
        hours=1
    )
