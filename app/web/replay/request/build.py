"""Builds the page of one request."""

from app.core.errors import NotFound
from app.playback.visit.model import ReplayPageData
from app.replays import naming
from app.web.replay.page import RequestPage
from app.web.replay.panels import request_links
from app.web.replay.panels.error_rows import error_rows
from app.web.replay.panels.request_rows import pick_requests, request_rows
from app.web.urls.replay_address import ReplayAddress
from app.web.words.request import exchanges


def build_request_page(data: ReplayPageData, address: ReplayAddress, number: int) -> RequestPage:
    """Describe one request of a replay.

    Args:
        data: The replay.
        address: The addresses of the replay.
        number: The number of the request among those of the recordings that are read.

    Raises:
        NotFound: There are fewer requests.
    """
    contents = data.contents
    requests = pick_requests(contents.spans)
    if not 0 <= number < len(requests):
        raise NotFound(f"the replay has no request {number}")
    panels = request_links.list_panel_contents(data, error_rows(data.activity.errors, address))
    traced = request_links.find_request_traces(data)
    links = request_links.make_request_links(traced, address, panels)
    row = request_rows(contents, address, links=links)[number]
    back_href = address.at(row.at_ms, from_segment=contents.from_segment)
    return RequestPage(
        user=naming.name_user(contents.outline.replay.user),
        row=row,
        details=exchanges.describe_exchange(requests[number], whole=True),
        back_href=f"{back_href}&tab=network#request-{number}",
    )
