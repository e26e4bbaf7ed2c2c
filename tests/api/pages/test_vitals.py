"""The health of the server: for monitors, and as alerts on every page."""

import os
from types import SimpleNamespace

import pytest

from app.accounts import sign_ins, writes as account_writes
from app.core import clock
from app.core.errors import ServiceUnavailable
from app.ingest import health
from app.memberships import writes as membership_writes
from app.memberships.model import Role
from app.projects import writes as project_writes
from app.storage.local import LocalStore
from tests.support import html_reader
from tests.support.builders import clips, envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server
from tests.support.waiting import until


def with_free(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    """Set the free space on the journal's disk."""
    facts = SimpleNamespace(f_bavail=free_bytes, f_frsize=1)
    monkeypatch.setattr(health, "os", SimpleNamespace(statvfs=lambda _path: facts))


async def test_a_journal_without_room_is_not_ready(server, monkeypatch):
    """Below the reserve `/health/ready` and pages say so, until there is room again."""
    assert (await server.sender.get("/health/ready")).status_code == 200
    with monkeypatch.context() as full:
        with_free(full, 0)
        answer = await server.sender.get("/health/ready")
        assert (answer.status_code, answer.json()["detail"]) == (
            503,
            "the journal runs out of room",
        )
        metrics = (await server.sender.get("/metrics")).text
        assert "playhead_journal_used_ratio 1.0" in metrics
        assert "playhead_journal_room_bytes 0.0" in metrics
        for path in ("/replays", "/projects", "/account", f"/projects/{server.app.id}"):
            assert "Nothing is accepted" in (await server.web.get(path)).text
        assert "Nothing is accepted" not in (await server.sender.get("/sign-in")).text
    assert (await server.sender.get("/health/ready")).status_code == 200
    assert "Nothing is accepted" not in (await server.web.get("/replays")).text


async def test_a_disk_that_cannot_be_looked_at_has_no_room(server, monkeypatch):
    """An error of the disk is reported like a full disk."""

    def fail(_path: object) -> None:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(health, "os", SimpleNamespace(statvfs=fail))
    assert server.service.page_services.watch.read_health().is_refusing


async def alerts_of(server: Server, path: str) -> list[str]:
    """Open a page; return its alerts."""
    page = html_reader.parse_page((await server.web.get(path)).text)
    return [one.text for one in page.all("details", class_="alert")]


async def test_storage_that_is_away_is_seen_on_the_replay_page(server, monkeypatch):
    """Every page says so while digest waits for storage, and no longer."""
    await server.take(envelopes.replay_video_envelope(0))

    async def fail(self, objects):
        raise ServiceUnavailable("the bucket is gone")

    watch = server.service.page_services.watch
    with monkeypatch.context() as broken:
        broken.setattr(LocalStore, "put_many", fail)
        assert (await server.post(envelopes.replay_video_envelope(1))).status_code == 200
        await until(lambda: watch.read_health().away is not None)
        (alert,) = await alerts_of(server, server.page(REPLAY_ID))
        assert "The storage does not answer" in alert
        assert "the bucket is gone" in alert  # the reader is an admin of the server
        assert "playhead_digest_waits 1.0" in (await server.sender.get("/metrics")).text
    await server.settled()
    assert watch.read_health().away is None
    assert await alerts_of(server, server.page(REPLAY_ID)) == []


async def test_storage_that_goes_away_is_seen_while_nothing_comes_in(server, monkeypatch):
    """Without any envelope, the next checks notice that the bucket is gone and back."""

    async def fail(self, key, offset=0, length=None):
        raise ServiceUnavailable("the bucket is gone")

    watch = server.service.page_services.watch
    with monkeypatch.context() as broken:
        broken.setattr(LocalStore, "read", fail)
        await watch.refresh()
        assert "The storage does not answer" in (await server.web.get("/replays")).text
    await watch.refresh()
    assert watch.read_health().away is None
    assert "does not answer" not in (await server.web.get("/replays")).text


async def test_quarantine_is_told_to_those_who_see_the_project(server):
    """Members of the project see the alert, members of other projects do not."""
    async with server.database.transaction() as connection:
        await project_writes.add_quarantined(
            connection,
            server.app.id,
            received_at=clock.now(),
            item_types=["event"],
            reason="ZeroDivisionError",
            body=b"x",
        )
        cookies = {}
        for project in (server.app, server.backend):
            person = await account_writes.add_person(connection, f"{project.id}@example.com")
            await membership_writes.set_member(connection, project.id, person.id, Role.VIEWER)
            cookies[project] = await sign_ins.start_sign_in(connection, person.id, user_agent="")
    await server.service.page_services.watch.refresh()

    async def read(token: str) -> str:
        found = await server.sender.get("/replays", headers={"cookie": f"playhead={token}"})
        return str(found.text)

    viewed = await server.sender.get(
        f"/projects/{server.app.id}", headers={"cookie": f"playhead={cookies[server.app]}"}
    )
    assert "Admins of this project can see them and the reasons." in viewed.text
    assert "ZeroDivisionError" not in viewed.text
    assert "App: 1 envelope in quarantine." in await read(cookies[server.app])
    assert "in quarantine" not in await read(cookies[server.backend])
    assert "playhead_quarantined_envelopes 1.0" in (await server.sender.get("/metrics")).text


async def test_admins_read_what_was_put_aside(server):
    """Admins see the reason and download the envelope, which is recorded; others get 404."""
    async with server.database.transaction() as connection:
        aside = await project_writes.add_quarantined(
            connection,
            server.app.id,
            received_at=clock.now(),
            item_types=["event"],
            reason="ZeroDivisionError: <b>",
            body=b"\x1f\x8b<script>",
        )
    page = await server.web.get(f"/projects/{server.app.id}")
    assert "ZeroDivisionError: &lt;b&gt;" in page.text
    path = f"/projects/{server.app.id}/quarantine/{aside}"
    assert path in page.text
    answer = await server.web.get(path)
    assert answer.content == b"\x1f\x8b<script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for other in (f"/projects/{server.backend.id}/quarantine/{aside}", path + "0", path + "9" * 30):
        assert (await server.web.get(other)).status_code == 404
    async with server.database.reading() as connection:
        assert await audited(connection) == ["quarantine_downloaded"]


async def test_viewers_do_not_read_what_was_put_aside(server):
    """Since it is not scrubbed, viewers get 403 and members of other projects 404."""
    async with server.database.transaction() as connection:
        aside = await project_writes.add_quarantined(
            connection,
            server.app.id,
            received_at=clock.now(),
            item_types=[],
            reason="",
            body=b"x",
        )
        tokens = {}
        for project in (server.app, server.backend):
            person = await account_writes.add_person(connection, f"{project.id}@example.com")
            await membership_writes.set_member(connection, project.id, person.id, Role.VIEWER)
            tokens[project] = await sign_ins.start_sign_in(connection, person.id, user_agent="")
    path = f"/projects/{server.app.id}/quarantine/{aside}"
    for project, status in ((server.app, 403), (server.backend, 404)):
        headers = {"cookie": f"playhead={tokens[project]}"}
        assert (await server.sender.get(path, headers=headers)).status_code == status


async def test_journals_of_dead_processes_are_seen(server, monkeypatch):
    """Their envelopes count as waiting since they were first seen."""
    watch = server.service.page_services.watch
    folder = server.folder / "journal" / "of-a-dead-process"
    folder.mkdir()
    (folder / "00000000000000000001.journal").write_bytes(bytes(1_000))
    await watch.refresh()
    assert watch.read_health().journal_bytes >= 1_000
    monkeypatch.setattr(health, "BEHIND_S", -1.0)
    assert watch.read_health().is_behind
    (folder / "00000000000000000001.journal").unlink()
    folder.rmdir()
    await watch.refresh()
    assert watch.read_health().oldest_s == 0.0


async def test_outcomes_are_explained_on_the_project_page(server):
    """Each loss has its number, its meaning and advice."""
    await server.take(
        envelopes.envelope({}, envelopes.client_report_item("cache_overflow", "replay")),
        envelopes.envelope({}, envelopes.item("event", b"no json")),
    )
    page = (await server.web.get(f"/projects/{server.app.id}")).text
    assert "The bytes do not follow their format." in page
    assert "Thirty envelopes waited on the phone; the oldest went." in page
    assert "Day by day" in page


async def test_an_admin_limits_storage(server):
    """The form sets, lifts and refuses a limit; the endpoint obeys it; the log has it."""
    path = f"/projects/{server.app.id}"
    await server.take(envelopes.replay_video_envelope(0))
    saved = await server.web.post(f"{path}/storage", data={"limit_gib": "0,000001"})
    assert (saved.status_code, saved.headers["location"]) == (
        303,
        f"{path}?done=storage-limited#storage",
    )
    page = (await server.web.get(path)).text
    assert "The project is full." in page
    assert 'value="0.000001"' in page
    assert len(clips.clip()) > 1_074
    quotas = server.service.ingest.admission.quotas
    quotas._sum_storage_at_s = 0.0
    await quotas.refresh(server.database)
    assert (await server.post(envelopes.replay_video_envelope(1))).status_code == 429
    wrong = await server.web.post(f"{path}/storage", data={"limit_gib": "much"})
    assert (wrong.status_code, "The limit is a number of GiB" in wrong.text) == (400, True)
    await server.web.post(f"{path}/storage", data={"limit_gib": " "})
    assert "The project is full." not in (await server.web.get(path)).text
    async with server.database.reading() as connection:
        lines = await audited(connection)
    assert [one for one in lines if one == "project_changed"] == ["project_changed"] * 2


async def audited(connection) -> list[str]:
    """Return the actions in the audit log."""
    found = await connection.exec_driver_sql("select action from audit_lines order by id")
    return [row.action for row in found]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
async def test_others_see_the_limit_and_cannot_change_it(server, role):
    """They get no form, and 403 if they post anyway."""
    async with server.database.transaction() as connection:
        person = await account_writes.add_person(connection, "v@example.com")
        await membership_writes.set_member(connection, server.app.id, person.id, role)
        token = await sign_ins.start_sign_in(connection, person.id, user_agent="")
    headers = {
        "cookie": f"playhead={token}",
        "origin": server.base_url,
        "accept": "text/html",
    }
    path = f"/projects/{server.app.id}"
    page = await server.sender.get(path, headers=headers)
    assert "No limit is set." in page.text
    assert "limit_gib" not in page.text
    answer = await server.sender.post(f"{path}/storage", data={"limit_gib": "1"}, headers=headers)
    assert answer.status_code == 403
