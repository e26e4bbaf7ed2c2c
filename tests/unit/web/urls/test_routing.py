"""Tests that routes have the paths that the functions of links write, with placeholders."""

import pytest

from app.web.urls import project_urls, replay_urls
from app.web.urls.routing import route_to


def test_a_route_has_placeholders_where_its_link_has_ids():
    """Parameters keep their names; those of a query are left out."""
    assert route_to(project_urls.remove_member) == (
        "/projects/{project_id}/settings/members/{person_id}/remove"
    )
    assert route_to(replay_urls.har) == "/projects/{project_id}/replays/{replay_id}/requests.har"
    assert route_to(replay_urls.segment_video) == (
        "/projects/{project_id}/replays/{replay_id}/segments/{segment_id}.mp4"
    )


def test_a_part_of_a_page_has_no_route():
    """Browsers do not send fragments, so no route can be made of a link that has one."""
    with pytest.raises(ValueError, match="part of a page"):
        route_to(project_urls.key_list)
