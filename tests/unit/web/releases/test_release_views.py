"""Releases and their sessions in rows: added up, in order, and never better than they are."""

from datetime import UTC, date, datetime

import pytest

from app.core.ids import ProjectId
from app.formats.events.release_order import sort_releases
from app.projects.model import Project
from app.releases.model import Commit, Deploy, ReleaseBuild, SessionCohort
from app.triage.release_health import ReleaseHealth
from app.web.releases import build

NOW = datetime(2026, 8, 6, 12, tzinfo=UTC)
TODAY = NOW.date()
PROJECT_ID = ProjectId(7)


def counted(
    release: str, status: str, *, day: date = TODAY, environment: str = "production"
) -> SessionCohort:
    """Return what is counted."""
    return SessionCohort(PROJECT_ID, release, environment, day, status)


def test_sessions_of_a_release_are_added_up():
    """Over days and environments, or of one environment; each end in its column."""
    counts = {
        counted("shop@1.0", "started"): 10,
        counted("shop@1.0", "started", day=date(2026, 8, 5)): 5,
        counted("shop@1.0", "started", environment="beta"): 1,
        counted("shop@1.0", "crashed"): 2,
        counted("shop@1.0", "abnormal"): 1,
        counted("shop@1.0", "errored"): 3,
        counted("shop@1.0", "unhandled"): 1,
        counted("shop@1.0", "exited"): 4,
    }
    (row,) = build.build_release_rows(
        PROJECT_ID, ReleaseHealth(counts, {}), environment="", now=NOW
    )
    assert (row.sessions, row.crashed, row.frozen, row.erring) == (16, 2, 1, 4)
    assert (row.crash_free, row.tone, row.last_day) == ("87.50 %", "bad", TODAY)
    assert [bar.count for bar in row.chart.bars][-2:] == [5, 11]
    (beta,) = build.build_release_rows(
        PROJECT_ID, ReleaseHealth(counts, {}), environment="beta", now=NOW
    )
    assert (beta.sessions, beta.crash_free, beta.tone) == (1, "100 %", "good")
    project = Project(PROJECT_ID, "shop", "Shop", NOW, None)
    page = build.build_releases_page(
        project, ReleaseHealth(counts, {}), environment="none of these", now=NOW
    )
    assert (page.environments, page.environment) == (("beta", "production"), "")


def test_an_end_whose_start_was_lost_is_a_session():
    """A release cannot have crashed more often than it ran."""
    (row,) = build.build_release_rows(
        PROJECT_ID,
        ReleaseHealth({counted("shop@1.0", "crashed"): 3}, {}),
        environment="",
        now=NOW,
    )
    assert (row.sessions, row.crash_free) == (3, "0.00 %")


@pytest.mark.parametrize(
    ("sessions", "crashed", "expected"),
    [
        (0, 0, "none"),
        (10, 0, "100 %"),
        (1_000_000, 1, "99.99 %"),
        (3, 1, "66.66 %"),
        (2, 2, "0.00 %"),
    ],
)
def test_a_share_is_cut_and_not_rounded(sessions: int, crashed: int, expected: str):
    """One crash in a million is not none."""
    assert build.format_crash_free(sessions, crashed) == expected


def test_the_latest_release_is_the_first():
    """Packages stay together; what has no order comes last, as it was given."""
    given = ["3f2a", "shop@1.9.0", "api@2.0.0", "shop@1.10.0", "a1b2", "shop@1.10.0-beta.1"]
    assert sort_releases(given) == [
        "api@2.0.0", "shop@1.10.0", "shop@1.10.0-beta.1", "shop@1.9.0", "3f2a", "a1b2",
    ]  # fmt: skip


def named(version: str, *, deployed_to: str = "", url: str | None = None) -> ReleaseBuild:
    """Return a release that a build server has named."""
    deploys = (Deploy(1, PROJECT_ID, version, deployed_to, None, url, None, NOW),)
    return ReleaseBuild(
        version, NOW, None, url, "3f" * 20, is_archived=False, commit_count=3,
        commits=(Commit("3f" * 20, "shop", "Ada", "", "Pay at once\n\nWith a reason", ""),),
        deploy_count=4, deploys=deploys if deployed_to else (),
    )  # fmt: skip


def test_releases_that_only_builds_have_named_are_listed():
    """They stand among the others, and are part of the environments that they were brought to."""
    health = ReleaseHealth(
        {counted("shop@1.1", "started"): 1},
        {
            "shop@1.1": named("shop@1.1", deployed_to="production"),
            "shop@1.2": named("shop@1.2", deployed_to="beta"),
            "shop@1.0": named("shop@1.0"),
        },
    )
    rows = build.build_release_rows(PROJECT_ID, health, environment="", now=NOW)
    assert [(row.release, row.sessions) for row in rows] == [
        ("shop@1.2", 0), ("shop@1.1", 1), ("shop@1.0", 0),
    ]  # fmt: skip
    (beta,) = build.build_release_rows(PROJECT_ID, health, environment="beta", now=NOW)
    assert (beta.release, beta.last_day) == ("shop@1.2", None)
    assert beta.build
    assert (beta.build.ref, beta.build.more_commits, beta.build.more_deploys) == ("3f3f3f3f", 2, 3)
    (commit,) = beta.build.commits
    assert (commit.short_id, commit.title, commit.author) == ("3f3f3f3f", "Pay at once", "Ada")
    project = Project(PROJECT_ID, "shop", "Shop", NOW, None)
    page = build.build_releases_page(project, health, environment="", now=NOW)
    assert page.environments == ("beta", "production")


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://ci.example/1", True),
        ("HTTP://ci/1", True),
        ("javascript:alert(1)//https://ci", False),
        (" https://ci.example", False),
        ("data:text/html,x", False),
        ("//ci.example/1", False),
    ],
)
def test_only_web_addresses_of_builds_become_links(url: str, is_link: bool):
    """A build token may name any text; a browser runs some of them as scripts."""
    health = ReleaseHealth({}, {"shop@1.2": named("shop@1.2", deployed_to="beta", url=url)})
    (row,) = build.build_release_rows(PROJECT_ID, health, environment="", now=NOW)
    assert row.build
    assert (row.build.href is not None, row.build.deploys[0].href is not None) == (is_link, is_link)
