"""Tests of the page from which a replay is handed on."""

import pytest

from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_place_offers_the_range_that_was_asked_for(tenant: Server):
    """The place names the range and its pictures; forms carry it in milliseconds."""
    await tenant.take(*(envelopes.replay_video_envelope(number) for number in range(3)))
    href = tenant.page(REPLAY_ID, "/hand-on")
    whole = (await tenant.web.get(href)).text
    assert "The whole replay, 15 s" in whole
    assert f"/replays/{REPLAY_ID}?t=0" in whole
    part = (await tenant.web.get(href, params={"from": "0:06", "to": "9000"})).text
    assert 'name="from" value="0:06"' in part
    assert 'data-from-ms="6000" data-to-ms="9000"' in part
    assert f"/replays/{REPLAY_ID}?t=6&amp;in=6&amp;out=9" in part
    longer = (await tenant.web.get(href, params={"from": "6000", "to": "99000"})).text
    assert 'data-from-ms="6000" data-to-ms="15000"' in longer


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"from": "5"}, "needs both"),
        ({"from": "9", "to": "5"}, "must end after it begins"),
        ({"from": "x", "to": "5"}, "needs milliseconds"),
        ({"from": "99000", "to": "99001"}, "the replay ends at 0:05"),
    ],
)
async def test_what_is_no_range_of_the_replay_is_refused(tenant: Server, query, problem):
    """A range that cannot be meant or lies after the replay is answered with 400 and why."""
    await tenant.take(envelopes.replay_video_envelope(0))
    answer = await tenant.web.get(tenant.page(REPLAY_ID, "/hand-on"), params=query)
    assert answer.status_code == 400
    assert problem in answer.text


async def test_place_of_a_deleted_replay_says_so(tenant: Server):
    """Nothing can be handed on of a replay that is gone: 410 with its deletion."""
    await tenant.take(envelopes.replay_video_envelope(0))
    await tenant.web.post(tenant.page(REPLAY_ID, "/delete"))
    answer = await tenant.web.get(tenant.page(REPLAY_ID, "/hand-on"))
    assert answer.status_code == 410
    never = await tenant.web.get(tenant.page("d" * 32, "/hand-on"))
    assert never.status_code == 404
