"""Tests of pins and legal holds on the pages of replays."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core import clock
from app.memberships.model import Role
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEXT_YEAR = f"{clock.now() + timedelta(days=365):%Y-%m-%d}"
HOLD = {"name": "Case 4", "reason": "Asked for by court", "until": NEXT_YEAR}


async def read_actions(server: Server) -> list[str]:
    """Return what the audit log has of a project, the oldest first."""
    async with server.database.reading() as connection:
        rows = await connection.execute(
            text("select action from audit_lines where project_id = :id order by id"),
            {"id": server.app.id},
        )
        return [row.action for row in rows]


async def test_a_pinned_replay_says_so_until_the_pin_is_removed(tenant: Server):
    """The page and the list show the pin; both changes are in the audit log."""
    await tenant.take(envelopes.replay_video_envelope(0))
    href = f"/projects/{tenant.app.id}/replays/{REPLAY_ID}"
    answer = await tenant.web.post(f"{href}/pin", data={"pinned": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{href}?done=replay-pinned")
    assert "Pinned" in (await tenant.web.get(href)).text
    assert "(pinned)" in (await tenant.web.get(f"/replays?project={tenant.app.id}")).text
    await tenant.web.post(f"{href}/pin", data={"pinned": "no"})
    assert "Remove the pin" not in (await tenant.web.get(href)).text
    assert (await read_actions(tenant))[-2:] == ["replay_pinned", "replay_unpinned"]


async def test_a_held_replay_cannot_be_deleted_until_its_hold_is_released(tenant: Server):
    """The button and the page behind it refuse with the name of the hold; a selection skips it."""
    await tenant.take(envelopes.replay_video_envelope(0))
    href = f"/projects/{tenant.app.id}/replays/{REPLAY_ID}"
    answer = await tenant.web.post(f"{href}/holds", data=HOLD)
    assert answer.headers["location"] == f"{href}?done=hold-set"
    page = (await tenant.web.get(href)).text
    assert "Legal hold: Case 4, until" in page
    assert "delete-dialog" not in page
    for refused in (
        await tenant.web.get(f"{href}/delete"),
        await tenant.web.post(f"{href}/delete"),
    ):
        assert refused.status_code == 409
        assert "is under the legal hold “Case 4” until" in refused.text
    assert (
        "(legal hold Case 4, until"
        in (await tenant.web.get(f"/replays?project={tenant.app.id}")).text
    )
    assert "Asked for by court" in (await tenant.web.get(f"{href}/holds")).text
    await tenant.web.post(f"{href}/holds/release", data={"name": "Case 4"})
    assert "No hold is set." in (await tenant.web.get(f"{href}/holds")).text
    assert (await read_actions(tenant))[-2:] == ["hold_set", "hold_released"]
    assert (await tenant.web.post(f"{href}/delete")).status_code == 303


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("name", " ", "The name of a hold needs 1 to 80 characters."),
        ("reason", "x" * 501, "The reason of a hold needs 1 to 500 characters."),
        ("until", "soon", "The last day of a hold is a date such as 2027-06-30."),
        ("until", "2020-01-01", "The last day of a hold is today or later."),
        ("until", "9999-01-01", "A hold lasts 10 years at most; it can be renewed."),
    ],
)
async def test_a_hold_that_cannot_be_is_refused(
    tenant: Server, field: str, value: str, problem: str
):
    """The form comes back with what was typed, and says what to correct."""
    await tenant.take(envelopes.replay_video_envelope(0))
    href = f"/projects/{tenant.app.id}/replays/{REPLAY_ID}/holds"
    page = await tenant.web.post(href, data=HOLD | {field: value})
    assert page.status_code == 400
    assert problem in page.text
    selected = {"replay": f"{tenant.app.id}/{REPLAY_ID}", "sure": "yes"}
    page = await tenant.web.post("/replays/selected/hold", data=HOLD | selected | {field: value})
    assert page.status_code == 400
    assert problem in page.text


async def test_selected_replays_are_pinned_and_held_together(tenant: Server):
    """A hold of a selection asks for its fields first, then covers all of them."""
    other = "ab" * 16
    await tenant.take(
        envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(0, replay_id=other)
    )
    back = f"/replays?project={tenant.app.id}"
    fields = {"replay": [f"{tenant.app.id}/{each}" for each in (REPLAY_ID, other)], "back": back}
    pinned = await tenant.web.post("/replays/selected/pin", data=fields)
    assert pinned.headers["location"] == f"{back}&done=replays-pinned&count=2"
    question = await tenant.web.post("/replays/selected/hold", data=fields)
    assert "Hold 2 replays" in question.text
    held = await tenant.web.post("/replays/selected/hold", data=fields | HOLD | {"sure": "yes"})
    assert held.headers["location"] == f"{back}&done=replays-held&count=2"
    listed = (await tenant.web.get(back)).text
    assert listed.count("(pinned)") == 2
    assert listed.count("(legal hold Case 4") == 2


async def test_members_see_holds_and_do_not_change_them(tenant: Server):
    """A member pins replays; only admins hold them."""
    await tenant.take(envelopes.replay_video_envelope(0))
    href = f"/projects/{tenant.app.id}/replays/{REPLAY_ID}"
    await tenant.web.post(f"{href}/holds", data=HOLD)
    person = await make_person(tenant.database, f"member.{tenant.app.id}@example.com")
    async with signed_in(tenant, person, role=Role.MEMBER) as browser:
        page = (await browser.get(f"{href}/holds")).text
        assert "Asked for by court" in page
        assert "Set hold" not in page
        assert (await browser.post(f"{href}/holds", data=HOLD)).status_code == 403
        assert (await browser.post(f"{href}/pin", data={"pinned": "yes"})).status_code == 303
