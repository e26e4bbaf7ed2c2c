"""The pages of alerts: forms, what they show, and what is refused."""

import re

import pytest
from sqlalchemy import text

from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"kind": "slack", "address": ""}, "https://"),
        ({"kind": "slack", "address": "http://hooks.example/x"}, "https://"),
        ({"kind": "webhook", "address": "https://10.0.0.1/x"}, "private network"),
        ({"kind": "mail", "address": "ada@example.com"}, "PLAYHEAD_SMTP_URL"),
        ({"kind": "pigeon", "address": "x"}, "choose where"),
    ],
)
async def test_an_address_that_cannot_be_used_is_refused(
    tenant: Server, form: dict[str, str], words: str
):
    """The form comes back with what was typed and what to correct."""
    answer = await tenant.web.post(f"/projects/{tenant.app.id}/alerts/begin", data=form)
    assert answer.status_code == 400
    assert words.lower() in answer.text.lower()


async def test_rules_are_added_changed_switched_and_deleted(tenant: Server):
    """Each kind has a form; what it takes is shown, and what it cannot use is refused."""
    path = f"/projects/{tenant.app.id}/alerts"
    await tenant.web.post(
        f"{path}/begin", data={"kind": "slack", "address": "https://hook.example/x", "name": "Team"}
    )
    async with tenant.database.reading() as connection:
        target = await connection.scalar(
            text("select id from alert_targets where project_id = :id"), {"id": tenant.app.id}
        )
    chosen = {"target": str(target)}
    for kind, fields in (
        ("spike", {"factor": "2,5", "least_events": "5"}),
        ("issue_spike", {"factor": "4", "least_events": "7"}),
        ("crash_free", {"share_percent": "99.5 %", "least_sessions": "10"}),
        ("query", {"query": "end:crashed screen:Checkout*"}),
        ("silence", {"silent_min": "120"}),
        ("new_issue", {"only_crashes": "yes", "environment": "production", "tell": "daily",
                       "tell_at": "07:30", "time_zone": "Europe/Berlin"}),
    ):  # fmt: skip
        answer = await tenant.web.post(f"{path}/rules/new?kind={kind}", data={**fields, **chosen})
        assert answer.headers["location"].endswith("done=alert-added"), kind
    page = (await tenant.web.get(path)).text
    for words in (
        "2.5 times as many as usual, at least 5",
        "4 times as many as usual, at least 7",
        "below 99.5 % of at least 10 sessions",
        "end:crashed screen:Checkout*",
        "for 120 minutes",
        "once a day at 07:30 (Europe/Berlin)",
    ):
        assert words in page
    for kind, fields in (
        ("query", {"query": "("}),
        ("query", {"query": "seen:yes"}),
        ("query", {"query": ""}),
        ("spike", {"factor": "often"}),
        ("spike", {"factor": "1e9"}),
        ("silence", {"silent_min": "0"}),
        ("new_issue", {"quiet_from": "22:00"}),
        ("new_issue", {"quiet_from": "22:00", "quiet_until": "25:00"}),
        ("new_issue", {"time_zone": "../etc/passwd"}),
    ):
        answer = await tenant.web.post(f"{path}/rules/new?kind={kind}", data={**fields, **chosen})
        assert answer.status_code == 400, (kind, fields)
    assert (await tenant.web.post(f"{path}/rules/new?kind=spike")).status_code == 400, "no target"
    assert (await tenant.web.get(f"{path}/rules/new?kind=disk")).status_code == 404
    rule = re.findall(rf"{path}/rules/\d+", page)[0]
    assert (await tenant.web.post(f"{rule}/switch", data={"on": "no"})).status_code == 303
    assert (await tenant.web.post(rule, data={**chosen, "factor": "9"})).status_code == 303
    assert "9 times as many" in (await tenant.web.get(path)).text
    assert (await tenant.web.post(f"{rule}/delete")).status_code == 303
    assert (await tenant.web.get(rule)).status_code == 404


async def test_targets_and_rules_of_another_project_are_not_there(tenant: Server):
    """An id of another project is answered like one that does not exist."""
    other = f"/projects/{tenant.backend.id}/alerts"
    form = {"kind": "webhook", "address": "https://hook.example/x", "rule-new_issue": "yes"}
    await tenant.web.post(f"{other}/begin", data=form)
    async with tenant.database.reading() as connection:
        row = (
            await connection.execute(
                text(
                    "select r.id as rule, t.id as target from alert_rules r"
                    " join alert_targets t on t.project_id = r.project_id"
                    " where r.project_id = :id"
                ),
                {"id": tenant.backend.id},
            )
        ).one()
    own = f"/projects/{tenant.app.id}/alerts"
    for place in (f"/rules/{row.rule}", f"/targets/{row.target}"):
        assert (await tenant.web.get(f"{other}{place}")).status_code == 200
        assert (await tenant.web.get(f"{own}{place}")).status_code == 404
        assert (await tenant.web.post(f"{own}{place}/delete")).status_code == 404
    # Nor can a rule tell the target of another project.
    answer = await tenant.web.post(f"{own}/rules/new?kind=spike", data={"target": str(row.target)})
    assert answer.status_code == 400


async def test_a_webhook_shows_its_secret_and_gets_another(tenant: Server):
    """The secret is on the page of the target, for admins alone."""
    path = f"/projects/{tenant.app.id}/alerts"
    form = {"kind": "webhook", "address": "https://hook.example/secret"}
    await tenant.web.post(f"{path}/begin", data=form)
    async with tenant.database.reading() as connection:
        row = (
            await connection.execute(
                text("select id, secret from alert_targets where project_id = :id"),
                {"id": tenant.app.id},
            )
        ).one()
    page = await tenant.web.get(f"{path}/targets/{row.id}")
    assert row.secret in page.text
    assert "/secret" not in page.text.replace(f"targets/{row.id}/secret", "")
    await tenant.web.post(f"{path}/targets/{row.id}/secret")
    page = await tenant.web.get(f"{path}/targets/{row.id}")
    assert row.secret not in page.text
    assert "whsec_" in page.text
