"""Tests of the pages about what is kept: rules, previews, storage, and what has expired."""

import pytest
from sqlalchemy import text

from app.core.ids import ProjectId
from app.memberships.model import Role
from app.retention.run import run_retention
from tests.support.browsers import signed_in
from tests.support.builders.aged_data import AgedData
from tests.support.builders.people import make_person
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

RULES = {"days": "30", "limit_gib": "20", "at_limit": "delete_oldest"}


def data_of(server: Server) -> AgedData:
    """Return a way to make data of earlier days on a server."""
    return AgedData(server.database, server.service.page_services.store)


async def test_rules_that_delete_nothing_are_saved_at_once(tenant: Server):
    """The page shows the rules in words and in the form; new data gets their class."""
    path = f"/projects/{tenant.app.id}/retention"
    before = (await tenant.web.get(path)).text
    assert "Kept for ever." in before
    answer = await tenant.web.post(path, data=RULES)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=retention-saved")
    page = (await tenant.web.get(path)).text
    assert "Kept for 30 days; up to 20 GiB, then the oldest data is deleted." in page
    assert "No rule has deleted anything yet." in page
    async with tenant.database.reading() as connection:
        stored = await connection.execute(
            text("select retention_class from projects where id = :id"), {"id": tenant.app.id}
        )
        assert stored.scalar_one() == 1
    assert "Kept for 30 days" in (await tenant.web.get(f"/projects/{tenant.app.id}")).text


async def test_rules_that_delete_something_ask_first(tenant: Server):
    """The question says how many replays of which days go; nothing goes before the answer."""
    data = data_of(tenant)
    project = ProjectId(tenant.app.id)
    due = [await data.add_replay(project, age=age, retention_class=3) for age in (41, 35)]
    young = await data.add_replay(project, age=30, retention_class=3)
    issue = "1" * 32
    await data.add_event(project, age=41, retention_class=3, issue_id=issue)
    path = f"/projects/{project}/retention"
    question = (await tenant.web.post(path, data=RULES)).text
    assert "This deletes about 2 replays, " in question
    assert f"{data.day(41).day} {data.day(41):%b %Y} to {data.day(35).day}" in question
    assert "Kept for ever." in (await tenant.web.get(path)).text
    saved = await tenant.web.post(path, data=RULES | {"sure": "yes"})
    assert saved.headers["location"] == f"{path}?done=retention-running"
    while await run_retention(tenant.database, longest_days=None) is None:
        pass
    for key in due:
        page = await tenant.web.get(f"/projects/{project}/replays/{key.replay_id}")
        assert page.status_code == 410
        assert "by the rule “keep 30 days” of its project" in page.text
    led = await tenant.web.get(f"/replays/{due[0].replay_id}")
    assert led.headers["location"].endswith(due[0].replay_id)
    here = await tenant.web.get(f"/projects/{project}/replays/{young.replay_id}")
    assert here.status_code == 200
    gone = await tenant.web.get(f"/projects/{project}/issues/{issue}")
    assert gone.status_code == 410
    assert "by the rule “keep 30 days”" in gone.text
    missing = await tenant.web.get(f"/projects/{project}/events/{'e' * 32}")
    assert missing.status_code == 404
    assert "This project keeps data for 30 days" in missing.text
    assert "keep 30 days" in (await tenant.web.get(path)).text


async def test_the_question_names_the_days_whose_counts_go(tenant: Server):
    """Counts go by age even where no replay is left; the page says how long they stay."""
    data = data_of(tenant)
    path = f"/projects/{tenant.app.id}/retention"
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text(
                "insert into release_sessions"
                " (project_id, release, environment, day, status, quantity)"
                " values (:project, 'shop@1', 'live', :day, 'started', 3)"
            ),
            {"project": tenant.app.id, "day": data.day(40)},
        )
    assert "kept for 400 days" in (await tenant.web.get(path)).text
    question = (await tenant.web.post(path, data={"days": "7", "at_limit": "refuse"})).text
    day = f"{data.day(40).day} {data.day(40):%b %Y}"
    assert f"of what was removed for {day}." in question
    assert "This deletes about" not in question
    await tenant.web.post(path, data={"days": "7", "at_limit": "refuse", "sure": "yes"})
    assert "kept for 30 days. Ids of sessions" in (await tenant.web.get(path)).text


async def test_the_question_counts_what_keep_rules_reject(tenant: Server):
    """Keep rules are tried on closed replays before they are saved."""
    data = data_of(tenant)
    project = ProjectId(tenant.app.id)
    await data.add_replay(project, age=3, rage_taps=1)
    await data.add_replay(project, age=3)
    rules = {"keep_queries": "count_rage:>0\r\n", "rest_hours": "24"}
    question = (await tenant.web.post(f"/projects/{project}/retention", data=rules)).text
    assert "The keep rules delete 1 replay that matches none of them." in question
    assert "Deletion begins at once" in question


async def test_the_question_counts_young_replays_too(tenant: Server):
    """A replay whose hours are not over is deleted by a new rule as well, only later."""
    data = data_of(tenant)
    project = ProjectId(tenant.app.id)
    await data.add_replay(project, age=0)
    path = f"/projects/{project}/retention"
    rules = {"keep_queries": "count_rage:>0", "rest_hours": "720"}
    question = (await tenant.web.post(path, data=rules)).text
    assert "1 replay that matches none of them, within 720 hours after" in question
    assert "Deletion cannot be undone" in question
    saved = await tenant.web.post(path, data=rules | {"sure": "yes"})
    assert saved.status_code == 303
    again = await tenant.web.post(path, data=rules | {"limit_gib": "5"})
    assert again.status_code == 303, "the rule in force deletes it already"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"days": "many"}, "The number of days is a whole number such as 30."),
        ({"days": "0"}, "The number of days is between 1 and 36,500."),
        ({"for_ever": "yes"}, "Either enter a number of days, or keep data for ever."),
        ({"limit_gib": "much"}, "The limit is a number of GiB"),
        ({"at_limit": "explode"}, "Choose what happens at the limit."),
        (
            {"keep_queries": "count_rage:>many", "rest_hours": "24"},
            "Keep rule 1: <code>count_rage</code>",
        ),
        (
            {"keep_queries": "cout_errors:>0", "rest_hours": "24"},
            "<code>&gt;</code>; did you mean <code>count_errors</code>?",
        ),
        (
            {"keep_queries": "a\nseen:yes", "rest_hours": "24"},
            "Keep rule 2: <code>seen</code> depends",
        ),
        ({"keep_queries": "(a", "rest_hours": "24"}, "is never closed"),
        ({"keep_queries": "a"}, "Keep rules need a number of hours"),
        ({"keep_queries": "a\n" * 11, "rest_hours": "1"}, "11 keep rules, 10 are allowed"),
    ],
)
async def test_rules_that_make_no_sense_are_refused(
    tenant: Server, changed: dict[str, str], problem: str
):
    """The form comes back with what was typed, and says what to correct."""
    path = f"/projects/{tenant.app.id}/retention"
    page = await tenant.web.post(path, data=RULES | changed)
    assert page.status_code == 400
    assert problem in page.text
    assert "Kept for ever." in (await tenant.web.get(path)).text


async def test_viewers_see_rules_and_admins_alone_change_them(tenant: Server):
    """Everybody in a project may know how long its data is kept."""
    person = await make_person(tenant.database, f"viewer.{tenant.app.id}@example.com")
    path = f"/projects/{tenant.app.id}/retention"
    async with signed_in(tenant, person, role=Role.VIEWER) as browser:
        page = (await browser.get(path)).text
        assert "Kept for ever." in page
        assert "Only admins of the project can change these rules." in page
        assert "<textarea" not in page
        assert (await browser.post(path, data=RULES)).status_code == 403
        assert (await browser.get("/server/storage")).status_code == 403
