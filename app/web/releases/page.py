"""Release health: how many sessions a release had, and how many ended well."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from app.core.ids import ProjectId
from app.formats.events import release_order
from app.releases.model import SessionCount
from app.web.urls import list_urls
from app.web.urls.list_urls import filtered_by
from app.web.words import charts
from app.web.words.charts import Chart

DAYS: Final = 14
_GOOD_PERCENT: Final = 99.5
_FAIR_PERCENT: Final = 98.0


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One release and its sessions."""

    release: str
    sessions: int
    crash_free: str
    """In percent, as it is written: never 100 % when one crashed."""
    tone: str
    """good, warn or bad: how many crashed."""
    crashed: int
    frozen: int
    """Ended by the system, or while the app did not respond."""
    erring: int
    """Went on after an error."""
    last_day: date
    chart: Chart
    issues_href: str
    replays_href: str


@dataclass(frozen=True, slots=True)
class ReleasesPage:
    """The releases of a project, the latest first."""

    project_id: ProjectId
    name: str
    rows: tuple[ReleaseRow, ...]
    environments: tuple[str, ...]
    environment: str
    """The one that is shown; empty for all."""
    days: int = DAYS


def rows(
    counts: Mapping[SessionCount, int], *, environment: str, now: datetime
) -> tuple[ReleaseRow, ...]:
    """Add up sessions by release, the latest release first.

    Args:
        counts: Of one project.
        environment: The only one to count; empty for all.
        now: Where the charts end.
    """
    by_release: defaultdict[str, Counter[str]] = defaultdict(Counter)
    by_day: defaultdict[str, Counter[date]] = defaultdict(Counter)
    project_ids: dict[str, ProjectId] = {}
    for key, quantity in counts.items():
        if environment and key.environment != environment:
            continue
        by_release[key.release][key.status] += quantity
        project_ids[key.release] = key.project_id
        by_day[key.release][key.day] += quantity if key.status == "started" else 0
    lately = sorted(by_release, key=lambda release: max(by_day[release]), reverse=True)
    return tuple(
        _row(project_ids[release], release, by_release[release], by_day[release], now)
        for release in release_order.sort_releases(lately)
    )


def environments(counts: Mapping[SessionCount, int]) -> tuple[str, ...]:
    """Name the environments that sessions ran in."""
    return tuple(sorted({key.environment for key in counts if key.environment}))


def percent(sessions: int, crashed: int) -> str:
    """Write the share that did not crash, cut and not rounded: one of a million is not 100 %."""
    if not sessions:
        return "none"
    kept = max(0, sessions - crashed)
    if kept == sessions:
        return "100 %"
    return f"{kept * 10_000 // sessions / 100:.2f} %"


def _row(
    project_id: ProjectId,
    release: str,
    statuses: Counter[str],
    days: Counter[date],
    now: datetime,
) -> ReleaseRow:
    # An end may be told while its start was lost: then it is a session all the same.
    ended = sum(statuses.values()) - statuses["started"]
    sessions = max(statuses["started"], ended)
    at_noon = {datetime.combine(day, time(12), UTC): count for day, count in days.items()}
    return ReleaseRow(
        release=release,
        sessions=sessions,
        crash_free=percent(sessions, statuses["crashed"]),
        tone=_tone(sessions, statuses["crashed"]),
        crashed=statuses["crashed"],
        frozen=statuses["abnormal"],
        erring=statuses["errored"] + statuses["unhandled"],
        last_day=max(days),
        chart=charts.days(at_noon, now, most=DAYS),
        issues_href=list_urls.issues(project=str(project_id), release=release, status="all"),
        replays_href=filtered_by("release", release),
    )


def _tone(sessions: int, crashed: int) -> str:
    share = 100 * (1 - crashed / sessions) if sessions else 100.0
    return "good" if share >= _GOOD_PERCENT else "warn" if share >= _FAIR_PERCENT else "bad"
