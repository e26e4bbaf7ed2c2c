"""Finds hours with many more errors than usual; the judgement is a pure function.

usual = the larger one of: the mean of the last 24 hours, the mean of this hour in the last 7 days

The larger one counts, so that neither the rush of every evening nor a bad day makes an alert each
hour. The hour that is not over yet is filled up with a part of the hour before.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Boolean, DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts.addresses import MessageAddresses
from app.alerts.model import AlertRule
from app.alerts.watch.condition import Condition
from app.core.ids import ProjectId

_HOUR: Final = timedelta(hours=1)
DAYS: Final = 7
_LEAST_HISTORY: Final = 24
"""Hours that must be known before anything is unusual."""
_SIGMAS: Final = 3
"""A small usual number varies by chance: the root of it, three times."""
_HOURS: Final = text(
    """
    select h.hour, sum(h.events)::bigint as events
    from issue_hours h join issues i using (project_id, issue_id)
    where h.project_id = :project and h.hour >= :since
      and (not :crashes or i.level = 'fatal'
           or i.kind in ('crash', 'native_crash', 'watchdog', 'anr', 'app_hang'))
    group by h.hour
    """
).bindparams(
    bindparam("project", type_=BigInteger()),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("crashes", type_=Boolean()),
)
_FIRST: Final = text(
    "select min(first_seen_at) from issues where project_id = :project"
).bindparams(bindparam("project", type_=BigInteger()))


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """The errors of the last hour, and how many are usual."""

    events: int
    usual: float


async def find_spikes(
    connection: AsyncConnection, rule: AlertRule, addresses: MessageAddresses, now: datetime
) -> list[Condition]:
    """Return the spike that a rule finds in its project now, if any."""
    if rule.project_id is None:
        return []
    only_crashes = rule.settings.only_crashes
    hours = await _read_hours(connection, rule.project_id, now, only_crashes=only_crashes)
    first_at = await connection.scalar(_FIRST, {"project": rule.project_id})
    if first_at is None:
        return []
    rate = measure_rate(hours, now, first_at)
    if rate is None or not is_spike(rate, rule.settings.factor, rule.settings.least_events):
        return []
    what = "crashes" if only_crashes else "errors"
    usual = f"{rate.usual:.1f}" if rate.usual < 10 else f"{rate.usual:,.0f}"  # noqa: PLR2004
    return [
        Condition(
            "spike",
            f"{rate.events:,} {what} in the last hour",
            f"{usual} an hour are usual at this time, and {rule.settings.factor:g} times as many"
            " are a spike.",
            addresses.issues_path(rule.project_id),
            over=f"The spike of {what} is over",
            facts=(("Last hour", f"{rate.events:,}"), ("Usual", usual)),
        )
    ]


def measure_rate(
    hours: Mapping[datetime, int], now: datetime, first_at: datetime
) -> ErrorRate | None:
    """Compare the last hour with those before.

    Args:
        hours: Events by the beginning of their hour, in UTC; empty hours are left out.
        now: The moment.
        first_at: When the first event ever happened.

    Returns:
        The rate; None while too little is known to say what is usual.
    """
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    elapsed = (now - this_hour) / _HOUR
    last = hours.get(this_hour, 0) + hours.get(this_hour - _HOUR, 0) * (1 - elapsed)
    # The hour before may be part of the spike, so what is usual begins one earlier.
    end = this_hour - _HOUR
    begin = max(end - timedelta(days=DAYS), first_at.replace(minute=0, second=0, microsecond=0))
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


def is_spike(rate: ErrorRate, factor: float, least_events: int) -> bool:
    """Tell a spike from an ordinary hour."""
    limit = max(rate.usual * factor, rate.usual + _SIGMAS * math.sqrt(rate.usual))
    return rate.events >= least_events and rate.events > limit


async def _read_hours(
    connection: AsyncConnection, project_id: ProjectId, now: datetime, *, only_crashes: bool
) -> dict[datetime, int]:
    parameters = {
        "project": project_id,
        "since": now - timedelta(days=DAYS, hours=2),
        "crashes": only_crashes,
    }
    return {row.hour: row.events for row in await connection.execute(_HOURS, parameters)}
