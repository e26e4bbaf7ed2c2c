"""Made-up values of the pages from which a replay, or an issue with one, is handed on."""

from dataclasses import replace

from app.core.replay.replay_range import ReplayRange
from app.playback.video.widened_range import WidenedRange
from app.web.issue import page as issue
from app.web.replay.handover.page import (
    HandedOutRow,
    HandoverPage,
    PanelChoice,
    RangeFields,
    ShareForm,
)
from app.web.urls import replay_urls
from tests.unit.web.samples import debug_file_samples
from tests.unit.web.samples.made_up import NOW, PROJECT, REPLAY

_HREF = replay_urls.replay(PROJECT, REPLAY)
HANDOVER_PAGE = HandoverPage(
    project_id=PROJECT,
    replay_id=REPLAY,
    link_href=f"{_HREF}?t=6",
    action_href=replay_urls.hand_on(PROJECT, REPLAY),
    base_url="https://replays.example.com",
    user="ada.winter.with.a.long.name@customers.example.com",
    started_at=NOW,
    duration_ms=66_000,
    replay_range=ReplayRange(6_000, 16_500),
    range=RangeFields(
        from_text="0:06",
        to_text="0:16.5",
        length_ms=10_500,
        is_whole=False,
        video=WidenedRange(1, 4, 4_000, 18_000, 212_000),
        is_widened=True,
    ),
    has_video=True,
    may_change=True,
    clips_href=replay_urls.clips(PROJECT, REPLAY),
    clips_are_on=True,
    caption_scripts=("Latin", "Greek", "Cyrillic"),
    share_form=ShareForm(
        action_href=replay_urls.shares(PROJECT, REPLAY),
        is_allowed=True,
        panels=(
            PanelChoice("activity", "Activity", "", True),
            PanelChoice("network", "Network", "addresses, headers and times", True),
            PanelChoice("details", "Details", "who used which device and app", False),
        ),
        may_show_bodies=True,
        days=(1, 7, 30),
        note_chars=200,
    ),
    handed_out=(
        HandedOutRow(
            "screen", "Clip, 0:06 to 0:16", "ready", False, ("Made by Ana Silva, ", NOW),
            href="/c", take_back_href="/c/d", take_back_words="Delete",
        ),
        HandedOutRow(
            "eye", "Share link, whole replay", "open", False,
            ("Made by Ben Ito, ", NOW, "; 3 views; open until ", NOW),
            note="For the payment team", take_back_href="/s/r",
        ),
        HandedOutRow(
            "eye", "Share link, 0:06 to 0:16", "taken back", True,
            ("Made by Ben Ito, ", NOW, "; taken back ", NOW),
        ),
    ),
)  # fmt: skip
EMPTY_HANDOVER_PAGE = replace(
    HANDOVER_PAGE,
    user=None,
    replay_range=None,
    range=RangeFields("0:00", "1:06", 66_000, is_whole=True, video=None, is_widened=False),
    has_video=False,
    may_change=False,
    handed_out=(),
)
PREVIEW = issue.ReplayPreview(
    href=f"{_HREF}?t=11",
    replay_id=REPLAY,
    user="Ada Winter",
    at_ms=11_000,
    from_ms=6_000,
    to_ms=16_000,
    index_href=f"{_HREF}/index",
    stream_href=f"{_HREF}/stream",
    has_video=True,
    is_apart=False,
    is_processing=False,
    width_px=320,
    height_px=640,
    hand_on_href=replay_urls.hand_on(PROJECT, REPLAY, replay_range=ReplayRange(6_000, 16_000)),
)
assert debug_file_samples.ISSUE.event
ISSUE = replace(
    debug_file_samples.ISSUE, event=replace(debug_file_samples.ISSUE.event, preview=PREVIEW)
)

SHARES_OFF_PAGE = replace(
    HANDOVER_PAGE, share_form=replace(HANDOVER_PAGE.share_form, is_allowed=False)
)

PAGES = {
    "issue": ("issue/page.html", ISSUE),
    "hand on": ("replay/handover/page.html", HANDOVER_PAGE),
    "hand on, no share links": ("replay/handover/page.html", SHARES_OFF_PAGE),
    "hand on, nothing yet": ("replay/handover/page.html", EMPTY_HANDOVER_PAGE),
}
