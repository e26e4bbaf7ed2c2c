"""Builds the page of releases: sessions added up by release."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Final, Literal

from app.core.ids import ProjectId
from app.formats.events import release_order
from app.projects.model import Project
from app.releases.model import SessionCohort
from app.web.releases.page import ReleaseRow, ReleasesPage
from app.web.urls import list_urls
from app.web.words import charts

DAYS: Final = 14
"""Days that the page shows."""
_GOOD_PERCENT: Final = 99.5
_FAIR_PERCENT: Final = 98.0


def build_releases_page(
    project: Project, counts: Mapping[SessionCohort, int], *, environment: str, now: datetime
) -> ReleasesPage:
    """Describe the releases of a project.

    Args:
        project: The project.
        counts: Its sessions of the last days.
        environment: The environment to show; any that is not in `counts` stands for all.
        now: Where the charts end.
    """
    environments = tuple(sorted({key.environment for key in counts if key.environment}))
    shown = environment if environment in environments else ""
    return ReleasesPage(
        project_id=project.id,
        name=project.name,
        rows=build_release_rows(project.id, counts, environment=shown, now=now),
        environments=environments,
        environment=shown,
        days=DAYS,
    )


def build_release_rows(
    project_id: ProjectId,
    counts: Mapping[SessionCohort, int],
    *,
    environment: str,
    now: datetime,
) -> tuple[ReleaseRow, ...]:
    """Add up sessions by release, the latest release first.

    Args:
        project_id: The project.
        counts: Its sessions of the last days.
        environment: The only environment to count; empty for all.
        now: Where the charts end.
    """
    by_status: defaultdict[str, Counter[str]] = defaultdict(Counter)
    by_day: defaultdict[str, Counter[date]] = defaultdict(Counter)
    for key, quantity in counts.items():
        if environment and key.environment != environment:
            continue
        by_status[key.release][key.status] += quantity
        by_day[key.release][key.day] += quantity if key.status == "started" else 0
    # Releases without an order, such as commits, stand in the order in which they were last used.
    newest_first = sorted(by_day, key=lambda release: max(by_day[release]), reverse=True)
    return tuple(
        _build_row(project_id, release, by_status[release], by_day[release], now)
        for release in release_order.sort_releases(newest_first)
    )


def format_crash_free(sessions: int, crashed: int) -> str:
    """Write the share that did not crash, cut and not rounded: one of a million is not 100 %."""
    if not sessions:
        return "none"
    kept = max(0, sessions - crashed)
    if kept == sessions:
        return "100 %"
    return f"{kept * 10_000 // sessions / 100:.2f} %"


def _build_row(
    project_id: ProjectId,
    release: str,
    statuses: Counter[str],
    days: Counter[date],
    now: datetime,
) -> ReleaseRow:
    # The end of a session may arrive although its start was lost; such a session counts too.
    ended = sum(statuses.values()) - statuses["started"]
    sessions = max(statuses["started"], ended)
    at_noon = {datetime.combine(day, time(12), UTC): count for day, count in days.items()}
    return ReleaseRow(
        release=release,
        sessions=sessions,
        crash_free=format_crash_free(sessions, statuses["crashed"]),
        tone=_choose_tone(sessions, statuses["crashed"]),
        crashed=statuses["crashed"],
        frozen=statuses["abnormal"],
        erring=statuses["errored"] + statuses["unhandled"],
        last_day=max(days),
        chart=charts.draw_days(at_noon, now, days=DAYS),
        issues_href=list_urls.issues(project=str(project_id), release=release, status="all"),
        replays_href=list_urls.filtered_by("release", release),
    )


def _choose_tone(sessions: int, crashed: int) -> Literal["good", "warn", "bad"]:
    percent = 100 * (1 - crashed / sessions) if sessions else 100.0
    return "good" if percent >= _GOOD_PERCENT else "warn" if percent >= _FAIR_PERCENT else "bad"
