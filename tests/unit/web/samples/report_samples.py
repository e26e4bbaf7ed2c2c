"""Values of the pages of reports."""

from dataclasses import replace

from app.core.replay.replay_range import ReplayRange
from app.reports.tickets.templates import PLACEHOLDERS
from app.web.issue.report.page import IssueReportPage
from app.web.replay.report.page import ReplayReportPage
from app.web.settings.trackers.page import TrackerForm, TrackersPage
from app.web.urls import replay_urls
from app.web.words.reports.file_blocks import ReportFileBlock
from app.web.words.reports.ticket_blocks import NewTicketLink, TicketRow, TicketSection
from tests.unit.web.samples.made_up import NOW, PROJECT, REPLAY

_REPORT = """## Crash: `NullPointerException`

Recorded on `Google Pixel 9`, `Android 16`, `Cartwheel 4.2.1 (871)`, 2026-11-24 14:03 UTC.

[Watch the replay](https://replays.example/projects/318/replays/95d907b51382429d82eed5c93c8d1350?t=0)

### Steps

1. [0:28](https://replays.example/projects/318/replays/95d907?t=28.4) Tap `btn_pay` on `Checkout`
   - [0:28](https://replays.example/projects/318/replays/95d907?t=28.7) `POST /api/pay` answers 500
"""
_STEPS = """Replay: https://replays.example/projects/318/replays/95d907b51382429d82eed5c93c8d1350?t=0

1. [0:28] Tap “btn_pay” on “CheckoutActivity”.
     [0:28] “POST /api/pay” answers 500 after 30 ms.
"""
_FLOW = """# A skeleton that Playhead made from a recording: read it before you run it.
appId: "com.example.cartwheel"
---
- launchApp
- tapOn:
    id: "btn_pay"
"""
_FILES = (
    ReportFileBlock("report.md", "Report", "Markdown, to paste into a ticket or a chat.",
                    _REPORT * 3, "/r/report.md", is_flow=False),
    ReportFileBlock("steps.txt", "Steps", "Plain text, for any field that takes no markup.",
                    _STEPS, "/r/steps.txt", is_flow=False),
    ReportFileBlock("maestro.yaml", "Maestro flow", "A skeleton to complete, for Android and iOS.",
                    _FLOW, "/r/maestro.yaml", is_flow=True),
)  # fmt: skip
_TICKETS = TicketSection(
    rows=(
        TicketRow("SHOP-12", "https://acme.atlassian.net/browse/SHOP-12", "Ana Silva", NOW, "/x"),
        TicketRow(f"{'acme' * 12}/shop#1201", "https://github.com/acme/shop/issues/1201",
                  "Bo", NOW, None),
    ),
    links=(
        NewTicketLink("GitHub", "https://github.com/acme/shop/issues/new?title=x", is_cut=True),
        NewTicketLink("Jira of support", "https://acme.atlassian.net/secure", is_cut=False),
    ),
    keep_href="/projects/318/issues/7/tickets",
    trackers_href="/projects/318/settings/trackers",
)  # fmt: skip
_NO_TICKETS = TicketSection((), (), keep_href=None, trackers_href=None)
_FORM = TrackerForm(
    3, "github", "GitHub", "https://github.com/acme/shop", "{title}", "{link}\n\n{steps}", "", "",
    "/projects/318/settings/trackers/3", "/projects/318/settings/trackers/3/delete",
)  # fmt: skip
_JIRA = replace(
    _FORM, id=0, kind="jira", name="", address="acme", delete_href=None,
    problem="The address of a site is https://company.atlassian.net.",
)  # fmt: skip
TRACKERS = TrackersPage(
    PROJECT, "Cartwheel Android", (("github", "GitHub"), ("jira", "Jira")), PLACEHOLDERS,
    (_FORM,), _JIRA,
)  # fmt: skip
REPLAY_REPORT = ReplayReportPage(
    user="ana@example.com",
    started_at=NOW,
    replay_href=replay_urls.replay(PROJECT, REPLAY),
    hand_on_href=replay_urls.hand_on(PROJECT, REPLAY),
    whole_href=replay_urls.report(PROJECT, REPLAY),
    within=ReplayRange(20_000, 34_000),
    files=_FILES,
    tickets=_TICKETS,
    problem="The address of a ticket begins with https:// or http://.",
)
ISSUE_REPORT = IssueReportPage(
    title="PaymentException: the card was declined by the bank that issued it",
    issue_href="/projects/318/issues/7",
    event_href="/projects/318/issues/7/events/9",
    files=_FILES[:1],
    tickets=_NO_TICKETS,
)
PAGES: dict[str, tuple[str, object]] = {
    "replay report": ("replay/report.html", REPLAY_REPORT),
    "issue report": ("issue/report.html", ISSUE_REPORT),
    "trackers": ("settings/trackers.html", TRACKERS),
    "trackers, first": ("settings/trackers.html", replace(TRACKERS, trackers=())),
    "trackers, full": ("settings/trackers.html", replace(TRACKERS, new=None)),
}
"""The template and the page value of each sample, by name."""
