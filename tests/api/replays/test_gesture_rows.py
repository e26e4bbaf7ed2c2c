"""Gestures are rows of the activity, even if the SDK made no breadcrumb of them."""

import re

import pytest

from tests.support.builders import envelopes, recordings
from tests.support.builders.wire import REPLAY_ID, STARTED_MS, Json
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def tap(at_ms: int, x: float = 64.0, y: float = 200.0) -> list[Json]:
    """Make the touches of a tap, by the time after the start."""
    at = STARTED_MS + at_ms
    return [recordings.touch("start", at, x, y), recordings.touch("end", at + 50, x, y)]


def note(at_ms: int, category: str, **data: object) -> Json:
    """Make the breadcrumb of a gesture."""
    return recordings.breadcrumb(category, STARTED_MS + at_ms, data=data)


async def activity(server: Server, *events: Json) -> list[tuple[int, str, str, str]]:
    """Take a segment with these events; return time, level, title and category of each row."""
    await server.take(envelopes.replay_video_envelope(0, events=[recordings.meta(), *events]))
    found = [await rows_of(server) for _ in range(2)]
    # The second page is made of the gestures that the first one has kept.
    assert found[0] == found[1]
    return found[0]


async def rows_of(server: Server) -> list[tuple[int, str, str, str]]:
    """Read the rows of gestures."""
    html = (await server.web.get(server.page(REPLAY_ID))).text
    rows = re.findall(
        r'<li class="row"[^>]*data-at-ms="(-?\d+)" data-kind="gesture" data-level="(\w+)">.*?'
        r'row-title"><bdi>(.*?)</bdi>.*?row-category">(.*?)</span>',
        html,
        re.DOTALL,
    )
    return [(int(at_ms), *rest) for at_ms, *rest in rows]


@pytest.mark.parametrize(
    ("taps", "level", "title"),
    [(4, "info", "4 quick taps"), (5, "warning", "Rage: 5 taps")],
)
async def test_quick_taps_without_a_note_are_one_row(
    tenant: Server, taps: int, level: str, title: str
):
    """A user who hammers on a dead button is seen in the list too."""
    touches = [event for at in range(taps) for event in tap(1_000 + at * 300)]
    assert await activity(tenant, *touches) == [(1_000, level, title, "touch")]


async def test_quick_taps_name_what_was_tapped(tenant: Server):
    """The notes of the single taps stand where they were."""
    touches = [event for at in range(4) for event in tap(1_000 + at * 300)]
    pay = note(1_350, "ui.tap", **{"view.id": "pay_button"})
    assert await activity(tenant, *touches, pay) == [
        (1_000, "info", "4 quick taps on pay_button", "touch"),
        (1_350, "info", "Tap on pay_button", "ui.tap"),
    ]


async def test_quick_taps_that_the_sdk_noted_are_not_told_twice(tenant: Server):
    """Its own row names the thing, and comes when it has waited for further taps."""
    touches = [event for at in range(4) for event in tap(1_000 + at * 300)]
    many = note(3_000, "ui.multiClick", clickCount=4, **{"view.id": "pay"})
    assert await activity(tenant, *touches, many) == [
        (3_000, "info", "4 quick taps on pay", "ui.multiClick")
    ]


async def test_gestures_without_a_note_take_their_place_in_time(tenant: Server):
    """Taps, presses and swipes; those that a note speaks of are told by the note alone."""
    press = [
        recordings.touch("start", STARTED_MS + 2_500),
        recordings.touch("end", STARTED_MS + 3_300),
    ]
    swipe = [
        recordings.touch("start", STARTED_MS + 4_100, 64, 300),
        recordings.moves(STARTED_MS + 4_200, [(64, 200, 0)]),
        recordings.touch("end", STARTED_MS + 4_300, 64, 100),
    ]
    noted = note(500, "ui.tap", **{"view.id": "open"})
    found = await activity(tenant, *tap(400), noted, *tap(1_500), *press, *swipe)
    assert [(at_ms, title) for at_ms, _, title, _ in found] == [
        (500, "Tap on open"),
        (1_500, "Tap"),
        (2_500, "Long press"),
        (4_100, "Swipe up"),
    ]


async def test_the_filter_of_the_activity_knows_gestures(tenant: Server):
    """Also when no breadcrumb is one."""
    await activity(tenant, note(100, "navigation", to="Cart"), *tap(1_500))
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert re.search(r'<option value="gesture">Gestures[^<]*1', html)
    assert re.search(r'data-count="activity">2<', html)
