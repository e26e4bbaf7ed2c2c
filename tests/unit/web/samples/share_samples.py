"""Made-up values of the pages of share links."""

from dataclasses import replace

from app.core.ids import ReplayId
from app.web.replay.page import ReplayPage, ShareNote
from app.web.replay.shares.describe import MadeShareCard
from app.web.settings.shares.page import OpenShareRow, OpenSharesPage
from app.web.urls import replay_urls, share_urls
from tests.unit.web.samples.made_up import NOW, PROJECT, REPLAY

TOKEN = "t" * 43
MADE = MadeShareCard(
    url=f"https://replays.example.com{share_urls.share(TOKEN)}",
    words="Share link, 0:06 to 0:16.5, with Activity and Network (for Ada, about the checkout).",
    expires_at=NOW,
    back_href=replay_urls.hand_on(PROJECT, REPLAY),
)


_OPEN_SHARE = OpenShareRow(
    user="ada@example.com",
    replay_href=replay_urls.hand_on(PROJECT, REPLAY),
    started_at=NOW,
    shows="0:58 to 1:12, with Activity, Network and Errors",
    frames="",
    note="for the ticket about the checkout",
    maker="Ana Silva",
    made_at=NOW,
    expires_at=NOW,
    views=3,
    viewed_at=NOW,
    revoke_href=replay_urls.revoke_share(PROJECT, REPLAY, 3),
)
OPEN_SHARES = OpenSharesPage(
    PROJECT,
    "Shop",
    is_switched_off=True,
    rows=(
        _OPEN_SHARE,
        replace(
            _OPEN_SHARE, user="x" * 90, started_at=None, note="n" * 200, maker="y" * 90,
            frames="https://wiki.example.com, https://" + "w" * 120 + ".example.com",
        ),
        replace(_OPEN_SHARE, user="Unknown user", note="", views=0, viewed_at=None),
    ),
    total=153,
    pictures=12,
    back_href="/back",
    next_href="/next",
)  # fmt: skip

NO_OPEN_SHARES = replace(
    OPEN_SHARES, is_switched_off=False, rows=(), total=0, pictures=1, back_href=None, next_href=None
)


def share(page: ReplayPage) -> ReplayPage:
    """Turn the page of a replay into that of a share which shows some of its panels."""
    address = share_urls.address_of(TOKEN)
    header = replace(
        page.header,
        replay_id=ReplayId("shared"),
        href=address.href,
        back_href=address.href,
        user="Shared replay",
        chips=(),
        end=None,
        seen_by=(),
        hand_on_href="",
    )
    top = replace(page.top, header=header, deletion=None, has_segments=False)
    return replace(
        page,
        opening=replace(page.opening, title="Shared replay, 0:10"),
        top=top,
        tab="activity",
        tabs=("activity", "network", "errors"),
        details=(),
        removals=(),
        segments=(),
        missing_note=None,
        share=ShareNote(NOW, is_part=True, has_facts=False),
    )


def pages(page: ReplayPage) -> dict[str, tuple[str, object]]:
    """Return the pages of shares by name, each with its template."""
    template, shared = "replay/shares/page.html", share(page)
    return {
        "share": (template, shared),
        "share, made": ("replay/shares/made.html", MADE),
        "share, video only": (template, replace(shared, tabs=(), totals={}, parts={})),
    }
