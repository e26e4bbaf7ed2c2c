"""An envelope that was answered with 200 is stored exactly once, even after a kill."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from app.db.engine import Database
from app.ingest.item_types import BY_NAME
from app.ingest.items.event import EVENT
from app.projects import queries as projects
from tests.support.builders import clips, envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers import process
from tests.support.servers.server import Keyed, keyed, running
from tests.support.waiting import PATIENCE_S, until

SEGMENTS = 12


async def send_envelopes(base_url: str, to: Keyed, *bodies: bytes) -> None:
    """Send envelopes and check that each is answered with 200."""
    async with httpx2.AsyncClient(base_url=base_url, trust_env=False, timeout=120) as sender:
        for body in bodies:
            answer = await sender.post(
                f"/api/{to.id}/envelope/",
                content=envelopes.gzipped(body),
                headers=envelopes.headers(to.key),
            )
            assert answer.status_code == 200, answer.text


@asynccontextmanager
async def open_database(database_url: str) -> AsyncIterator[Database]:
    """Open a database for the length of the block."""
    database = Database.open(database_url, pool_size=1)
    yield database
    await database.close()


async def count_segments(database: Database) -> int:
    """Count the stored segments."""
    async with database.reading() as connection:
        count = await connection.scalar(text("select count(*) from segments"))
    return int(count or 0)


def make_segments() -> list[bytes]:
    """Make the segments of one replay."""
    return [envelopes.replay_video_envelope(number) for number in range(SEGMENTS)]


async def test_accepted_entries_survive_a_kill(database_url, tmp_path):
    """The next process adopts the journal of a killed one and stores every entry once."""
    async with open_database(database_url) as database:
        to = await keyed(database, "App")
    with process.launch_and_wait(
        database_url, tmp_path, process.LaunchOptions(hold_digest=True)
    ) as server:
        await send_envelopes(server.base_url, to, *make_segments(), envelopes.event_envelope())
        server.kill()
    async with running(database_url, tmp_path) as server:
        await server.outcomes_reach(
            {("replay_video", "kept", ""): SEGMENTS, ("event", "kept", ""): 1}
        )
        dump = await server.dump(REPLAY_ID)
        assert [segment["segment_id"] for segment in dump["segments"]] == list(range(SEGMENTS))
        assert all(segment["has_video"] for segment in dump["segments"])
        await until(lambda: len(list_journals(tmp_path)) == 1)


@pytest.mark.parametrize("digested", [1, SEGMENTS // 2])
async def test_a_kill_during_digest_counts_nothing_twice(database_url, tmp_path, digested):
    """Entries that were stored before the kill are not stored or counted again."""
    async with open_database(database_url) as database:
        to = await keyed(database, "App")
        with process.launch_and_wait(database_url, tmp_path) as server:
            await send_envelopes(server.base_url, to, *make_segments())
            async with asyncio.timeout(PATIENCE_S):
                while await count_segments(database) < digested:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0)
            server.kill()
    async with running(database_url, tmp_path) as server:
        await server.outcomes_reach({("replay_video", "kept", ""): SEGMENTS})
        assert len((await server.dump(REPLAY_ID))["segments"]) == SEGMENTS
        # Not a byte more: objects of a batch that was never committed have been removed.
        # A half-written file in .tmp is not an object; the driver removes it after a day.
        objects = [path for path in server.objects() if path.parent.name != ".tmp"]
        sizes_bytes = [path.stat().st_size for path in objects]
        assert sum(sizes_bytes) == SEGMENTS * len(clips.clip())


async def test_a_journal_is_adopted_twice_without_harm(database_url, tmp_path):
    """When the adopting process is killed as well, the third one stores everything."""
    async with open_database(database_url) as database:
        to = await keyed(database, "App")
    for part in (make_segments()[:4], make_segments()[4:]):
        with process.launch_and_wait(
            database_url, tmp_path, process.LaunchOptions(hold_digest=True)
        ) as server:
            await send_envelopes(server.base_url, to, *part)
            server.kill()
    assert len(list_journals(tmp_path)) == 2
    async with running(database_url, tmp_path) as server:
        await server.outcomes_reach({("replay_video", "kept", ""): SEGMENTS})
        assert len((await server.dump(REPLAY_ID))["segments"]) == SEGMENTS


async def test_entries_beyond_the_memory_limit_are_read_back(database_url, tmp_path, monkeypatch):
    """A digest with memory for one envelope reads the journal, and loses or doubles nothing."""
    async with running(
        database_url, tmp_path, digest_memory_bytes=1024 * 1024, journal_file_bytes=64 * 1024
    ) as server:
        inbox = server.service.ingest.queue
        monkeypatch.setattr(inbox, "_limit_bytes", 1)
        for body in make_segments():
            assert (await server.post(body)).status_code == 200
        await server.settled()
        assert await server.outcomes() == {("replay_video", "kept", ""): SEGMENTS}
        await until(lambda: not inbox.is_behind)
        await server.take(envelopes.event_envelope())
        assert (await server.outcomes())["event", "kept", ""] == 1


async def test_a_poison_entry_goes_to_quarantine(server, monkeypatch):
    """An entry that makes digest fail is quarantined after its tries, and the others are kept."""

    def prepare_or_fail(received, prepared):
        if any(b"poison" in bytes(item.payload) for item, _ in received):
            raise ZeroDivisionError("a bug of ours")
        EVENT.prepare(received, prepared)

    monkeypatch.setitem(BY_NAME, EVENT.name, replace(EVENT, prepare=prepare_or_fail))
    await server.take(
        envelopes.event_envelope("a" * 32),
        envelopes.event_envelope("b" * 32, message="poison"),
        envelopes.replay_video_envelope(),
        envelopes.event_envelope("c" * 32),
    )
    assert await server.outcomes() == {
        ("event", "kept", ""): 2,
        ("event", "refused", "quarantined"): 1,
        ("replay_video", "kept", ""): 1,
    }
    async with server.database.reading() as connection:
        (quarantined,) = await projects.list_quarantined(connection, server.app.id)
        body = await projects.read_quarantined_body(connection, server.app.id, quarantined.id)
    assert quarantined.item_types == ("event",)
    assert "ZeroDivisionError" in quarantined.reason
    assert gzip.decompress(body) == envelopes.event_envelope("b" * 32, message="poison")


def list_journals(folder: Path) -> list[Path]:
    """List the folders of journals."""
    return [path for path in (folder / "journal").iterdir() if path.is_dir()]
