"""Which releases crash too often."""

from datetime import date

from app.alerts.model import AlertRuleSettings
from app.alerts.watch.releases import judge_releases
from app.core.ids import ProjectId
from app.releases.model import SessionCohort

PATH = "/projects/1/releases"


def count(
    release: str, sessions: int, crashed: int, *, environment: str = "production", day: int = 1
) -> dict[SessionCohort, int]:
    """Count the sessions of a release on a day."""
    return {
        SessionCohort(ProjectId(1), release, environment, date(2026, 5, day), status): quantity
        for status, quantity in (("started", sessions), ("crashed", crashed))
    }


def test_a_release_below_its_share_is_found():
    """Days and environments are added up, each release by itself."""
    counts = {
        **count("shop@1.0", 600, 2),
        **count("shop@1.0", 400, 9, day=2),
        **count("shop@2.0", 1_000, 10),
        **count("shop@3.0", 99, 99),
    }
    [finding] = judge_releases(counts, AlertRuleSettings(share_percent=99.0), path=PATH)
    assert finding.title == "shop@1.0: 98.9 % of sessions without a crash"
    assert "11 of 1,000 sessions" in finding.why
    assert finding.ids == {"release": "shop@1.0"}


def test_the_share_is_cut_and_not_rounded():
    """98.9999 % are below 99 %, and are shown so."""
    [finding] = judge_releases(count("a", 1_000_000, 10_001), AlertRuleSettings(), path=PATH)
    assert finding.title.startswith("a: 98.99 %")
    assert judge_releases(count("a", 1_000_000, 10_000), AlertRuleSettings(), path=PATH) == []


def test_a_rule_of_one_environment_leaves_others_out():
    """Crashes of test builds do not concern a rule for production."""
    counts = {
        **count("a", 1_000, 0),
        **count("a", 1_000, 900, environment="staging"),
    }
    assert judge_releases(counts, AlertRuleSettings(environment="production"), path=PATH) == []
    assert len(judge_releases(counts, AlertRuleSettings(), path=PATH)) == 1


def test_a_release_crashes_too_often_until_it_is_clearly_better():
    """Neither a share that goes up and down about the limit, nor a quiet night, is an end."""
    held = {"release:a"}
    for sessions, crashed, holds in (
        (100_000, 1_000, True),
        (100_000, 901, True),
        (100_000, 900, False),
        (5, 1, True),
        (0, 0, False),
    ):
        findings = judge_releases(
            count("a", sessions, crashed), AlertRuleSettings(), path=PATH, held=held
        )
        assert bool(findings) is holds, (sessions, crashed)
