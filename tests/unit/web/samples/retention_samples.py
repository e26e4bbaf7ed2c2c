"""Values of the pages about what is kept: full ones, empty ones, with long words."""

from dataclasses import replace
from datetime import UTC, date, datetime

from app.core.ids import ProjectId
from app.retention.rules.rules_form import RulesForm
from app.web.project.page import Storage
from app.web.replay.keeping.page import HoldRow, HoldsPage
from app.web.retention.page import ConfirmPage, EndedRow, KeptRow, KindRow, RetentionPage
from app.web.storage.page import (
    EndedDay,
    KeptReplay,
    KindShare,
    ProjectRow,
    ServerConfirmPage,
    ServerForm,
    StoragePage,
)
from app.web.words.replay.holds import HoldForm

NOW = datetime(2026, 11, 24, 10, 31, tzinfo=UTC)
LONG = "x" * 60 + " " + "Long words of a rule " * 6
WORDS = "Kept for 30 days; up to 20.0 GiB, then the oldest data is deleted."

STORAGE = Storage(900, 200, 1_000, deletes_oldest=True, words=WORDS, retention_href="/k",
                  may_change=True)  # fmt: skip
FULL_STORAGE = replace(STORAGE, file_bytes=100, deletes_oldest=False, may_change=False)
NO_STORAGE = Storage(0, 0, None, deletes_oldest=False, words="Kept for ever.", retention_href="/k",
                     may_change=False)  # fmt: skip

FORM = RulesForm("30", "", "20", "delete_oldest", "count_errors:>0\nscreen:Checkout*", "24")
RULES = RetentionPage(
    project_id=ProjectId(318),
    name="Shop",
    may_change=True,
    words=WORDS,
    counts_words="Daily counts of sessions, of what arrived and of what was removed name no user:"
    " they are kept for 30 days. Ids of sessions, which tell repeated reports apart, are kept for"
    " 30 days.",
    server_words="90 days",
    longest_words="180 days",
    form=FORM,
    debug_files=1_204,
    debug_bytes=3_328_599_654,
    kinds=(
        KindRow("Video", 12_004, 12_000_000_000),
        KindRow("Recordings (breadcrumbs, requests)", 12_004, 900_000_000),
    ),
    size_bytes=12_900_000_000,
    limit_bytes=20 * 2**30,
    oldest_day="25 Oct 2026",
    pins=(KeptRow("/r", "ab" * 16, "Pinned", NOW, "Ana Silva"),),
    pinned=1_204,
    holds=(KeptRow("/r", "cd" * 16, f"Case 4, until 30 Jun 2027: {LONG}", NOW, LONG),),
    held=1,
    ended=(
        EndedRow("24 Oct 2026", "keep 30 days", 1_204, 12_300_000_000, NOW, is_swept=True),
        EndedRow("23 Oct 2026", LONG, 1, 1, NOW, is_swept=False),
    ),
    problem="The number of days is between 1 and 36,500.",
)
EMPTY_RULES = replace(
    RULES, may_change=False, longest_words=None, kinds=(), size_bytes=0, limit_bytes=None,
    oldest_day=None, pins=(), pinned=0, holds=(), held=0, ended=(), problem=None,
    words="Kept for ever.", form=RulesForm(),
)  # fmt: skip
FULL_RULES = replace(RULES, limit_bytes=1_000, form=replace(FORM, at_limit="refuse"))
CONFIRM = ConfirmPage(
    ProjectId(318), "Shop", FORM, WORDS,
    "about 1,204 replays, 12.3 GiB in all, of 2 Oct 2026 to 31 Oct 2026",
    "12 replays that match none of them", True, "2 Oct 2026 to 31 Oct 2026", date(2026, 11, 24),
)  # fmt: skip

SERVER = StoragePage(
    size_bytes=93_000_000_000,
    growth_bytes=1_200_000_000,
    disk_total_bytes=500_000_000_000,
    disk_free_bytes=30_000_000_000,
    forecast="Full on 14 March 2027",
    assumptions="If 1.1 GiB come each day, as in the last 7 whole days, and all rules stay.",
    is_urgent=True,
    kinds=(KindShare("Video", 90_000_000_000), KindShare("Logs", 3_000_000_000)),
    projects=(
        ProjectRow(
            "Shop", "/k", 90_000_000_000, 1_000_000_000, WORDS, "25 Oct 2026, on 25 Nov 2026"
        ),
        ProjectRow(LONG, "/k", 0, 0, "Kept for ever.", "nothing by age"),
    ),
    form=ServerForm("90", "180"),
    setting_words="365 days",
    last_run_at=NOW,
    run_problem="Postgres does not answer",
    ended=(EndedDay(LONG, "24 Oct 2026", "keep 30 days", 1_204, 12_300_000_000, NOW, False),),
    pins=(KeptReplay("/r", "ab" * 16, "Shop", "Pinned", NOW),),
    pinned=1,
    holds=(KeptReplay("/r", "cd" * 16, LONG, LONG, NOW),),
    held=1,
    problem="The default is a whole number such as 30.",
)
EMPTY_SERVER = replace(
    SERVER, size_bytes=0, growth_bytes=0, disk_total_bytes=None, disk_free_bytes=None,
    forecast="Objects are in a bucket, whose free space Playhead does not know", is_urgent=False,
    kinds=(), projects=(), form=ServerForm(), setting_words=None, last_run_at=None,
    run_problem=None, ended=(), pins=(), pinned=0, holds=(), held=0, problem=None,
)  # fmt: skip
SERVER_CONFIRM = ServerConfirmPage(ServerForm("90", ""), "for 90 days", "180 days",
                                   "about 3 replays, 1.0 GiB in all, of 2 Oct 2026",
                                   "2 Oct 2026")  # fmt: skip

HOLDS = HoldsPage(
    replay_href="/r",
    replay_id="ab" * 16,
    user=LONG,
    started_at=NOW,
    action_href="/h",
    release_href="/h/release",
    holds=(
        HoldRow("Case 4", LONG, NOW, NOW, "Ana Silva"),
        HoldRow(LONG[:80], "Court", NOW, NOW, LONG),
    ),
    may_change=True,
    form=HoldForm(
        "Case 5", "", "", "2026-11-24", "The reason of a hold needs 1 to 500 characters."
    ),
)
NO_HOLDS = replace(HOLDS, user=None, holds=(), may_change=False, form=HoldForm())

PAGES: dict[str, tuple[str, object]] = {
    "retention": ("retention/page.html", RULES),
    "retention, empty": ("retention/page.html", EMPTY_RULES),
    "retention, full": ("retention/page.html", FULL_RULES),
    "retention, confirm": ("retention/confirm.html", CONFIRM),
    "storage": ("storage/page.html", SERVER),
    "storage, empty": ("storage/page.html", EMPTY_SERVER),
    "storage, confirm": ("storage/confirm.html", SERVER_CONFIRM),
    "holds": ("replay/holds.html", HOLDS),
    "holds, none": ("replay/holds.html", NO_HOLDS),
}
"""Template and value of each sample, by its name."""
