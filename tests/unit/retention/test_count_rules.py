"""How long counts of sessions, outcomes and removals are kept, and the plan that lets them go."""

from datetime import date, timedelta

import pytest

from app.core.ids import ProjectId
from app.db.counted_days import CountedDays
from app.projects.retention_rules import ProjectRules, ServerRules
from app.retention.plan import (
    DeleteCounts,
    DropPartition,
    RetentionInventory,
    StoredPart,
    find_last_count_days,
    is_due,
    make_plan,
)

TODAY = date(2026, 11, 30)
APP = ProjectId(1)


def keep(days: int | None) -> ProjectRules:
    """Return the rules of a project that keeps so many days."""
    return ProjectRules(follows_server=False, keep_days=days)


@pytest.mark.parametrize(
    ("rules", "server", "days"),
    [
        (keep(None), ServerRules(), 400),
        (keep(365), ServerRules(), 365),
        (keep(500), ServerRules(), 400),
        (keep(7), ServerRules(), 30),
        (ProjectRules(), ServerRules(default_days=90), 90),
        (keep(7), ServerRules(longest_days=14), 14),
        (keep(None), ServerRules(longest_days=20), 20),
    ],
)
def test_counts_are_kept_as_long_as_pages_show_them(
    rules: ProjectRules, server: ServerRules, days: int
):
    """A rule for content leaves counts of 30 days; the longest of the server is for them, too."""
    assert rules.count_days(server) == days
    last_day = find_last_count_days({APP: rules}, server, TODAY)[APP]
    assert is_due(last_day, days, TODAY)
    assert not is_due(last_day + timedelta(days=1), days, TODAY)


def test_ids_of_sessions_are_kept_for_a_month_at_most():
    """The longest that the server keeps anything is for ids of sessions, too."""
    assert ServerRules().mark_days == 30
    assert ServerRules(longest_days=365).mark_days == 30
    assert ServerRules(longest_days=7).mark_days == 7


def test_old_counts_go_last_and_by_a_rule_of_their_own():
    """A plan has the rows of counts that go, beside the days of content."""
    day = TODAY - timedelta(days=8)
    first, last = TODAY - timedelta(days=40), TODAY - timedelta(days=31)
    inventory = RetentionInventory(
        today=TODAY,
        server=ServerRules(),
        rules={APP: keep(7)},
        day_bytes={(APP, day): 100},
        parts=(StoredPart(APP, day, 1, replays=0, rows=1),),
        old_counts={APP: CountedDays(first, last, 12)},
    )
    days, counts = make_plan(inventory)
    assert isinstance(days, DropPartition)
    assert counts == DeleteCounts(APP, first, last, "keep counts 30 days", 12)
