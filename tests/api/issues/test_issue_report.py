"""Tests of the reports of issues: with the replay of their event, without one, and for whom."""

import pytest

from app.memberships import writes as membership_writes
from app.memberships.model import Role
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.recorded.contents import conclusions
from tests.support.recorded.delivery import deliver_family
from tests.support.servers.server import Keyed, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def find_issue(server: Server, event_id: str = EVENT_ID, project: Keyed | None = None) -> str:
    """Return the path of the issue of an event."""
    answer = await server.web.get(f"/projects/{(project or server.app).id}/events/{event_id}")
    path: str = answer.headers["location"]
    return path.partition("/events/")[0]


async def test_report_tells_what_led_to_the_event(tenant: Server):
    """The steps are those of the minute before the event, each with its moment in the replay."""
    await deliver_family(tenant, "android-crash-a")
    (crash,) = conclusions("android-crash-a")["errors"]
    path = await find_issue(tenant, crash["event_id"])
    report = (await tenant.web.get(f"{path}/report/report.md")).text
    assert report.startswith(f"## Crash: `{crash['title']}")
    assert f"[Issue]({tenant.base_url}{path}) · [Replay, 15 s before it](" in report
    assert "Tap `btn_checkout` on `CartActivity` twice" in report
    assert f"The app crashes: `{crash['title']}`" in report
    named = await tenant.web.get(f"{path}/report", params={"event": crash["event_id"]})
    assert "maestro.yaml?event=" in named.text
    other = await tenant.web.get(f"{path}/report", params={"event": "e" * 32})
    assert other.status_code == 404


async def test_report_without_replay_uses_the_breadcrumbs_of_the_event(tenant: Server):
    """An event carries what the app noted before it."""
    crumbs = [
        {"timestamp": 1_795_468_800 + number, "category": category, "data": data}
        for number, (category, data) in enumerate(
            [
                ("navigation", {"to": "CartActivity"}),
                ("ui.click", {"view.id": "btn_pay"}),
                ("http", {"url": "https://a.example/pay", "method": "POST", "status_code": 502}),
            ]
        )
    ]
    await tenant.take(
        envelopes.event_envelope(breadcrumbs={"values": crumbs}, timestamp=1_795_468_804)
    )
    path = await find_issue(tenant)
    report = (await tenant.web.get(f"{path}/report/report.md")).text
    assert "1. 0:01 Tap `btn_pay` on `CartActivity`" in report
    assert "   - 0:02 `POST /pay` answers 502" in report
    assert "There is no replay of this event" in report
    page = (await tenant.web.get(path)).text
    assert f"{path}/report/report.md?event={EVENT_ID}" in page


async def test_report_holds_only_what_its_reader_may_see(tenant: Server):
    """A replay of another project is told only to those who may see that project."""
    await tenant.take(envelopes.replay_video_envelope(0))
    await tenant.take(envelopes.event_envelope(), project=tenant.backend)
    path = await find_issue(tenant, project=tenant.backend)
    whole = (await tenant.web.get(f"{path}/report/report.md")).text
    assert REPLAY_ID in whole
    assert "Tap `pay`" in whole
    stranger = await make_person(tenant.database, "backend@report.example")
    async with tenant.database.transaction() as connection:
        await membership_writes.set_member(connection, tenant.backend.id, stranger.id, Role.VIEWER)
    async with signed_in(tenant, stranger) as web:
        part = (await web.get(f"{path}/report/report.md")).text
        assert (await web.get(tenant.page(REPLAY_ID, "/report/report.md"))).status_code == 404
    assert part.startswith("## ")
    assert REPLAY_ID not in part
    assert "Tap `pay`" not in part
