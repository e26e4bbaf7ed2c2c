"""Sends the page of a replay in pieces, so that its first picture is shown while the rest is read.

row of the replay ─► opening: the head of the page, where the browser begins to fetch
first pictures    ─► start: what the player shows at once
errors, viewers   ─► top: header and stage
recordings        ─► the whole page: panels and timeline
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from app.core import clock
from app.playback.visit.reader import ReplayVisit
from app.web.replay import build
from app.web.replay.page import ReplayPage, UnfinishedPage
from app.web.replay.readers import PageOptions


def describe_first_piece(visit: ReplayVisit, options: PageOptions) -> UnfinishedPage:
    """Describe the head of the page, from the row of the replay alone."""
    opening = build.describe_opening(
        visit.replay,
        options.address,
        start_at_ms=options.start_at_ms,
        now=clock.now(),
        is_bare=options.is_refresh,
    )
    return UnfinishedPage(opening)


async def iterate_pieces(
    visit: ReplayVisit, options: PageOptions, first: UnfinishedPage
) -> AsyncIterator[UnfinishedPage | ReplayPage]:
    """Yield the values of the page for each further piece, at the end those of the whole page.

    The template has one mark between two pieces, so their number is always the same.

    Args:
        visit: The replay that is opened.
        options: How it is opened.
        first: The values of the first piece.
    """
    start = None if options.is_refresh else await visit.begin(options.start_at_ms)
    yield replace(first, start=start)
    head = await visit.read_head()
    top = build.describe_top(head, options)
    has_picture = top.state in {"playing", "live"}
    if has_picture:
        yield replace(first, top=top)
    data = await visit.read_page(head, from_segment=options.from_segment)
    page = await asyncio.to_thread(build.build_page, data, top, options)
    # Without video the stage tells what the recordings hold, so it waits for them.
    if not has_picture:
        yield page
    yield page
