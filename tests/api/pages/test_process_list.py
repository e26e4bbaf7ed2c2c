"""The pages, the metrics and `doctor` speak for all processes that use the database."""

import re
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.cli import doctor
from app.cli.checks.check_result import CheckLevel
from app.core.settings import Settings
from app.processes.heartbeat import ProcessHeartbeat, make_identity
from app.processes.model import ROLES, ProcessCondition
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S


@pytest.fixture(autouse=True)
async def first_heartbeat(server: Server) -> None:
    """Write the row of the server, which may start to answer a moment before it does so itself."""
    await server.service.heartbeat.work()


async def add_process(
    server: Server,
    host: str,
    *,
    age_s: float = 0,
    roles: tuple[str, ...] = ROLES,
    **condition: Any,
) -> str:
    """Add a process that was heard of some time ago; returns its id."""
    heartbeat = ProcessHeartbeat(
        server.database,
        make_identity(
            version="9.9",
            journal_id="a" * 32 if "door" in roles else None,
            roles=roles,
            database_connections=90,
        ),
        lambda: ProcessCondition(room_bytes=1 << 40, **condition),
        heartbeat_s=5,
        silent_after_s=60,
    )
    heartbeat.read_counts = lambda: {"accepted": 1_000, "refused": {"key_rate": 7}}
    await heartbeat.work()
    async with server.database.transaction() as connection:
        await connection.execute(
            text(
                "update processes set host = :host, seen_at = now() - make_interval(secs => :age)"
                " where process_id = :id"
            ),
            {"host": host, "age": age_s, "id": heartbeat.identity.process_id},
        )
    await server.service.heartbeat.work()
    return heartbeat.identity.process_id


async def read_page(server: Server) -> str:
    """Return the text of the page of the server's health, without tags."""
    answer = await server.web.get("/server/health")
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


async def read_metrics(server: Server) -> list[str]:
    """Return the lines of the metrics."""
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        return (await client.get(f"{server.base_url}/metrics")).text.splitlines()


async def test_the_page_lists_all_processes_and_adds_up_what_they_count(server: Server):
    """The page adds up what all processes have accepted and refused."""
    await server.service.heartbeat.work()
    assert "One process runs on this database." in await read_page(server)
    await add_process(server, "door-2", backlog_entries=1_204, backlog_bytes=5_000_000)
    page = await read_page(server)
    assert "2 processes run on this database." in page
    assert "door-2" in page
    assert "1,204 envelopes (4.8 MiB)" in page
    assert "1,000 envelopes accepted since the start." in page
    assert "key_rate" in page


async def test_every_page_says_that_a_process_has_died(server: Server):
    """The banner names the host; a person removes it from the list when its disk is lost."""
    process_id = await add_process(server, "door-2", age_s=61, backlog_entries=3)
    banner = (await server.web.get("/projects")).text
    assert re.search(r"door-2 \(\d+\): stopped or died, and nobody owns the journal", banner)
    assert "3 envelopes waited in its journal" in banner
    path = f"/server/health/processes/{process_id}/forget"
    assert path in (await server.web.get("/server/health")).text
    answer = await server.web.post(path)
    assert answer.status_code == 303
    await server.service.heartbeat.work()
    assert "stopped or died" not in (await server.web.get("/projects")).text
    assert (await server.web.post(path)).status_code == 404


async def test_a_worker_that_nobody_replaces_is_told_everywhere(server: Server, monkeypatch):
    """Pages, metrics and `doctor` name it, until another process with its roles starts."""
    async with server.database.transaction() as connection:
        await connection.execute(text("update processes set started_at = now() - interval '1 h'"))
    await add_process(server, "worker-1", age_s=61, roles=("worker",))
    words = "stopped or died, and no other process has taken its place"
    assert words in (await server.web.get("/projects")).text
    assert words in await read_page(server)
    assert (await run_doctor(server, monkeypatch))["processes"].startswith("fail: worker-1")
    assert 'playhead_process_problems{problem="gone"} 1.0' in await read_metrics(server)
    await add_process(server, "worker-2", roles=("worker",))
    assert words not in (await server.web.get("/projects")).text
    assert 'playhead_process_problems{problem="gone"} 0.0' in await read_metrics(server)


async def test_doctor_names_a_role_that_no_process_has(server: Server, monkeypatch):
    """So does the page of the server's health, at once; metrics count processes by role."""
    async with server.database.transaction() as connection:
        await connection.execute(text("update processes set roles = '{door,pages}'"))
    title = "No process with the role worker runs: nothing is erased, expired, sealed or sent."
    assert title in await read_page(server)
    assert (await run_doctor(server, monkeypatch))["processes"].startswith(f"fail: {title}")
    await server.service.heartbeat.work()
    lines = await read_metrics(server)
    assert 'playhead_processes_by_role{role="worker"} 0.0' in lines
    assert 'playhead_processes_by_role{role="door"} 1.0' in lines


async def test_a_process_that_runs_cannot_be_removed(server: Server):
    """The page says why, and the process stays in the list."""
    process_id = await add_process(server, "door-2")
    answer = await server.web.post(f"/server/health/processes/{process_id}/forget")
    assert answer.status_code == 400
    assert "runs, or died less than 60 s ago" in answer.text
    assert "door-2" in await read_page(server)


async def test_metrics_speak_for_all_processes(server: Server):
    """Any process tells the states, backlogs and clocks of all."""
    await add_process(server, "door-2", age_s=20, backlog_entries=5)
    await add_process(server, "door-3", age_s=90, backlog_entries=6)
    lines = await read_metrics(server)
    for line in (
        'playhead_processes{state="live"} 1.0',
        'playhead_processes{state="late"} 1.0',
        'playhead_processes{state="silent"} 1.0',
        'playhead_process_problems{problem="dead"} 1.0',
        "playhead_processes_backlog_entries 11.0",
    ):
        assert line in lines
    assert any(line.startswith('playhead_process_silent_seconds{host="door-3"') for line in lines)


async def run_doctor(server: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Run the checks about processes, and return their state and text by subject."""
    settings: Settings = server.service.page_services.settings
    monkeypatch.setattr(doctor, "_check_pictures", doctor._check_storage)
    results = await doctor.run_checks(settings)
    return {each.subject: f"{each.state.value}: {each.text}" for each in results}


async def test_doctor_names_a_journal_that_nobody_owns(server: Server, monkeypatch):
    """Doctor names a dead process once two heartbeats were missed, some 13 s after its death."""
    results = await run_doctor(server, monkeypatch)
    assert results["store"].startswith("ok: ")
    assert results["processes"].startswith("ok: 1 process runs")
    assert results["connections"].startswith(f"{CheckLevel.OK.value}: up to 20 of 1 process;")
    await add_process(server, "door-2", age_s=13, backlog_entries=3)
    results = await run_doctor(server, monkeypatch)
    assert "door-2" in results["processes"]
    assert results["connections"].startswith("warn: up to 110 of 2 processes; Postgres allows ")
    await add_process(server, "door-2", age_s=61, backlog_entries=3)
    assert (await run_doctor(server, monkeypatch))["processes"].startswith("fail: ")
