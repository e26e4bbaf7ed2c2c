"""The server is killed at every await of symbolicating stored events; issues count right."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any, Final

import httpx2
from sqlalchemy import text

from app.core.ids import ProjectId
from app.db.engine import Database
from app.symbolication.model import unpack_symbolicated
from app.symbolication.redo.ask import queue_stored_events
from tests.support import programme_size
from tests.support.builders import envelopes, uploads
from tests.support.builders.api_tokens import make_token
from tests.support.clear_events import redo
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions, ServerProcess
from tests.support.servers.server import Keyed, Server, keyed, running

KILLS: Final = programme_size.rounds(ci=3, nightly=200)
LIVES: Final = 10
"""Kills in a row before everything is checked; each server goes on with what the last one left."""
STEPS: Final = 150
"""About as many steps as it takes to symbolicate some events three times."""
EVENTS: Final = 24
DEBUG_ID: Final = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
TABLES: Final = ("issues", "issue_hours", "issue_users", "issue_replays", "issue_releases")


def make_mapping(version: int) -> bytes:
    """Make a mapping by which three shrunk methods are spread over classes in another way."""
    lines = [f"# version {version}", f"com.acme.Checkout{version % 3} -> q.a:"]
    for number, name in enumerate("abc"):
        clear = f"step{(number * version) % 3}"
        lines.append(f"    1:9:void {clear}():{10 * number + 1}:{10 * number + 9} -> {name}")
    return "\n".join([*lines, ""]).encode()


def make_event(number: int) -> bytes:
    """Make an envelope with an event in one of three shrunk methods."""
    frame = {"module": "q.a", "function": "abc"[number % 3], "lineno": 3, "in_app": True}
    thrown = {"type": "IOException", "value": "x", "stacktrace": {"frames": [frame]}}
    return envelopes.event_envelope(
        f"{number + 1:032x}",
        replay_id=f"{number // 4 + 1:032x}" if number % 2 else None,
        trace_id=None,
        exception={"values": [thrown]},
        transaction=None,
        release=f"shop@1.{number % 5}",
        user={"id": f"u-{number % 7}"},
        debug_meta={"images": [{"type": "proguard", "uuid": DEBUG_ID}]},
    )


async def upload_mapping(client: httpx2.AsyncClient, project_id: ProjectId, version: int) -> None:
    """Upload a mapping under the id that the events name."""
    answer = await uploads.upload(
        client, project_id, make_mapping(version), name=f"/proguard/{DEBUG_ID}.txt"
    )
    assert answer["state"] == "ok", answer


def open_client(base_url: str, token: str) -> httpx2.AsyncClient:
    """Open a client that uploads as a build server."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(base_url=base_url, headers=headers, trust_env=False, timeout=120)


async def redo_until_killed(
    server: ServerProcess, database: Database, token: str, to: Keyed, versions: list[int]
) -> None:
    """Upload one mapping after another, and have all events done by each, until nobody answers."""
    async with open_client(server.base_url, token) as client:
        with contextlib.suppress(httpx2.HTTPError):
            while server.is_alive():
                versions.append(versions[-1] + 1)
                await upload_mapping(client, to.id, versions[-1])
                await queue_stored_events(database, to.id)
                while server.is_alive() and await count_queued(database):  # noqa: ASYNC110 - another process works
                    await asyncio.sleep(0.02)


async def count_queued(database: Database) -> int:
    """Count the events that wait in the queue."""
    async with database.reading() as connection:
        return int(await connection.scalar(text("select count(*) from symbolication_queue")) or 0)


async def end_leases(database: Database) -> None:
    """Let the claims of dead processes end, as they do after five minutes."""
    async with database.transaction() as connection:
        await connection.execute(text("update symbolication_queue set due_at = now(), tries = 0"))
        await connection.execute(text("update debug_file_arrivals set claimed_until = null"))


async def dump_issues(database: Database, project_id: ProjectId) -> dict[str, list[Any]]:
    """Return the rows of issues without what depends on the project and the time of arrival."""
    skipped = {"project_id", "user_hash", "first_seen_at", "last_seen_at", "hour"}
    dumped: dict[str, list[Any]] = {}
    async with database.reading() as connection:
        for table in TABLES:
            rows = await connection.execute(
                text(f"select * from {table} where project_id = :id"), {"id": project_id}
            )
            dumped[table] = sorted(
                [
                    {name: value for name, value in row.items() if name not in skipped}
                    for row in rows.mappings()
                ],
                key=str,
            )
    return dumped


async def check_events(server: Server, to: Keyed, expected: Keyed) -> None:
    """Check that events and issues are those of a project where the last mapping came first."""
    await redo(server)
    assert await count_queued(server.database) == 0
    async with server.database.reading() as connection:
        rows = await connection.execute(
            text("select project_id, event_id, title, issue_id, symbolicated from events")
        )
        ends: dict[int, dict[str, Any]] = {to.id: {}, expected.id: {}}
        for row in rows:
            symbolicated = unpack_symbolicated(row.symbolicated)
            assert not symbolicated.is_pending
            ends[row.project_id][row.event_id.hex] = (
                row.title,
                row.issue_id,
                symbolicated.members,
                symbolicated.missing,
            )
    assert len(ends[to.id]) == EVENTS
    assert ends[to.id] == ends[expected.id]
    assert await dump_issues(server.database, to.id) == await dump_issues(
        server.database, expected.id
    )


async def test_a_kill_at_any_step_of_symbolicating_leaves_issues_right(
    database_url: str, tmp_path: Path, report: Report
) -> None:
    """Whenever the server dies, events are clear afterwards, and each counts in one issue."""
    database = Database.open(database_url, pool_size=2)
    dice = programme_size.seeded_dice("redo kill steps")
    places: set[str] = set()
    for first in range(0, KILLS, LIVES):
        to = await keyed(database, f"App {first}")
        expected = await keyed(database, f"Expected {first}")
        token = await make_token(database, to.id)
        versions = [1000 * first]
        async with running(database_url, tmp_path) as server:
            await server.service.page_services.keys.refresh()
            await server.take(*map(make_event, range(EVENTS)), project=to)
        for _ in range(first, min(first + LIVES, KILLS)):
            options = LaunchOptions(kill_at=1 + dice.randrange(STEPS), kill_within="symbolication/")
            with process.launch_server(database_url, tmp_path, options) as killed:
                if await asyncio.to_thread(killed.listens):
                    await redo_until_killed(killed, database, token, to, versions)
                killed.wait()
                assert killed.place is not None, "the server ended by itself, before the step"
                places.add(killed.place)
            await end_leases(database)
        async with running(database_url, tmp_path) as server:
            last = versions[-1] + 1
            for project, secret in (
                (to, token),
                (expected, await make_token(database, expected.id)),
            ):
                async with open_client(server.base_url, secret) as client:
                    await upload_mapping(client, project.id, last)
            await server.take(*map(make_event, range(EVENTS)), project=expected)
            await queue_stored_events(database, to.id)
            await check_events(server, to, expected)
        async with database.transaction() as connection:
            await connection.execute(text("delete from events"))
        report.round(kills=min(LIVES, KILLS - first), versions=len(versions))
    report.facts["places"] = len(places)
    await database.close()
