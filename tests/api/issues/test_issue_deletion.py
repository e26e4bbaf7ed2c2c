"""Tests of the deletion of an issue with its events and files."""

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


async def send_error_with_file(tenant: Server, event_id: str = EVENT_ID) -> str:
    """Send an error with a file; return the path of its issue."""
    file = envelopes.item("attachment", b"notes", filename="notes.txt")
    await tenant.take(envelopes.event_envelope(event_id, more_items=[file]))
    answer = await tenant.web.get(f"/projects/{tenant.app.id}/events/{event_id}")
    return answer.headers["location"].partition("/events/")[0]


async def count_rows(tenant: Server, table: str) -> int:
    """Count the rows of the tenant's app in a table."""
    async with tenant.database.reading() as connection:
        row_count = await connection.scalar(
            text(f"select count(*) from {table} where project_id = :id"), {"id": tenant.app.id}
        )
    return int(row_count or 0)


def list_file_objects(tenant: Server) -> list[str]:
    """List the objects of the files of the tenant's app."""
    return [str(path) for path in tenant.objects() if f"-{tenant.app.id}-" in path.name]


async def test_a_deleted_issue_is_gone_with_its_files(tenant: Server):
    """The rows of a deleted issue go at once, its files with the sweep; the audit log has it."""
    path = await send_error_with_file(tenant)
    assert len(list_file_objects(tenant)) == 1
    confirmation = await tenant.web.get(f"{path}/delete")
    assert "1 event of 1 user" in confirmation.text
    assert "1 file (5 bytes)" in confirmation.text
    answer = await tenant.web.post(f"{path}/delete")
    assert answer.status_code == 303
    assert {table: await count_rows(tenant, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert await count_rows(tenant, "attachments") == 0
    await until(lambda: not list_file_objects(tenant))
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


async def test_an_error_after_the_deletion_begins_its_issue_anew(tenant: Server):
    """A deleted issue comes back with its next error, and the deletion leaves others alone."""
    path = await send_error_with_file(tenant)
    other_error = envelopes.event_envelope("b" * 32, fingerprint=["other"], replay_id=None)
    await tenant.take(other_error)
    await tenant.web.post(f"{path}/delete")
    assert await count_rows(tenant, "issues") == 1
    assert await send_error_with_file(tenant, "c" * 32) == path
    assert await count_rows(tenant, "issues") == 2


async def test_the_sweep_keeps_a_deleted_file_that_came_again(tenant: Server):
    """The sweep removes no object that a row points at."""
    path = await send_error_with_file(tenant)
    await tenant.web.post(f"{path}/delete")
    await until(lambda: not list_file_objects(tenant))
    await send_error_with_file(tenant)
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
    assert len(list_file_objects(tenant)) == 1


async def test_only_admins_delete_issues(tenant: Server):
    """A member sees no button for the deletion, and gets 403."""
    path = await send_error_with_file(tenant)
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person, role=Role.MEMBER) as browser:
        assert f"{path}/delete" not in (await browser.get(path)).text
        assert (await browser.get(f"{path}/delete")).status_code == 403
        assert (await browser.post(f"{path}/delete")).status_code == 403
