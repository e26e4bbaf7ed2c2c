"""Finds hours with many more errors than usual, in a project or of one issue.

usual = the larger one of: the mean of the last 24 hours, the mean of this hour in the last 7 days

The larger one counts, so that neither the rush of every evening nor a bad day makes an alert each
hour. The current hour is completed with a part of the hour before. A spike lasts until the rate is
well below the limit, so that it does not begin and end again and again.

The judgement is a pure function.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts import conditions
from app.alerts.composing.addresses import MessageAddresses
from app.alerts.model import AlertRule, AlertRuleSettings
from app.alerts.watch.condition import WatchedCondition
from app.core.ids import IssueId
from app.issues.counts import hours as issue_hours

_HOUR: Final = timedelta(hours=1)
DAYS: Final = 7
_LEAST_HISTORY: Final = 24
"""The fewest hours of history by which a rate can be judged."""
_SIGMAS: Final = 3
"""Small numbers vary by chance: a spike exceeds the usual number by this many times its root."""
_LASTS: Final = 0.75
"""A spike lasts until the rate is below this share of the rate at which it began."""
_MOST_ISSUES: Final = 200
"""The most issues of a project that are judged, those with most events first."""
_OF_PROJECT: Final = "spike"


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """The number of errors in the last hour, and the usual number."""

    events: int
    usual: float


async def find_spikes(
    connection: AsyncConnection, rule: AlertRule, addresses: MessageAddresses, now: datetime
) -> list[WatchedCondition]:
    """Return the spike that a rule finds in its project now, if any."""
    if rule.project_id is None:
        return []
    first_at = await issue_hours.find_first_seen(connection, rule.project_id)
    if first_at is None:
        return []
    hours = await issue_hours.read_project_hours(
        connection,
        rule.project_id,
        since=_find_begin(now),
        only_crashes=rule.settings.only_crashes,
    )
    rate = measure_rate(hours, now, first_at)
    held = await conditions.list_held(connection, rule.id)
    if rate is None or not _is_spike(rate, rule.settings, is_held=_OF_PROJECT in held):
        return []
    what = "crashes" if rule.settings.only_crashes else "errors"
    return [
        WatchedCondition(
            _OF_PROJECT,
            f"{rate.events:,} {what} in the last hour",
            _explain(rate, rule.settings),
            addresses.issues_path(rule.project_id),
            over=f"The spike of {what} is over",
            facts=_list_facts(rate),
        )
    ]


async def find_issue_spikes(
    connection: AsyncConnection, rule: AlertRule, addresses: MessageAddresses, now: datetime
) -> list[WatchedCondition]:
    """Return the issues that happen much more often now than they usually do.

    The usual rate of a new issue is zero, so it is a spike as soon as it happens often.
    """
    if rule.project_id is None:
        return []
    first_at = await issue_hours.find_first_seen(connection, rule.project_id)
    if first_at is None:
        return []
    settings = rule.settings
    busy = await issue_hours.find_busy_issues(
        connection,
        rule.project_id,
        since=_find_hour(now) - _HOUR,
        least_events=settings.least_events * _LASTS,
        only_crashes=settings.only_crashes,
        limit=_MOST_ISSUES,
    )
    hours = await issue_hours.read_issue_hours(
        connection, rule.project_id, [each.issue_id for each in busy], since=_find_begin(now)
    )
    held = await conditions.list_held(connection, rule.id)
    found = []
    for issue in busy:
        subject = name_subject(issue.issue_id)
        rate = measure_rate(hours[issue.issue_id], now, first_at)
        if rate is None or not _is_spike(rate, settings, is_held=subject in held):
            continue
        found.append(
            WatchedCondition(
                subject,
                "",
                _explain(rate, settings),
                addresses.issue_path(rule.project_id, issue.issue_id),
                over="The spike is over",
                facts=_list_facts(rate),
                issue_id=issue.issue_id,
                event_id=issue.last_event_id,
            )
        )
    return found


def name_subject(issue_id: IssueId) -> str:
    """Return the subject of an issue's spike, by which it is told once while it holds."""
    return f"issue:{issue_id}"


def measure_rate(
    hours: Mapping[datetime, int], now: datetime, first_at: datetime
) -> ErrorRate | None:
    """Compare the last hour with those before.

    Args:
        hours: Events by the beginning of their hour, in UTC; empty hours are left out.
        now: The moment.
        first_at: The time of the first event that the project ever received.

    Returns:
        The rate; None while the history is too short to judge by.
    """
    this_hour = _find_hour(now)
    elapsed = (now - this_hour) / _HOUR
    last = hours.get(this_hour, 0) + hours.get(this_hour - _HOUR, 0) * (1 - elapsed)
    # The hour before may be part of the spike, so what is usual begins one earlier.
    end = this_hour - _HOUR
    begin = max(end - timedelta(days=DAYS), _find_hour(first_at))
    known = int((end - begin) / _HOUR)
    if known < _LEAST_HISTORY:
        return None
    day = [hours.get(end - number * _HOUR, 0) for number in range(1, _LEAST_HISTORY + 1)]
    same = [
        hours.get(at, 0)
        for number in range(1, DAYS + 1)
        if (at := this_hour - timedelta(days=number)) >= begin
    ]
    usual = max(sum(day) / len(day), sum(same) / len(same) if same else 0.0)
    return ErrorRate(round(last), usual)


def is_spike(rate: ErrorRate, factor: float, least_events: int, *, is_held: bool = False) -> bool:
    """Tell whether a rate is a spike; one that has begun lasts until it is well below the limit."""
    limit = max(rate.usual * factor, rate.usual + _SIGMAS * math.sqrt(rate.usual))
    share = _LASTS if is_held else 1
    return rate.events >= least_events * share and rate.events > limit * share


def _is_spike(rate: ErrorRate, settings: AlertRuleSettings, *, is_held: bool) -> bool:
    return is_spike(rate, settings.factor, settings.least_events, is_held=is_held)


def _find_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _find_begin(now: datetime) -> datetime:
    """Return the first moment whose hour may count."""
    return now - timedelta(days=DAYS, hours=2)


def _explain(rate: ErrorRate, settings: AlertRuleSettings) -> str:
    return (
        f"{_write_usual(rate)} an hour are usual at this time, and {settings.factor:g} times as"
        " many are a spike."
    )


def _list_facts(rate: ErrorRate) -> tuple[tuple[str, str], ...]:
    return (("Last hour", f"{rate.events:,}"), ("Usual", _write_usual(rate)))


def _write_usual(rate: ErrorRate) -> str:
    return f"{rate.usual:.1f}" if rate.usual < 10 else f"{rate.usual:,.0f}"  # noqa: PLR2004
