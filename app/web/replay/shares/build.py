"""Turns what a share shows into the values of its pages, which lead nowhere else."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from app.core import clock, units
from app.core.ids import ReplayId
from app.playback.recording.contents import ReplayContents, ScreenSpan
from app.playback.video.start import PlaybackStart
from app.playback.visit.model import ReplayHead, ReplayPageData
from app.replays import naming
from app.replays.model import Replay
from app.replays.sharing.model import ShareGrant, SharePanel
from app.web.replay import build
from app.web.replay.page import (
    ReplayHeader,
    ReplayOpening,
    ReplayPage,
    ReplayPartPage,
    ReplayTop,
    RequestPage,
    ShareNote,
    Tab,
)
from app.web.replay.panels.request_rows import pick_requests
from app.web.replay.readers import PageOptions
from app.web.replay.request import har
from app.web.urls.replay_address import ReplayAddress
from app.web.words.panels.activity import ActivityRow
from app.web.words.replay import facts
from app.web.words.replay.facts import Fact, FactGroup

TITLE: Final = "Shared replay"
_TABS: Final[dict[Tab, SharePanel]] = {
    "activity": SharePanel.ACTIVITY,
    "network": SharePanel.NETWORK,
    "errors": SharePanel.ERRORS,
    "trace": SharePanel.TRACE,
    "logs": SharePanel.LOGS,
    "details": SharePanel.DETAILS,
}
_SHOWN_FACTS: Final = frozenset({"User", "Device", "App", "SDK", "Tags"})
"""The groups of facts of the whole replay that do not tell of its other parts."""


def list_tabs(grant: ShareGrant) -> tuple[Tab, ...]:
    """Return the panels that a share shows, in the order of the page."""
    return tuple(tab for tab, panel in _TABS.items() if grant.shows(panel))


def describe_opening(
    data: ReplayPageData, grant: ShareGrant, options: PageOptions
) -> ReplayOpening:
    """Describe a share for the head of its page."""
    outline = data.context.outline
    opening = build.describe_opening(
        outline.replay, options.address, start_at_ms=options.start_at_ms, now=clock.now()
    )
    return replace(
        opening,
        title=f"{_name_replay(outline.replay, grant)}, {units.format_clock(outline.duration_ms)}",
        has_pictures=bool(outline.playable.newest.gops),
        is_awaited=outline.state == "processing",
    )


def build_share_page(
    data: ReplayPageData, grant: ShareGrant, options: PageOptions, start: PlaybackStart | None
) -> ReplayPage:
    """Build the page of a share.

    Args:
        data: The parts of the replay that the share shows.
        grant: What it allows.
        options: How somebody opens it.
        start: The data that the player begins with, if they could be read.
    """
    top = _describe_top(data.head, grant, options)
    page = build.build_page(data, top, options)
    tabs = list_tabs(grant)
    return replace(
        page,
        opening=describe_opening(data, grant, options),
        start=start,
        tabs=tabs,
        screens=_begin_with_screen(page.screens, data.contents.screens),
        activity=_drop_hidden_rows(page.activity, grant),
        details=_describe_facts(page.details, grant),
        removals=(),
        segments=(),
        hidden_segments=0,
        missing_note=None,
        totals={tab: total for tab, total in page.totals.items() if tab in tabs},
        parts={tab: part for tab, part in page.parts.items() if tab in tabs},
        share=ShareNote(grant.expires_at, grant.range is not None, grant.shows(SharePanel.DETAILS)),
    )


def hide_user(page: ReplayPartPage, grant: ShareGrant) -> ReplayPartPage:
    """Take the name of the user out of the page of a part, unless it is shared."""
    if not grant.shows(SharePanel.DETAILS):
        page = replace(page, header=replace(page.header, user=TITLE))
    return replace(page, activity=_drop_hidden_rows(page.activity, grant))


def hide_user_of_request(page: RequestPage, grant: ShareGrant) -> RequestPage:
    """Take the name of the user out of the page of a request, unless it is shared."""
    return page if grant.shows(SharePanel.DETAILS) else replace(page, user=None)


def make_har(contents: ReplayContents) -> dict[str, object]:
    """Describe the requests of a share as a HAR value, which names nobody."""
    return har.describe_requests(
        pick_requests(contents.spans), title=TITLE, started_ms=contents.outline.zero_ms
    )


def make_options(
    address: ReplayAddress,
    grant: ShareGrant,
    *,
    start_at_ms: int,
    tab: str,
    from_segment: int,
    is_refresh: bool,
) -> PageOptions:
    """Return how a stranger opens the page of a share; they may change nothing."""
    tabs = list_tabs(grant)
    return PageOptions(
        address=address,
        back_href=address.href,
        start_at_ms=start_at_ms,
        tab=next((each for each in tabs if each == tab), tabs[0] if tabs else "activity"),
        from_segment=0 if grant.range else from_segment,
        may_delete=False,
        may_read_log=False,
        is_refresh=is_refresh,
    )


def _describe_top(head: ReplayHead, grant: ShareGrant, options: PageOptions) -> ReplayTop:
    outline, address = head.context.outline, options.address
    replay = outline.replay
    has_facts = grant.shows(SharePanel.DETAILS)
    chips = facts.list_chips(replay.facts) if has_facts else ()
    return ReplayTop(
        header=ReplayHeader(
            project_id=head.context.key.project_id,
            project_name="",
            project_href="",
            replay_id=ReplayId("shared"),
            href=address.href,
            back_href=address.href,
            user=naming.name_user(replay.user) if has_facts else TITLE,
            started_at=outline.recorded_at,
            duration_ms=outline.duration_ms,
            chips=tuple(replace(chip, href=None) for chip in chips),
            app_errors=head.counts.app,
            backend_errors=head.counts.backend,
            has_more_errors=head.counts.is_at_least,
            end=None,
            has_crashed=False,
            is_late=False,
        ),
        state=outline.state,
        gestures_href=address.gestures(from_segment=options.from_segment),
        pictures_href=address.pictures,
        start_at_ms=min(options.start_at_ms, outline.duration_ms),
        size_px=outline.size_px_at(options.start_at_ms),
        deletion=None,
        has_segments=False,
    )


def _begin_with_screen(
    screens: tuple[ScreenSpan, ...], of_segments: tuple[ScreenSpan, ...]
) -> tuple[ScreenSpan, ...]:
    """Put the screen before the first one that a breadcrumb of the part names.

    The breadcrumb that names it lies before the part; the segment in which the part begins knows.
    """
    first_ms = screens[0].start_ms if screens else 0
    before = tuple(
        replace(screen, end_ms=min(screen.end_ms, first_ms))
        for screen in of_segments
        if screen.start_ms < first_ms
    )
    return (*before, *screens)


def _describe_facts(groups: Collection[FactGroup], grant: ShareGrant) -> tuple[FactGroup, ...]:
    """Keep the facts that are shared, without their links to lists of replays."""
    if not grant.shows(SharePanel.DETAILS):
        return ()
    return tuple(
        FactGroup(group.title, tuple(Fact(fact.name, fact.value) for fact in group.facts))
        for group in groups
        if group.title in _SHOWN_FACTS
    )


def _drop_hidden_rows(rows: tuple[ActivityRow, ...], grant: ShareGrant) -> tuple[ActivityRow, ...]:
    """Take out of the activity what belongs to panels that are not shared."""
    hidden = {
        kind
        for kind, panel in (("network", SharePanel.NETWORK), ("error", SharePanel.ERRORS))
        if not grant.shows(panel)
    }
    if not grant.shows(SharePanel.ACTIVITY):
        return ()
    return tuple(row for row in rows if row.kind not in hidden)


def _name_replay(replay: Replay, grant: ShareGrant) -> str:
    if not grant.shows(SharePanel.DETAILS):
        return TITLE
    return naming.name_user(replay.user) or "Unknown user"
