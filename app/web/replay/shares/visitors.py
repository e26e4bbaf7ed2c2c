"""Finds out which share a stranger asks for; everything below `/s/` begins here."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Path
from starlette.requests import Request

from app.core.errors import NotFound
from app.replays.sharing.model import ShareGrant, ShareKind
from app.sharing.grant import OpenedShare, open_share
from app.sharing.part_strips import StripDrawer
from app.sharing.shared_replay import SharedReplay
from app.web.frame import access
from app.web.frame.services import services_of
from app.web.urls import share_urls
from app.web.urls.replay_address import ReplayAddress

_LONGEST_TOKEN: Final = 100
_OPENINGS: Final = frozenset({"document", "iframe", "frame", "embed", "object"})

ShareToken = Annotated[str, Path(max_length=_LONGEST_TOKEN)]


@dataclass(frozen=True, slots=True)
class ShareVisitor:
    """A stranger who asks for a share that answers."""

    shared: SharedReplay
    address: ReplayAddress
    """The addresses below the share."""
    client_address: str

    @property
    def grant(self) -> ShareGrant:
        """What the share allows."""
        return self.shared.opened.grant


async def find_opened_share(
    request: Request, token: str, kind: ShareKind, *, is_page: bool
) -> OpenedShare:
    """Find the share of an address, within the limits for strangers.

    Raises:
        TooManyAttempts: The network of the stranger asks too often.
        NotFound: No share has this token, or its replay is gone.
        ExpiredData: The share has ended.
    """
    services, client_address = services_of(request), access.client_address(request)
    services.share_limiter.count_request(client_address, is_page=is_page)
    try:
        return await open_share(services.db, token, kind)
    except NotFound:
        services.share_limiter.count_unknown(client_address)
        raise


def is_opening(request: Request) -> bool:
    """Tell whether a browser opens the page, and not a script that looks whether it has grown."""
    return request.headers.get("sec-fetch-dest", "document") in _OPENINGS


async def find_page_visitor(request: Request, token: ShareToken) -> ShareVisitor:
    """Return who opens a page of a share, of which a network may open few.

    A script that looks whether a live replay has grown asks every few seconds, for each viewer: it
    counts as a part.
    """
    return await _find_visitor(request, token, is_page=is_opening(request))


async def find_part_visitor(request: Request, token: ShareToken) -> ShareVisitor:
    """Return who fetches a part of a share, and note that they look at it."""
    visitor = await _find_visitor(request, token, is_page=False)
    await note_visit(request, visitor, is_opening=False)
    return visitor


async def note_visit(request: Request, visitor: ShareVisitor, *, is_opening: bool) -> None:
    """Note that somebody looks at a share, each time or once an hour."""
    services = services_of(request)
    await services.share_visits.note(
        services.db,
        visitor.grant.key,
        visitor.grant.share_id,
        kind=ShareKind.LINK,
        address=visitor.client_address,
        is_opening=is_opening,
    )


def make_strip_drawer(request: Request) -> StripDrawer:
    """Return what draws the strip of a shared part in this process."""
    services = services_of(request)
    return StripDrawer(services.strip_cache, services.drawing_slot, services.settings.pictures)


async def _find_visitor(request: Request, token: str, *, is_page: bool) -> ShareVisitor:
    opened = await find_opened_share(request, token, ShareKind.LINK, is_page=is_page)
    services = services_of(request)
    return ShareVisitor(
        SharedReplay(
            services.db, services.store, services.index_cache, services.share_slots, opened
        ),
        share_urls.address_of(token),
        access.client_address(request),
    )


PageVisitor = Annotated[ShareVisitor, Depends(find_page_visitor)]
PartVisitor = Annotated[ShareVisitor, Depends(find_part_visitor)]
