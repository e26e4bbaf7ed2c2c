"""Estimates what rules would delete, and when a disk is full: pure functions of daily totals."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from app.core.days import OLD_DAY
from app.core.ids import ProjectId
from app.db.counted_days import CountedDays
from app.projects.retention_rules import AtLimit, ProjectRules, ServerRules
from app.retention.plan import ROOM, is_due

GROWTH_DAYS: Final = 7
"""The number of whole days over which growth is averaged."""
FARTHEST_DAYS: Final = 3 * 365
"""The number of days after which a forecast ends."""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """The replays and bytes that a project stores of a day."""

    day: date
    replays: int
    size_bytes: int
    exempt_replays: int = 0
    """Replays that are pinned or held, which stay."""
    exempt_bytes: int = 0


@dataclass(frozen=True, slots=True)
class DeletionEstimate:
    """An estimate of what rules of age and bytes would delete; sizes of single replays vary."""

    replays: int = 0
    size_bytes: int = 0
    first_day: date | None = None
    last_day: date | None = None
    counts: CountedDays | None = None
    """The counts of sessions, outcomes and removals that would go."""

    @property
    def deletes(self) -> bool:
        """True if anything would be deleted."""
        return self.first_day is not None or self.counts is not None

    def plus(self, day: date, replays: int, size_bytes: int) -> "DeletionEstimate":
        """Return the estimate with one more day added."""
        days = [each for each in (self.first_day, self.last_day, day) if each is not None]
        return replace(
            self,
            replays=self.replays + replays,
            size_bytes=self.size_bytes + size_bytes,
            first_day=min(days),
            last_day=max(days),
        )


def estimate_deletion(
    rules: ProjectRules, server: ServerRules, days: Sequence[DayTotal], today: date
) -> DeletionEstimate:
    """Estimate what would be deleted of a project if it had these rules.

    Args:
        rules: The rules of the project.
        server: The rules of the server.
        days: The totals of the project's days, in any order.
        today: The day from which ages count.
    """
    kept_days = rules.effective_days(server)
    estimate = DeletionEstimate()
    left: list[DayTotal] = []
    for total in sorted(days, key=lambda each: each.day):
        if is_due(total.day, kept_days, today):
            estimate = estimate.plus(total.day, *_deletable(total))
            left.append(DayTotal(total.day, 0, total.exempt_bytes, 0, total.exempt_bytes))
        else:
            left.append(total)
    if rules.limit_bytes is None or rules.at_limit is not AtLimit.DELETE_OLDEST:
        return estimate
    stored = sum(total.size_bytes for total in left)
    if stored <= rules.limit_bytes:
        return estimate
    excess = stored - int(rules.limit_bytes * (1 - ROOM))
    for total in left:
        replays, size_bytes = _deletable(total)
        if excess <= 0:
            break
        if size_bytes > 0:
            share = min(1.0, excess / size_bytes)
            freed = min(excess, size_bytes)
            estimate = estimate.plus(total.day, _round_up(replays * share), freed)
            excess -= freed
    return estimate


@dataclass(frozen=True, slots=True)
class ProjectForecast:
    """The rules, totals and growth of one project, from which a forecast is made."""

    rules: ProjectRules
    day_bytes: Mapping[date, int]
    growth_bytes: int
    """Bytes that arrive each day, by the mean of the last days."""


def measure_growth(day_bytes: Mapping[date, int], today: date) -> int:
    """Return the mean of the last whole days; days before the first one do not count."""
    known = [day for day in day_bytes if day not in {OLD_DAY, today}]
    if not known:
        return 0
    whole_days = min(GROWTH_DAYS, (today - min(known)).days)
    recent = [size for day, size in day_bytes.items() if 1 <= (today - day).days <= whole_days]
    return sum(recent) // max(whole_days, 1)


def forecast_full_day(
    projects: Mapping[ProjectId, ProjectForecast],
    server: ServerRules,
    *,
    free_bytes: int,
    today: date,
) -> date | None:
    """Estimate the day on which a disk is full if as much arrives each day as lately.

    Args:
        projects: The rules, totals and growth of each project.
        server: The rules of the server.
        free_bytes: The room that is left.
        today: The day on which the forecast begins.

    Returns:
        The day; None if it is not full within three years.
    """
    stored = {
        project_id: defaultdict(int, project.day_bytes) for project_id, project in projects.items()
    }
    at_first = sum(sum(days.values()) for days in stored.values())
    for ahead in range(1, FARTHEST_DAYS + 1):
        day = today + timedelta(days=ahead)
        total = 0
        for project_id, project in projects.items():
            days = stored[project_id]
            days[day - timedelta(days=1)] += project.growth_bytes
            _drop_expired_days(days, project.rules, server, day)
            total += _cut_to_limit(days, project.rules)
        if total - at_first >= free_bytes:
            return day
    return None


def find_next_end(
    rules: ProjectRules, server: ServerRules, days: Sequence[date]
) -> tuple[date, date] | None:
    """Return the oldest day of a project and the day on which age deletes it; None if never."""
    kept_days = rules.effective_days(server)
    known = [day for day in days if day != OLD_DAY]
    if kept_days is None or not known:
        return None
    return min(known), min(known) + timedelta(days=kept_days + 1)


def _drop_expired_days(
    days: defaultdict[date, int], rules: ProjectRules, server: ServerRules, today: date
) -> None:
    kept_days = rules.effective_days(server)
    if kept_days is not None:
        # A day at a time: all earlier ones have gone on the days before.
        for day in [day for day in days if is_due(day, kept_days, today)]:
            del days[day]


def _cut_to_limit(days: defaultdict[date, int], rules: ProjectRules) -> int:
    """Take the excess over the limit from the oldest or newest days; return the bytes left."""
    total = sum(days.values())
    if rules.limit_bytes is None or total <= rules.limit_bytes:
        return total
    excess = total - rules.limit_bytes
    newest_first = rules.at_limit is AtLimit.REFUSE
    for day in sorted(days, reverse=newest_first):
        freed = min(excess, days[day])
        days[day] -= freed
        excess -= freed
        if excess <= 0:
            break
    return rules.limit_bytes


def _deletable(total: DayTotal) -> tuple[int, int]:
    return (
        max(0, total.replays - total.exempt_replays),
        max(0, total.size_bytes - total.exempt_bytes),
    )


def _round_up(number: float) -> int:
    return -int(-number // 1)
