"""Tests of the page that says why there is no replay."""

import dataclasses

import pytest

from app.memberships.model import Role
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.html_reader import parse_page
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ask_why(server: Server, query: str) -> tuple[list[str], str]:
    """Open the page, and return the titles of its findings and all of its HTML."""
    page = await server.web.get(f"/why?{query}")
    assert page.status_code == 200
    items = parse_page(page.text).all("li", class_="finding")
    return [item.all("strong")[0].text for item in items], page.text


async def test_a_replay_that_arrived_is_linked_with_its_missing_segments(tenant: Server):
    """The page links to the replay, and names the segments that never came."""
    await tenant.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(3))
    titles, text = await ask_why(tenant, f"id={REPLAY_ID}")
    assert titles[0].startswith("It is here, in App")
    assert "2 segments never arrived" in titles
    assert "Number 1, 2." in text
    assert f'href="{tenant.page(REPLAY_ID)}"' in text


async def test_a_deleted_replay_is_shown_as_deleted(tenant: Server):
    """The page says from which project the replay was deleted."""
    await tenant.take(envelopes.replay_video_envelope(0))
    await tenant.web.post(tenant.page(REPLAY_ID, "/delete"))
    titles, _ = await ask_why(tenant, f"id={REPLAY_ID}")
    assert titles[0].startswith("It was deleted from App")


async def test_a_replay_that_an_error_names_was_recorded(tenant: Server):
    """The page says that no part arrived and what the SDK dropped, for the error's id as well."""
    await tenant.take(
        envelopes.event_envelope(),
        envelopes.envelope({}, envelopes.client_report_item("cache_overflow")),
    )
    for known_id in (REPLAY_ID, EVENT_ID):
        titles, text = await ask_why(tenant, f"id={known_id}")
        assert titles[0] == "It was recorded, and no part of it arrived"
        assert titles[1].endswith("names it")
        assert "cache overflow" in text
        assert "dropped by the SDK" in text
    replay_page = await tenant.web.get(tenant.page(REPLAY_ID))
    assert (replay_page.status_code, f"/why?id={REPLAY_ID}" in replay_page.text) == (404, True)


async def test_an_error_without_a_replay_says_what_could_have_linked_it(tenant: Server):
    """The page says that the event names no replay, and that none is on its trace."""
    await tenant.take(envelopes.event_envelope(replay_id=None))
    titles, _ = await ask_why(tenant, f"id={EVENT_ID}")
    assert titles == ["The event is here and names no replay", "No replay leads to it"]


async def test_an_error_on_the_trace_of_a_replay_leads_to_that_replay(tenant: Server):
    """An error of a backend that names no replay leads to the replay that shares its trace."""
    await tenant.take(envelopes.replay_video_envelope(0))
    backend = envelopes.event_envelope("c" * 32, replay_id=None, platform="python")
    await tenant.take(backend, project=tenant.backend)
    titles, text = await ask_why(tenant, f"id={'c' * 32}")
    assert titles[1].startswith("Its trace runs through a replay of App")
    assert tenant.page(REPLAY_ID) in text


async def test_a_project_says_what_it_lost(tenant: Server):
    """The page counts the errors whose replays never came, and links each to its own reasons."""
    await tenant.take(envelopes.event_envelope())
    titles, text = await ask_why(tenant, f"project={tenant.app.id}")
    assert titles[0] == "No segment was kept in the last 30 days"
    assert titles[1].startswith("The newest error with a replay id names")
    assert f"/why?id={REPLAY_ID}" in text


async def test_an_unknown_id_gives_a_list_of_what_to_check(tenant: Server):
    """An unknown id gets a list of checks; a malformed id is told the form of ids."""
    titles, text = await ask_why(tenant, f"id={'9' * 32}")
    assert titles == ["Nothing of it is known here"]
    assert "What to check" in text
    _, text = await ask_why(tenant, "id=hello")
    assert "32 hex digits" in text
    assert "What we know" not in (await ask_why(tenant, ""))[1]


async def test_the_why_page_reveals_nothing_of_projects_of_others(tenant: Server):
    """People of other projects learn neither that a replay is there, nor what was lost."""
    await tenant.take(envelopes.replay_video_envelope(0))
    person = await make_person(tenant.database, f"guest-{tenant.app.id}@example.com")
    elsewhere = dataclasses.replace(tenant, app=tenant.backend)
    async with signed_in(elsewhere, person, role=Role.VIEWER) as browser:
        page = await browser.get(f"/why?id={REPLAY_ID}")
        assert "Nothing of it is known here" in page.text
        assert (await browser.get(f"/why?project={tenant.app.id}")).status_code == 404
