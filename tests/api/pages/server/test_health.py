"""Tests of the health of the server, as monitors read it and as alerts on every page."""

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
from app.retention.run import run_retention
from app.storage.disk.local import LocalStore
from tests.support import html_reader
from tests.support.builders import clips, envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server
from tests.support.waiting import until


def set_free_bytes(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    """Set the free space on the journal's disk."""
    facts = SimpleNamespace(f_bavail=free_bytes, f_frsize=1)
    monkeypatch.setattr(health, "os", SimpleNamespace(statvfs=lambda _path: facts))


async def test_a_journal_without_room_is_not_ready(server, monkeypatch):
    """`/health/ready` and the pages report the full disk until there is room again."""
    assert (await server.sender.get("/health/ready")).status_code == 200
    with monkeypatch.context() as full:
        set_free_bytes(full, 0)
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


async def test_a_disk_that_cannot_be_read_counts_as_full(server, monkeypatch):
    """An error of the journal's disk makes the server refuse envelopes, as a full disk does."""

    def fail(_path: object) -> None:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(health, "os", SimpleNamespace(statvfs=fail))
    assert server.service.page_services.ingest_monitor.read_health().is_refusing


async def read_alerts(server: Server, path: str) -> list[str]:
    """Open a page, and return its alerts."""
    page = html_reader.parse_page((await server.web.get(path)).text)
    return [alert.text for alert in page.all("details", class_="alert")]


async def test_storage_that_does_not_answer_is_reported_on_pages(server, monkeypatch):
    """The page of a replay has an alert while the digest waits for storage, and no longer."""
    await server.take(envelopes.replay_video_envelope(0))

    async def fail(self, objects):
        raise ServiceUnavailable("the bucket is gone")

    monitor = server.service.page_services.ingest_monitor
    with monkeypatch.context() as broken:
        broken.setattr(LocalStore, "put_many", fail)
        assert (await server.post(envelopes.replay_video_envelope(1))).status_code == 200
        await until(lambda: monitor.read_health().outage is not None)
        (alert,) = await read_alerts(server, server.page(REPLAY_ID))
        assert "The storage does not answer" in alert
        assert "the bucket is gone" in alert  # the reader is an admin of the server
        metrics = (await server.sender.get("/metrics")).text
        assert "playhead_digest_waits 1.0" in metrics
        failures = 'playhead_storage_operation_failures_total{operation="put"} '
        assert float(metrics.partition(f"\n{failures}")[2].split()[0]) > 0
    await server.settled()
    assert monitor.read_health().outage is None
    assert await read_alerts(server, server.page(REPLAY_ID)) == []


async def test_storage_that_does_not_answer_is_noticed_without_envelopes(server, monkeypatch):
    """Even if no envelope arrives, the next check notices that storage failed or recovered."""

    async def fail(self, key, offset=0, length=None):
        raise ServiceUnavailable("the bucket is gone")

    monitor = server.service.page_services.ingest_monitor
    with monkeypatch.context() as broken:
        broken.setattr(LocalStore, "read", fail)
        await monitor.refresh()
        assert "The storage does not answer" in (await server.web.get("/replays")).text
    await monitor.refresh()
    assert monitor.read_health().outage is None
    assert "does not answer" not in (await server.web.get("/replays")).text


async def test_members_see_an_alert_about_the_quarantine_of_their_project(server):
    """Members of the project see the alert, and members of other projects do not."""
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
    await server.service.page_services.ingest_monitor.refresh()

    async def read_replay_list(token: str) -> str:
        page = await server.sender.get("/replays", headers={"cookie": f"playhead={token}"})
        return str(page.text)

    project_page = await server.sender.get(
        f"/projects/{server.app.id}", headers={"cookie": f"playhead={cookies[server.app]}"}
    )
    assert "Admins of this project can see them and the reasons." in project_page.text
    assert "ZeroDivisionError" not in project_page.text
    assert "App: 1 envelope in quarantine." in await read_replay_list(cookies[server.app])
    assert "in quarantine" not in await read_replay_list(cookies[server.backend])
    assert "playhead_quarantined_envelopes 1.0" in (await server.sender.get("/metrics")).text


async def test_admins_download_quarantined_envelopes(server):
    """Admins see the reason and download the envelope, which is logged; wrong addresses get 404."""
    async with server.database.transaction() as connection:
        quarantined_id = await project_writes.add_quarantined(
            connection,
            server.app.id,
            received_at=clock.now(),
            item_types=["event"],
            reason="ZeroDivisionError: <b>",
            body=b"\x1f\x8b<script>",
        )
    page = await server.web.get(f"/projects/{server.app.id}")
    assert "ZeroDivisionError: &lt;b&gt;" in page.text
    path = f"/projects/{server.app.id}/quarantine/{quarantined_id}"
    assert path in page.text
    answer = await server.web.get(path)
    assert answer.content == b"\x1f\x8b<script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for other_path in (
        f"/projects/{server.backend.id}/quarantine/{quarantined_id}",
        path + "0",
        path + "9" * 30,
    ):
        assert (await server.web.get(other_path)).status_code == 404
    async with server.database.reading() as connection:
        assert await list_audited_actions(connection) == ["quarantine_downloaded"]


async def test_viewers_do_not_download_quarantined_envelopes(server):
    """The envelopes are not scrubbed: viewers get 403, and members of other projects 404."""
    async with server.database.transaction() as connection:
        quarantined_id = await project_writes.add_quarantined(
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
    path = f"/projects/{server.app.id}/quarantine/{quarantined_id}"
    for project, status in ((server.app, 403), (server.backend, 404)):
        headers = {"cookie": f"playhead={tokens[project]}"}
        assert (await server.sender.get(path, headers=headers)).status_code == status


async def test_envelopes_in_journals_of_dead_processes_count_as_waiting(server, monkeypatch):
    """Such envelopes wait from the moment they were first seen until their journal is gone."""
    monitor = server.service.page_services.ingest_monitor
    folder = server.folder / "journal" / "of-a-dead-process"
    folder.mkdir()
    (folder / "00000000000000000001.journal").write_bytes(bytes(1_000))
    await monitor.refresh()
    assert monitor.read_health().journal_bytes >= 1_000
    monkeypatch.setattr(health, "BEHIND_S", -1.0)
    assert monitor.read_health().is_behind
    (folder / "00000000000000000001.journal").unlink()
    folder.rmdir()
    await monitor.refresh()
    assert monitor.read_health().oldest_s == 0.0


async def test_outcomes_are_explained_on_the_project_page(server):
    """The page explains each kind of loss and says what to do about it."""
    await server.take(
        envelopes.envelope({}, envelopes.client_report_item("cache_overflow", "replay")),
        envelopes.envelope({}, envelopes.item("event", b"no json")),
    )
    page = (await server.web.get(f"/projects/{server.app.id}")).text
    assert "The bytes do not follow their format." in page
    assert "Thirty envelopes waited on the phone; the oldest went." in page
    assert "Day by day" in page


async def test_an_admin_limits_storage(server):
    """An admin sets and lifts the limit; the endpoint obeys it, and the audit log has both."""
    path = f"/projects/{server.app.id}"
    await server.take(envelopes.replay_video_envelope(0))
    limit = {"limit_gib": "0,000001", "at_limit": "refuse"}
    saved = await server.web.post(f"{path}/retention", data=limit)
    assert (saved.status_code, saved.headers["location"]) == (
        303,
        f"{path}/retention?done=retention-saved",
    )
    assert "The project is full." in (await server.web.get(path)).text
    assert 'value="0.000001"' in (await server.web.get(f"{path}/retention")).text
    assert len(clips.clip()) > 1_074
    quotas = server.service.ingest.admission.quotas
    quotas._sum_storage_at_s = 0.0
    await quotas.refresh(server.database)
    assert (await server.post(envelopes.replay_video_envelope(1))).status_code == 429
    refused = await server.web.post(f"{path}/retention", data=limit | {"limit_gib": "much"})
    assert (refused.status_code, "The limit is a number of GiB" in refused.text) == (400, True)
    await server.web.post(f"{path}/retention", data={"limit_gib": " "})
    assert "The project is full." not in (await server.web.get(path)).text
    async with server.database.reading() as connection:
        actions = await list_audited_actions(connection)
    assert [action for action in actions if action == "retention_changed"] == [
        "retention_changed"
    ] * 2


async def test_new_data_is_kept_at_a_limit_that_lets_the_oldest_go(server):
    """Nothing is turned away; the next run frees the room, and the project is not called full."""
    path = f"/projects/{server.app.id}"
    await server.take(envelopes.replay_video_envelope(0))
    limit = {"limit_gib": "0.000001", "at_limit": "delete_oldest", "sure": "yes"}
    await server.web.post(f"{path}/retention", data=limit)
    quotas = server.service.ingest.admission.quotas
    quotas._sum_storage_at_s = 0.0
    await quotas.refresh(server.database)
    other = "ab" * 16
    await server.take(envelopes.replay_video_envelope(0, replay_id=other))
    assert "The project is full." not in (await server.web.get(path)).text
    while await run_retention(server.database, longest_days=None) is None:
        pass
    for replay_id in (REPLAY_ID, other):
        page = await server.web.get(f"{path}/replays/{replay_id}")
        assert page.status_code == 410
        assert "and let the oldest go” of its project" in page.text


async def list_audited_actions(connection) -> list[str]:
    """Return the actions in the audit log, in their order."""
    rows = await connection.exec_driver_sql("select action from audit_lines order by id")
    return [row.action for row in rows]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
async def test_viewers_and_members_cannot_change_the_limit_of_storage(server, role):
    """Viewers and members see the limit but no form, and get 403 if they post it anyway."""
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
    page = await server.sender.get(f"{path}/retention", headers=headers)
    assert "Kept for ever." in page.text
    assert "limit_gib" not in page.text
    answer = await server.sender.post(f"{path}/retention", data={"limit_gib": "1"}, headers=headers)
    assert answer.status_code == 403
