"""An older backup is restored: what was erased since does not come back."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from app.erasure.jobs import worker
from app.erasure.jobs.model import ErasureKind
from app.erasure.log.file import ErasureLog
from app.erasure.log.reapply import apply_log
from app.ingest.digest.link_issues import relink_replays
from tests.api.erasures.test_person import (
    EVENTS,
    NAMES,
    NEEDLES,
    OTHER,
    PERSON,
    REPLAYS,
    dump_everything,
    find_names,
    make_id,
    send_everything_of,
)
from tests.support import data_search
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.erasing import erase_person, list_all, wait_for_state
from tests.support.servers import server as servers
from tests.support.servers.postgres import run_sql
from tests.support.servers.server import Server


async def copy_database(url: str, name: str) -> str:
    """Copy a database that nobody uses, as a dump that is restored does; return its URL."""
    source = url.partition("?")[0].rpartition("/")[2]
    admin = url.replace(f"/{source}", "/postgres")
    await run_sql(admin, f'create database "{name}" template "{source}"')
    return url.replace(f"/{source}", f"/{name}")


@pytest.fixture
async def backup_url(database_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """Make a backup of a database in which a person is, and has a replay; return its URL."""
    async with servers.running(database_url, tmp_path) as server:
        await send_everything_of(server, OTHER, "a")
        await send_everything_of(server, PERSON, "b")
        await server.take(envelopes.replay_video_envelope(0))
    url = await copy_database(database_url, f"backup_{tmp_path.parent.name}_{tmp_path.name}"[:60])
    yield url
    name = url.partition("?")[0].rpartition("/")[2]
    await run_sql(database_url, f'drop database if exists "{name}" with (force)')


async def test_nothing_that_was_erased_comes_back(
    database_url: str, backup_url: str, tmp_path: Path
):
    """Replays, records and the person stay away, and late segments of the person stay out."""
    async with servers.running(database_url, tmp_path) as server:
        await erase_person(server, NAMES)
        await server.web.post(server.page(REPLAY_ID, "/delete"))
        for erasure in await list_all(server):
            await wait_for_state(server, erasure.id)
        expected = await dump_everything(server)
    log = (tmp_path / "erasures.log").read_text().casefold()
    assert [needle for needle in NEEDLES if needle.casefold() in log] == []
    async with servers.running(backup_url, tmp_path) as server:
        # The first request finds what the last one of a long time finds.
        assert (await server.web.get(server.page(REPLAY_ID))).status_code == 410
        assert (await server.web.get(server.page(make_id("ba", 0)))).status_code == 410
        async with server.database.reading() as connection:
            hits = await data_search.find_in_rows(connection, NEEDLES, leave_out=["segments"])
        assert hits == []
        await server.take(
            envelopes.replay_video_envelope(5, replay_id=make_id("ba", 1), user=PERSON)
        )
        assert (await server.web.get(server.page(make_id("ba", 1)))).status_code == 410
        erasures = await list_all(server)
        assert {erasure.kind for erasure in erasures} == {ErasureKind.RESTORED}
        for erasure in erasures:
            await wait_for_state(server, erasure.id)
        assert sum(erasure.counts["replays"] for erasure in erasures) == REPLAYS + 1
        assert sum(erasure.counts.get("events", 0) for erasure in erasures) == EVENTS
        assert await find_names(server) == []
        assert await dump_everything(server) == expected


async def test_replays_that_came_after_the_backup_stay_out(database_url: str, tmp_path: Path):
    """A replay that the backup never had was erased too: its late segments are not kept."""
    async with servers.running(database_url, tmp_path):
        pass  # the first start claims the store for the database
    backup = await copy_database(database_url, f"early_{tmp_path.parent.name}_{tmp_path.name}"[:60])
    async with servers.running(database_url, tmp_path) as server:
        await server.take(envelopes.replay_video_envelope(0))
        await server.web.post(server.page(REPLAY_ID, "/delete"))
        await wait_for_state(server, (await list_all(server))[0].id)
    async with servers.running(backup, tmp_path) as server:
        await server.take(envelopes.replay_video_envelope(1))
        assert await server.dump(REPLAY_ID) == {}
        assert (await server.outcomes())["replay_video", "deleted", ""] == 1
    name = backup.partition("?")[0].rpartition("/")[2]
    await run_sql(database_url, f'drop database if exists "{name}" with (force)')


async def test_a_database_that_knows_the_log_is_left_alone(server: Server):
    """Nothing is applied twice, and a line that a crash cut short does no harm."""
    await server.take(envelopes.replay_video_envelope(0))
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    await wait_for_state(server, (await list_all(server))[0].id)
    path = server.folder / "erasures.log"
    assert await apply_log(server.database, path, relink_replays) == 0
    with path.open("ab") as file:
        file.write(b'{"erasure_id": 9, "at"')
    assert await apply_log(server.database, path, relink_replays) == 0
    await server.take(envelopes.replay_video_envelope(0, replay_id="d" * 32))
    await server.web.post(server.page("d" * 32, "/delete"))
    await wait_for_state(server, (await list_all(server))[0].id)
    lines = [line for line in ErasureLog(path).read_lines(after_bytes=0) if line.replays]
    assert [line.replays for line in lines] == [(REPLAY_ID,), ("d" * 32,)]


async def test_what_a_failover_has_forgotten_is_erased_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    """A database that goes back while the server runs is made to follow the log, a while later."""
    eraser = server.service.page_services.eraser
    await server.take(envelopes.replay_video_envelope(0))
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    await wait_for_state(server, (await list_all(server))[0].id)
    await eraser.stop()  # two at once would both find that the end of the log is missing
    async with server.database.transaction() as connection:
        for table in ("tombstones", "erasures", "erasure_logs"):
            await connection.exec_driver_sql(f"delete from {table}")
    await eraser.work()
    assert await list_all(server) == []  # it might be a transaction that has not ended
    monkeypatch.setattr(worker, "FORGOTTEN_AFTER_S", 0)
    await eraser.work()
    (erasure,) = await list_all(server)
    assert erasure.kind is ErasureKind.RESTORED
    await server.take(envelopes.replay_video_envelope(1))
    assert await server.dump(REPLAY_ID) == {}
    await eraser.work()
    assert len(await list_all(server)) == 1


async def test_a_file_that_is_no_log_is_not_written_to(server: Server, tmp_path: Path):
    """A wrong path in the settings ends in an error, not in lines in somebody's file."""
    file = tmp_path / "notes.txt"
    file.write_bytes(msgspec.json.encode({"note": "not a log"}) + b"\n")
    with pytest.raises(Exception, match="not a log of erasures"):
        ErasureLog(file).read_head()
