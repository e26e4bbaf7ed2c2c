"""Made-up values of the page with the clips of a replay."""

from dataclasses import replace

from app.web.replay.clips.page import ClipRow, ClipsPage
from app.web.urls import replay_urls
from tests.unit.web.samples.made_up import NOW, PROJECT, REPLAY

_READY = ClipRow(
    id="a" * 32,
    title="MP4 clip, 0:58 to 1:12, with taps, caption, device",
    state="0:14 long, 2.4 MiB",
    percent=None,
    fault=None,
    is_ready=True,
    has_failed=False,
    made_by="Ana",
    made_at=NOW,
    file_href=replay_urls.clip_file(PROJECT, REPLAY, "a" * 32),
    delete_href=replay_urls.delete_clip(PROJECT, REPLAY, "a" * 32),
)
CLIPS_PAGE = ClipsPage(
    replay_href=replay_urls.replay(PROJECT, REPLAY),
    hand_on_href=replay_urls.hand_on(PROJECT, REPLAY),
    rows=(
        replace(_READY, state="rendering, 40 %", percent=40, is_ready=False),
        _READY,
        replace(
            _READY,
            title="GIF clip, whole replay",
            state="failed",
            fault=(
                "Rendering takes more than 180 s of processor time; choose a shorter range than "
                "one of an hour and forty minutes."
            ),
            is_ready=False,
            has_failed=True,
            made_by="Somebody with a name that is as long as it may be, and a little longer",
        ),
    ),
    may_change=True,
    is_waiting=False,
)

PAGES = {
    "clips": ("replay/clips/page.html", CLIPS_PAGE),
    "clips, none": ("replay/clips/page.html", replace(CLIPS_PAGE, rows=(), may_change=False)),
}
