"""Values of the pages of an issue."""

from dataclasses import replace
from datetime import timedelta

from app.core.ids import IssueId
from app.web.issue import page as issue
from app.web.urls import replay_urls
from tests.unit.web.samples import list_samples, room_samples
from tests.unit.web.samples.made_up import NOW, PROJECT, REPLAY

HEAD = issue.IssueHead(
    project_id=PROJECT,
    project_name="Cartwheel Android",
    project_href="/projects/318",
    issue_id=IssueId("7" * 32),
    href="/projects/318/issues/7",
    replays_href="/projects/318/issues/7/replays",
    feedback_href="/projects/318/issues/7/feedback",
    status_href="/projects/318/issues/7/status",
    delete_href="/projects/318/issues/7/delete",
    report_href="/projects/318/issues/7/report",
    report_file_href="/projects/318/issues/7/report/report.md",
    may_change=True,
    title="PaymentException: the card was declined by the bank that issued it",
    culprit="com.example.shop.cart.CheckoutViewModel in pay",
    kind="Crash",
    shape="crash",
    source="app",
    level="fatal",
    status="open",
    status_at=None,
    resolved_release=None,
    is_regressed=False,
    first_seen_at=NOW - timedelta(days=9),
    first_release="shop@4.2.0+118",
    last_seen_at=NOW - timedelta(minutes=4),
    last_release="shop@4.10.0+131",
    events=1_211,
    users=204,
    replay_users=3,
    replays=57,
)


def _linked(at_ms: int, **changes: object) -> issue.IssueReplayRow:
    href = replay_urls.replay_at(PROJECT, REPLAY, at_ms=at_ms)
    return issue.IssueReplayRow(list_samples.replay_row(**changes), at_ms, href)


REPLAYS = issue.IssueReplaysPage(
    HEAD,
    (
        _linked(44_500),
        _linked(3_000, user="5f0c2b1e-77aa-4c11-9d51-91ab2ff5c71e", device="samsung SM-S911B"),
        _linked(1_000, has_video=False, screens=("CatalogViewController", "UIAlertController")),
        _linked(9_000, is_live=True),
    ),
    back_href="/projects/318/issues/7/replays?before=1",
    next_href="/projects/318/issues/7/replays?after=1",
    named=64,
)
NO_REPLAYS = replace(REPLAYS, rows=(), back_href=None, next_href=None)
FEEDBACK = issue.IssueFeedbackPage(
    HEAD,
    room_samples.FEEDBACK.cards,
    back_href="/projects/318/issues/7/feedback?before=1",
    next_href="/projects/318/issues/7/feedback?after=1",
)
PAGES: dict[str, tuple[str, object]] = {
    "issue, replays": ("issue/replays.html", REPLAYS),
    "issue, no replays": ("issue/replays.html", NO_REPLAYS),
    "issue, feedback": ("issue/feedback.html", FEEDBACK),
}
"""The template and the page value of each sample, by name."""
