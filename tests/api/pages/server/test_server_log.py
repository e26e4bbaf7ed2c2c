"""Tests of the log of the server, which has the lines of all projects and those of none."""

from app.memberships.model import Role
from tests.api.pages.test_log import read_rows
from tests.support.browsers import signed_in
from tests.support.builders.people import make_person
from tests.support.servers.server import Server


async def test_the_log_of_the_server_is_for_its_admins(server: Server):
    """The server's log has all lines, also those without project; a project's log has its own."""
    ada = await make_person(server.database)
    async with signed_in(server, ada, role=Role.OWNER) as browser:
        for path in ("/server/log", "/server/log/export/csv"):
            assert (await browser.get(path)).status_code == 403
        await browser.post(f"/projects/{server.app.id}/settings/name", data={"name": "Kiosk"})
        own, _ = await read_rows(browser, f"/projects/{server.app.id}/log")
        await browser.post("/sign-out")
    rows, _ = await read_rows(server.web, "/server/log")
    assert len(own) == 1
    assert any("Signed out" in row for row in rows)
    assert any("Changed a project" in row and "in Kiosk" in row for row in rows)
    found, _ = await read_rows(server.web, "/server/log", person="ada@exam")
    assert len(found) == 2
    other, _ = await read_rows(server.web, f"/projects/{server.backend.id}/log")
    assert other == []
