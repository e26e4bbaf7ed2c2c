"""Reads from a request who asks about which replay, and how they open its page."""

import math
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request

from app.memberships.model import ProjectAccess, Role
from app.playback.clips.orders import ReplayClips
from app.playback.video.player import ReplayPlayer
from app.playback.visit.reader import ReplayReader
from app.web.frame import access, forms
from app.web.frame.services import services_of
from app.web.replay.page import TABS, Tab
from app.web.urls import replay_urls
from app.web.urls.replay_address import ReplayAddress

_TABS: Final[dict[str, Tab]] = {name: name for name in TABS}


@dataclass(frozen=True, slots=True)
class PageOptions:
    """The way in which somebody opens the page of a replay."""

    address: ReplayAddress
    """The addresses of the replay."""
    back_href: str
    """The address of the list as it was left."""
    start_at_ms: int
    """The moment at which the replay opens; past the end means the end."""
    tab: Tab
    """The panel that is open at first."""
    from_segment: int
    """The first segment whose recording is read."""
    may_delete: bool
    """True if the person may delete the replay."""
    may_read_log: bool
    """True if the person may read who looked at the replay each time."""
    is_refresh: bool
    """True if a script asks if the replay has grown; then nobody has opened the page."""


def read_options(
    request: Request,
    watching: access.CurrentReplay,
    t: str = "",
    tab: str = "",
    from_segment: access.FromSegment = 0,
) -> PageOptions:
    """Read how somebody opens the page of a replay."""
    return PageOptions(
        address=replay_urls.address_of(watching.key.project_id, watching.key.replay_id),
        back_href=forms.read_list_referer(request),
        # Whoever follows a range without a moment wants to see its start.
        start_at_ms=read_start_ms(t or request.query_params.get("in", "")),
        tab=_TABS.get(tab, "activity"),
        from_segment=from_segment,
        may_delete=watching.access.role.includes(Role.MEMBER),
        may_read_log=watching.access.role.includes(Role.ADMIN),
        is_refresh=request.headers.get("sec-fetch-dest", "document") != "document",
    )


def find_reader(request: Request, watching: access.CurrentReplay) -> ReplayReader:
    """Return the person who reads about a replay, which may not exist."""
    services, project_access = services_of(request), watching.access
    return ReplayReader(
        services.db,
        services.store,
        services.index_cache,
        project_access.person,
        project_access.project,
        watching.key,
    )


async def find_part_reader(request: Request, watching: access.CurrentReplay) -> ReplayReader:
    """Return the person who reads a part of a replay, and note that they look at it."""
    services = services_of(request)
    await services.view_notes.note(services.db, watching.access.person, watching.key)
    return find_reader(request, watching)


def address_of(reader: ReplayReader) -> ReplayAddress:
    """Return the addresses of the replay that a person reads about."""
    return replay_urls.address_of(reader.key.project_id, reader.key.replay_id)


def find_member(watching: access.CurrentReplay) -> ProjectAccess:
    """Return the person at the address of a replay, who must be a member of its project.

    Raises:
        PermissionDenied: They are a viewer.
    """
    watching.access.require_role(Role.MEMBER)
    return watching.access


async def find_player(request: Request, playing: access.CurrentPlayback) -> ReplayPlayer:
    """Return the person who plays a replay, and the replay; note that they look at it."""
    services = services_of(request)
    await services.view_notes.note(services.db, playing.person, playing.replay.key)
    return ReplayPlayer(
        services.db, services.store, services.index_cache, playing.person, playing.replay
    )


def find_clips(request: Request, watching: access.CurrentReplay) -> ReplayClips:
    """Return the clips of the replay at an address, and the person who works with them."""
    services = services_of(request)
    return ReplayClips(
        services.db,
        services.store,
        services.index_cache,
        watching.access.person,
        watching.key,
        services.clips.hurry,
        most_bytes=services.settings.clips_project_bytes,
        is_on=services.settings.clips,
    )


def read_start_ms(text: str) -> int:
    """Read a moment in seconds; anything else is the start."""
    try:
        milliseconds = float(text) * 1000
    except ValueError:
        return 0
    # A finite number of seconds, such as 1e308, may be an infinite number of milliseconds.
    return round(milliseconds) if math.isfinite(milliseconds) and milliseconds > 0 else 0


PageOptionsHere = Annotated[PageOptions, Depends(read_options)]
ReplayReaderHere = Annotated[ReplayReader, Depends(find_reader)]
PartReaderHere = Annotated[ReplayReader, Depends(find_part_reader)]
ReplayPlayerHere = Annotated[ReplayPlayer, Depends(find_player)]
ClipsHere = Annotated[ReplayClips, Depends(find_clips)]
MemberHere = Annotated[ProjectAccess, Depends(find_member)]
