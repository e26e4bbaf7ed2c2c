"""Turns what the use case of the list has read into what its templates read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from app.db.lists import ListCursor
from app.playback.replay_list import PAGE_ROWS, ReplayListData, SetUpHint
from app.playback.replay_selection import SelectedReplays
from app.replays.search.orders import NEWEST, ReplayOrder
from app.web.frame import dsn
from app.web.frame.cursors import write_cursor
from app.web.frame.services import PageServices
from app.web.replays.columns import COLUMNS, REACH_WORDS
from app.web.replays.page import (
    AwaitedReplay,
    DeleteReplaysPage,
    HoldReplaysPage,
    NewReplays,
    ReplayListPage,
    SearchReach,
)
from app.web.replays.row_values import write_row_value
from app.web.replays.search_bar import ListAddress, describe_search
from app.web.urls import erasure_urls, list_urls, project_urls, replay_urls
from app.web.words.lists import ListState, ProjectOption, describe_heads
from app.web.words.phrases import sentence
from app.web.words.replay import replay_rows
from app.web.words.replay.holds import HoldForm
from app.web.words.replay.replay_rows import ReplayRow

_STORED_LATE: Final = timedelta(minutes=2)
"""A replay may be stored this much later than it was received, when much is waiting."""
_FIRST_ID: Final = "0" * 32


def build_list(
    data: ReplayListData,
    address: ListAddress,
    *,
    demo_href: str | None,
    services: PageServices,
) -> ReplayListPage:
    """Build the page of the list.

    Args:
        data: What the list shows.
        address: The query that the address asks for.
        demo_href: Where the demo is played; None when the person may not.
        services: The settings in it say which address SDKs use.
    """
    frame = _build_frame(data, demo_href=demo_href, services=services)
    if data.problem is not None or data.query is None:
        problem = sentence(data.problem or "")
        search = describe_search(address, None, problem=problem)
        return replace(frame, state="problem", search=search)
    page, rows = data.page, _build_rows(data)
    is_all = not (page.back or page.next or page.stopped_at)
    is_filtered = bool(data.query.parts) or data.selected is not None or page.back is not None
    return replace(
        frame,
        state=_state_of(rows, is_filtered=is_filtered),
        rows=rows,
        heads=describe_heads(
            COLUMNS, address.order, lambda order: replace(address, order=order).href()
        ),
        total=len(rows) if is_all else None,
        matching_href=erasure_urls.matching(
            project=str(address.project_id or ""), query=address.text
        )
        if data.may_delete and not is_all
        else None,
        search=describe_search(address, data.query),
        back_href=address.href(before=page.back) if page.back else None,
        next_href=address.href(after=page.next) if page.next else None,
        further_href=address.href(after=page.stopped_at) if page.stopped_at else None,
        reach=describe_reach(page.stopped_at, address.order) if page.stopped_at else None,
        news=None if page.back else _describe_news(data, address),
    )


def _write_matching_href(address: ListAddress) -> str:
    return erasure_urls.matching(project=str(address.project_id or ""), query=address.text)


def build_deletion(selected: SelectedReplays, *, back_href: str) -> DeleteReplaysPage:
    """Build the page that asks before replays are deleted."""
    replays = [listed.replay for listed in selected.replays]
    return DeleteReplaysPage(
        rows=_build_selected_rows(selected),
        action_href=list_urls.DELETE_SELECTED,
        back_href=back_href,
        video_bytes=sum(replay.video_bytes for replay in replays),
        segments=sum(replay.segments for replay in replays),
    )


def build_hold(selected: SelectedReplays, form: HoldForm, *, back_href: str) -> HoldReplaysPage:
    """Build the form of a legal hold on replays."""
    return HoldReplaysPage(_build_selected_rows(selected), form, back_href)


def describe_reach(stopped_at: ListCursor, order: ReplayOrder) -> SearchReach:
    """Describe the place in a list at which a search stopped."""
    words = REACH_WORDS[order.name]
    reach = SearchReach(words.before, words.after, words.unread)
    match stopped_at[0]:
        case datetime() as at:
            return replace(reach, at=at)
        case timedelta() as length:
            return replace(reach, length_ms=length // timedelta(milliseconds=1))
        case value:
            return replace(reach, number=int(value))


def _build_selected_rows(selected: SelectedReplays) -> tuple[ReplayRow, ...]:
    names = {project.id: project.name for project in selected.projects}
    return tuple(
        replay_rows.replay_row(listed, project_names=names, now=selected.read_at)
        for listed in selected.replays
    )


def _build_frame(
    data: ReplayListData, *, demo_href: str | None, services: PageServices
) -> ReplayListPage:
    """Build the parts of the page around the rows."""
    options = tuple(
        ProjectOption(project.id, project.name, project == data.selected)
        for project in data.projects
    )
    hint = data.hint
    return ReplayListPage(
        state="empty",
        rows=(),
        projects=options,
        selected=next((option for option in options if option.is_selected), None),
        may_delete=data.may_delete,
        awaited=_describe_awaited(data),
        demo_href=demo_href,
        dsn=dsn.write_active_dsn(services, hint.active_key) if hint else None,
        dsn_project=_name_of_several(hint, options),
        setup_href=project_urls.set_up(hint.project.id) if hint else None,
    )


def _build_rows(data: ReplayListData) -> tuple[ReplayRow, ...]:
    names = {project.id: project.name for project in data.projects}
    return tuple(
        replay_rows.replay_row(
            listed,
            project_names=names,
            now=data.read_at,
            pictures=data.pictures.get(listed.replay.key),
        )
        for listed in data.page.rows
    )


def _state_of(rows: Sequence[ReplayRow], *, is_filtered: bool) -> ListState:
    if rows:
        return "rows"
    return "nothing_matches" if is_filtered else "empty"


def _name_of_several(hint: SetUpHint | None, options: Sequence[ProjectOption]) -> str | None:
    return hint.project.name if hint and len(options) > 1 else None


def _describe_awaited(data: ReplayListData) -> AwaitedReplay | None:
    if data.awaited is None:
        return None
    href = replay_urls.replay(data.awaited.project_id, data.awaited.replay_id)
    return AwaitedReplay(write_row_value(data.awaited), href, data.has_awaited)


def _describe_news(data: ReplayListData, address: ListAddress) -> NewReplays:
    """Describe how the first page of a list learns of what comes later.

    A replay gets its place in the list when it is received, and is stored a moment later. So the
    page asks for those of the last minutes, and leaves out the ones that it shows.
    """
    rows = data.page.rows
    since: ListCursor = (data.read_at - _STORED_LATE, _FIRST_ID)
    if address.order is NEWEST and len(rows) >= PAGE_ROWS:
        # Further down there may be rows of the last minutes that this page does not show.
        since = max(since, NEWEST.key_of(rows[-1].replay))
    return NewReplays(
        href=list_urls.new_replays(
            address.project_id, query=address.text, since=write_cursor(since)
        ),
        show_href=replace(address, order=NEWEST).href(),
        are_on_top=address.order is NEWEST,
    )
