"""Gestures are rows of the activity, even if the SDK made no breadcrumb of them."""

import re

import pytest

from tests.support.builders import envelopes, recordings
from tests.support.builders.wire import REPLAY_ID, STARTED_MS, Json
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def tap(at_ms: int, x: float = 64.0, y: float = 200.0) -> list[Json]:
    """Make the touches of a tap at a time after the start of the replay."""
    touched_ms = STARTED_MS + at_ms
    return [
        recordings.touch("start", touched_ms, x, y),
        recordings.touch("end", touched_ms + 50, x, y),
    ]


def note(at_ms: int, category: str, **data: object) -> Json:
    """Make the breadcrumb of a gesture."""
    return recordings.breadcrumb(category, STARTED_MS + at_ms, data=data)


async def read_activity(server: Server, *events: Json) -> list[tuple[int, str, str, str]]:
    """Send a segment with events; return time, level, title and category of each gesture's row."""
    await server.take(envelopes.replay_video_envelope(0, events=[recordings.meta(), *events]))
    row_lists = [await read_rows(server) for _ in range(2)]
    # The second page is made from the gestures that the first one has kept.
    assert row_lists[0] == row_lists[1]
    return row_lists[0]


async def read_rows(server: Server) -> list[tuple[int, str, str, str]]:
    """Return the rows of gestures on the page of the replay."""
    html = (await server.web.get(server.page(REPLAY_ID))).text
    rows = re.findall(
        r'<li class="row"[^>]*data-at-ms="(-?\d+)" data-kind="gesture" data-level="(\w+)">.*?'
        r'row-title"><bdi>(.*?)</bdi>.*?row-category">(.*?)</span>',
        html,
        re.DOTALL,
    )
    return [(int(at_ms), *texts) for at_ms, *texts in rows]


@pytest.mark.parametrize(
    ("taps", "level", "title"),
    [(4, "info", "4 quick taps"), (5, "warning", "Rage: 5 taps")],
)
async def test_quick_taps_without_a_breadcrumb_are_one_row(
    tenant: Server, taps: int, level: str, title: str
):
    """Quick taps are one row; from five taps on it is a warning of rage."""
    touches = [event for at in range(taps) for event in tap(1_000 + at * 300)]
    assert await read_activity(tenant, *touches) == [(1_000, level, title, "touch")]


async def test_quick_taps_name_the_view_that_was_tapped(tenant: Server):
    """The breadcrumb of a single tap names the view, and keeps its own row."""
    touches = [event for at in range(4) for event in tap(1_000 + at * 300)]
    pay = note(1_350, "ui.tap", **{"view.id": "pay_button"})
    assert await read_activity(tenant, *touches, pay) == [
        (1_000, "info", "4 quick taps on pay_button", "touch"),
        (1_350, "info", "Tap on pay_button", "ui.tap"),
    ]


async def test_quick_taps_that_the_sdk_noted_have_one_row(tenant: Server):
    """The row is the SDK's breadcrumb, which comes after it has waited for further taps."""
    touches = [event for at in range(4) for event in tap(1_000 + at * 300)]
    many = note(3_000, "ui.multiClick", clickCount=4, **{"view.id": "pay"})
    assert await read_activity(tenant, *touches, many) == [
        (3_000, "info", "4 quick taps on pay", "ui.multiClick")
    ]


async def test_gestures_without_a_breadcrumb_have_rows_of_their_own(tenant: Server):
    """Taps, presses and swipes have a row; a tap with a breadcrumb has only that one."""
    press = [
        recordings.touch("start", STARTED_MS + 2_500),
        recordings.touch("end", STARTED_MS + 3_300),
    ]
    swipe = [
        recordings.touch("start", STARTED_MS + 4_100, 64, 300),
        recordings.moves(STARTED_MS + 4_200, [(64, 200, 0)]),
        recordings.touch("end", STARTED_MS + 4_300, 64, 100),
    ]
    breadcrumb = note(500, "ui.tap", **{"view.id": "open"})
    rows = await read_activity(tenant, *tap(400), breadcrumb, *tap(1_500), *press, *swipe)
    assert [(at_ms, title) for at_ms, _, title, _ in rows] == [
        (500, "Tap on open"),
        (1_500, "Tap"),
        (2_500, "Long press"),
        (4_100, "Swipe up"),
    ]


async def test_the_activity_can_be_filtered_by_gestures(tenant: Server):
    """The filter counts gestures, even if no breadcrumb is one."""
    await read_activity(tenant, note(100, "navigation", to="Cart"), *tap(1_500))
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert re.search(r'<option value="gesture">Gestures[^<]*1', html)
    assert re.search(r'data-count="activity">2<', html)
