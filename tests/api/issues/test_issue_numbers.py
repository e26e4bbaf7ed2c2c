"""Tests of the numbers and the times on the page of an issue."""

import re
from datetime import datetime, timedelta

import pytest

from app.core import clock
from app.core.ids import ReplayId
from tests.support.builders import envelopes, payloads
from tests.support.builders.wire import EVENT_ID, MISSING, REPLAY_ID, STARTED_MS
from tests.support.servers.server import Keyed, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY_MS = 86_400_000
MIRA = {"id": "u-1", "email": "mira@example.com"}


def backend_error(number: int, user: object) -> bytes:
    """Make an error of a service with the trace of the replays."""
    return envelopes.event_envelope(f"{number:032x}", replay_id=None, platform="python", user=user)


def replay(number: int, user: dict[str, str]) -> bytes:
    """Make a replay with the same trace."""
    return envelopes.replay_video_envelope(replay_id=ReplayId(f"{number:032x}"), user=user)


async def issue_page(server: Server, project: Keyed, event_id: str) -> str:
    """Open the issue of an event."""
    path = f"/projects/{project.id}/events/{event_id}"
    answer = await server.web.get(path, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("named", "users", "listed"),
    [
        ((None,), "2 named by replays only", "none named"),
        (({"id": "u-1"},), "2 1 named by replays only", "1"),
        (({"email": "mira@example.com"}, None), "2 1 named by replays only", "1"),
        (({"id": "other"},), "3 2 named by replays only", "1"),
    ],
)
async def test_users_of_an_issue_are_those_of_its_replays_too(
    tenant: Server, named: tuple[dict[str, str] | None, ...], users: str, listed: str
):
    """A user whom both events and replays name counts once, and so does a user of two replays."""
    await tenant.take(
        replay(1, MIRA), replay(2, {"email": "mira@example.com"}), replay(3, {"id": "u-2"})
    )
    for number, user in enumerate(named, 7):
        await tenant.take(backend_error(number, user or MISSING), project=tenant.backend)
    page = await issue_page(tenant, tenant.backend, f"{7:032x}")
    (users_html,) = re.findall(r"<dt>Users</dt><dd>(.*?)</dd>", page)
    assert re.sub(r"<[^>]+>", "", users_html).split() == users.split()
    list_html = (await tenant.web.get(f"/issues?project={tenant.backend.id}")).text
    (cell,) = re.findall(r'data-label="Users">(.*?)</td>', list_html)
    assert re.sub(r"<[^>]+>", "", cell) == listed


def moments(html: str) -> list[datetime]:
    """Return the moments that a piece of HTML names."""
    return [datetime.fromisoformat(at) for at in re.findall(r'<time datetime="([^"]+)"', html)]


async def test_all_times_of_an_issue_are_by_the_clock_of_the_server(tenant: Server):
    """The page shows times of the server's clock; a note says what the clock of the device said."""
    sent_ms = clock.now_ms() - 6 * DAY_MS
    crumb = {"timestamp": (sent_ms - 95_000) / 1000, "category": "cart", "message": "opened"}
    event = payloads.event(at_ms=sent_ms - 90_000, breadcrumbs={"values": [crumb]})
    await tenant.take(
        envelopes.envelope(
            envelopes.envelope_header(event_id=EVENT_ID, sent_ms=sent_ms),
            envelopes.item("event", event, content_type="application/json"),
        )
    )
    page = await issue_page(tenant, tenant.app, EVENT_ID)
    (heading,) = moments(re.findall(r'<h2 id="event-title">.*?</h2>', page, re.DOTALL)[0])
    (first_seen,) = moments(re.findall(r"<dt>First seen</dt><dd>.*?</dd>", page)[0])
    assert heading == first_seen
    assert clock.now() - heading < timedelta(hours=1)
    (note,) = re.findall(r"<p class=\"quiet\">The device.s clock said .*?</p>", page)
    assert "it was 6 d behind, or the event took that long to arrive" in note
    (device_time,) = moments(note)
    assert abs(heading - timedelta(days=6) - device_time) < timedelta(minutes=1)
    crumbs = moments(page[page.index('class="event-crumbs"') :].partition("</ol>")[0])
    assert len(crumbs) == 1
    assert heading - timedelta(minutes=10) < crumbs[0] <= heading


async def test_a_device_clock_that_is_right_is_not_mentioned(tenant: Server):
    """An event that took two seconds to arrive gets no note about the clock of its device."""
    sent_ms = clock.now_ms()
    event = payloads.event(at_ms=sent_ms - 2_000)
    await tenant.take(
        envelopes.envelope(
            envelopes.envelope_header(event_id=EVENT_ID, sent_ms=sent_ms),
            envelopes.item("event", event, content_type="application/json"),
        )
    )
    assert "clock said" not in await issue_page(tenant, tenant.app, EVENT_ID)


async def test_an_error_outside_the_time_of_its_replay_says_why_it_is_there(tenant: Server):
    """An error of another day that names the replay is listed with the reason."""
    await tenant.take(
        envelopes.replay_video_envelope(0),
        envelopes.event_envelope("1" * 32, at_ms=STARTED_MS + 2_000),
        envelopes.event_envelope("2" * 32, at_ms=STARTED_MS - DAY_MS),
    )
    html = (await tenant.web.get(tenant.page(REPLAY_ID, "?tab=errors"))).text
    cards = dict(
        re.findall(r'<article class="error" id="error-(\w+)"(.*?)</article>', html, re.DOTALL)
    )
    assert "error-unplaced" not in cards["1" * 32]
    assert "is outside the time of this replay" in cards["2" * 32]
    assert "because it names the replay." in cards["2" * 32]
