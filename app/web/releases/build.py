"""Builds the page of releases: sessions added up by release, with commits and deploys."""

import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time
from typing import Final, Literal

from app.core.ids import ProjectId
from app.formats.events import release_order
from app.projects.model import Project
from app.releases.model import Commit, ReleaseBuild
from app.triage.release_health import ReleaseHealth
from app.web.releases.page import BuildFacts, CommitRow, DeployRow, ReleaseRow, ReleasesPage
from app.web.urls import list_urls
from app.web.words import charts

DAYS: Final = 14
"""Days that the page shows."""
_GOOD_PERCENT: Final = 99.5
_FAIR_PERCENT: Final = 98.0
_SHORT_ID_CHARS: Final = 8
_COMMIT_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_WEB_ADDRESS: Final = re.compile(r"https?://[^/?#\\\s]", re.IGNORECASE)


def build_releases_page(
    project: Project, health: ReleaseHealth, *, environment: str, now: datetime
) -> ReleasesPage:
    """Describe the releases of a project.

    Args:
        project: The project.
        health: Its sessions of the last days, and what build servers said.
        environment: The environment to show; one that nothing is known of stands for all.
        now: Where the charts end.
    """
    known = {cohort.environment for cohort in health.sessions}
    known |= {deploy.environment for each in health.builds.values() for deploy in each.deploys}
    environments = tuple(sorted(known - {""}))
    shown = environment if environment in environments else ""
    return ReleasesPage(
        project_id=project.id,
        name=project.name,
        rows=build_release_rows(project.id, health, environment=shown, now=now),
        environments=environments,
        environment=shown,
        days=DAYS,
    )


def build_release_rows(
    project_id: ProjectId,
    health: ReleaseHealth,
    *,
    environment: str,
    now: datetime,
) -> tuple[ReleaseRow, ...]:
    """Add up sessions by release, the latest release first.

    Args:
        project_id: The project.
        health: Its sessions of the last days, and what build servers said.
        environment: The only environment to count; empty for all. Releases without sessions are
            shown if their latest deploys name it.
        now: Where the charts end.
    """
    by_status: defaultdict[str, Counter[str]] = defaultdict(Counter)
    by_day: defaultdict[str, Counter[date]] = defaultdict(Counter)
    for key, quantity in health.sessions.items():
        if environment and key.environment != environment:
            continue
        by_status[key.release][key.status] += quantity
        by_day[key.release][key.day] += quantity if key.status == "started" else 0
    last_days = {release: max(days) for release, days in by_day.items()}
    for version, named in health.builds.items():
        if not environment or any(each.environment == environment for each in named.deploys):
            last_days.setdefault(version, named.made_at.astimezone(UTC).date())
    # Releases without an order, such as commits, stand in the order in which they were last used.
    newest_first = sorted(last_days, key=lambda release: last_days[release], reverse=True)
    return tuple(
        _build_row(
            project_id,
            release,
            by_status[release],
            by_day[release],
            now,
            build=_describe_build(health.builds.get(release)),
        )
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
    *,
    build: BuildFacts | None,
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
        last_day=max(days, default=None),
        chart=charts.draw_days(at_noon, now, days=DAYS),
        issues_href=list_urls.issues(project=str(project_id), release=release, status="all"),
        replays_href=list_urls.filtered_by("release", release),
        build=build,
    )


def _describe_build(named: ReleaseBuild | None) -> BuildFacts | None:
    """Describe what build servers said about a release; None if none has named it."""
    if named is None:
        return None
    return BuildFacts(
        at=named.released_at or named.made_at,
        is_released=named.released_at is not None,
        is_archived=named.is_archived,
        ref=_shorten_ref(named.ref or ""),
        href=_keep_web_address(named.url),
        commits=tuple(_describe_commit(commit) for commit in named.commits),
        more_commits=named.commit_count - len(named.commits),
        deploys=tuple(
            DeployRow(deploy.environment, deploy.finished_at, _keep_web_address(deploy.url))
            for deploy in named.deploys
        ),
        more_deploys=named.deploy_count - len(named.deploys),
    )


def _describe_commit(commit: Commit) -> CommitRow:
    title = next(iter(commit.message.strip().splitlines()), "")
    author = commit.author_name or commit.author_email
    return CommitRow(_shorten_ref(commit.id), title, author)


def _shorten_ref(ref: str) -> str:
    """Cut the hash of a commit as Git does; names of branches and tags stay whole."""
    return ref[:_SHORT_ID_CHARS] if _COMMIT_HASH.fullmatch(ref) else ref


def _keep_web_address(url: str | None) -> str | None:
    """Return an address that a browser opens as a page; None for any other one, and for none."""
    return url if url is not None and _WEB_ADDRESS.match(url) else None


def _choose_tone(sessions: int, crashed: int) -> Literal["good", "warn", "bad"]:
    percent = 100 * (1 - crashed / sessions) if sessions else 100.0
    return "good" if percent >= _GOOD_PERCENT else "warn" if percent >= _FAIR_PERCENT else "bad"
