"""Deleting an issue: it disappears everywhere at once, with its files, and is logged."""

import uuid

import pytest
from sqlalchemy import text

from app.erasure.sweep import sweep_once
from app.memberships.model import Role
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID
from tests.support.servers.server import Server
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

TABLES = ("issues", "issue_hours", "issue_users", "issue_replays", "issue_releases", "events")


async def take_with_file(tenant: Server, event_id: str = EVENT_ID) -> str:
    """Send an error with a file; return the path of its issue."""
    file = envelopes.item("attachment", b"notes", filename="notes.txt")
    await tenant.take(envelopes.event_envelope(event_id, more_items=[file]))
    found = await tenant.web.get(f"/projects/{tenant.app.id}/events/{event_id}")
    return found.headers["location"].partition("/events/")[0]


async def rows(tenant: Server, table: str) -> int:
    """Count the rows of the tenant's app in a table."""
    async with tenant.database.reading() as connection:
        found = await connection.scalar(
            text(f"select count(*) from {table} where project_id = :id"), {"id": tenant.app.id}
        )
    return int(found or 0)


def files_of(tenant: Server) -> list[str]:
    """Name the objects of files that the tenant's app has."""
    return [str(one) for one in tenant.objects() if f"/p/{tenant.app.id}/e/" in str(one)]


async def test_a_deleted_issue_is_gone_with_its_files(tenant: Server):
    """Its rows go at once and its objects with the sweep; only the line in the log remains."""
    path = await take_with_file(tenant)
    assert len(files_of(tenant)) == 1
    asked = await tenant.web.get(f"{path}/delete")
    assert "1 event of 1 user" in asked.text
    assert "1 file (5 bytes)" in asked.text
    answer = await tenant.web.post(f"{path}/delete")
    assert answer.status_code == 303
    assert {table: await rows(tenant, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert await rows(tenant, "attachments") == 0
    await until(lambda: not files_of(tenant), deadline_s=20)
    assert (await tenant.web.get(path)).status_code == 404
    assert (await tenant.web.post(f"{path}/delete")).status_code == 404
    async with tenant.database.reading() as connection:
        detail = await connection.scalar(
            text(
                "select detail from audit_lines"
                " where action = 'issue_deleted' and project_id = :project_id"
            ),
            {"project_id": tenant.app.id},
        )
    assert detail == {"events": 1, "files": 1, "file_bytes": 5}


async def test_an_issue_begins_anew_after_its_deletion(tenant: Server):
    """The same problem makes a new issue, so that it is not overlooked; other issues stay."""
    path = await take_with_file(tenant)
    other = envelopes.event_envelope("b" * 32, fingerprint=["other"], replay_id=None)
    await tenant.take(other)
    await tenant.web.post(f"{path}/delete")
    assert await rows(tenant, "issues") == 1
    assert await take_with_file(tenant, "c" * 32) == path
    assert await rows(tenant, "issues") == 2


async def test_a_file_that_came_again_is_kept(tenant: Server):
    """The sweep checks whether a row points at an object before removing it."""
    path = await take_with_file(tenant)
    await tenant.web.post(f"{path}/delete")
    await until(lambda: not files_of(tenant), deadline_s=20)
    await take_with_file(tenant)
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text(
                "insert into file_outbox (project_id, event_id, object_key, added_at)"
                " select project_id, event_id, object_key, now() from attachments"
                " where project_id = :project_id"
            ),
            {"project_id": tenant.app.id},
        )
    await sweep_once(tenant.database, tenant.service.page_services.store)
    assert len(files_of(tenant)) == 1


async def test_only_admins_delete_issues(tenant: Server):
    """A member does not see the button, and is refused."""
    path = await take_with_file(tenant)
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person, role=Role.MEMBER) as browser:
        assert f"{path}/delete" not in (await browser.get(path)).text
        assert (await browser.get(f"{path}/delete")).status_code == 403
        assert (await browser.post(f"{path}/delete")).status_code == 403
