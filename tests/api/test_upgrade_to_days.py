"""Data of the release before days plays at once, and moves to its days in the background."""

import asyncio
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from app import background
from app.closing.closer import Closer
from app.core import clock
from app.core.days import OLD_DAY
from app.core.errors import DatabaseUnusable
from app.core.ids import ReplayId
from app.db import migrate, roles
from app.db.engine import Database
from app.db.partitions.days import FAMILIES
from app.db.roles import DatabaseUrls
from app.erasure.replay import erase_replay
from app.erasure.sweep import sweep_once
from app.replays.model import ReplayKey
from app.storage import keys
from tests.contract.postgres.test_storage import ROWS, TOTALS
from tests.support.builders import envelopes
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.servers import migrations
from tests.support.servers.postgres import as_app, run_sql
from tests.support.servers.server import Server, running

BEFORE = "0022"
RECEIVED_AT = datetime(2026, 9, 3, 23, 59, 58, tzinfo=UTC)
COLUMNS = """
    select column_name from information_schema.columns
    where table_schema = 'public' and table_name = $1
"""


async def copy_rows(source_url: str, target_url: str) -> None:
    """Copy all rows into a database with an older schema: of each table the columns it has."""
    source, target = await asyncpg.connect(source_url), await asyncpg.connect(target_url)
    try:
        tables = await target.fetch("select tablename from pg_tables where schemaname = 'public'")
        await target.execute("set session_replication_role = replica")
        for table in sorted({row["tablename"] for row in tables} - {"alembic_version"}):
            await copy_table(source, target, table)
        # Identities go on after what was copied.
        for name in ("audit_lines", "packs", "people", "projects", "view_log"):
            await target.execute(
                f"select setval(pg_get_serial_sequence('{name}', 'id'), 1000) from {name} limit 1"
            )
    finally:
        await source.close()
        await target.close()


async def copy_table(
    source: "asyncpg.Connection[Any]", target: "asyncpg.Connection[Any]", table: str
) -> None:
    """Copy the rows of one table."""
    kept = {row["column_name"] for row in await target.fetch(COLUMNS, table)}
    known = {row["column_name"] for row in await source.fetch(COLUMNS, table)}
    names = sorted(kept & known)
    if not names or kept - known - {"seq"}:
        return
    rows = await source.fetch(f"select {', '.join(names)} from {table}")
    if rows:
        await target.copy_records_to_table(table, records=rows, columns=names)


async def send_everything(server: Server) -> None:
    """Send envelopes of every kind whose rows are divided by day."""
    await server.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(1),
        envelopes.event_envelope(),
        envelopes.transaction_envelope(),
        envelopes.envelope({}, envelopes.log_item("paid", "shipped")),
        envelopes.envelope({"event_id": EVENT_ID}, envelopes.attachment_item(b"a note\n")),
    )


@dataclass(frozen=True, slots=True)
class OldRelease:
    """Data that the release before days has left: a database, and a folder with its objects."""

    url: str
    pages: dict[str, Any]
    """What its pages showed."""


@pytest.fixture
async def old_release(database_url: str, empty_database_url: str, tmp_path: Path) -> OldRelease:
    """A database of the release before with rows of every kind, and a folder with its objects."""
    async with running(database_url, tmp_path) as server:
        await send_everything(server)
        pages = await read_pages(server)
    # That release marked no store as that of its database.
    shutil.rmtree(tmp_path / "objects" / keys.STORE_MARK_PREFIX)
    await migrations.upgrade_to(empty_database_url, BEFORE)
    await copy_rows(database_url, empty_database_url)
    for table in FAMILIES:
        await run_sql(
            empty_database_url, f"update {table} set received_at = '{RECEIVED_AT.isoformat()}'"
        )
    await roles.set_up_embedded(empty_database_url)
    await roles.prepare_schema(DatabaseUrls(as_app(empty_database_url), empty_database_url))
    return OldRelease(empty_database_url, pages)


async def read_column(server: Server, sql: str) -> list[Any]:
    """Read the first column of some rows."""
    async with server.database.reading() as connection:
        return list(await connection.scalars(text(sql)))


async def read_pages(server: Server) -> dict[str, Any]:
    """Read all that pages show of what was sent."""
    page = await server.web.get(server.page(REPLAY_ID))
    video = await server.web.get(server.page(REPLAY_ID, "/segments/0.mp4"))
    assert page.status_code == 200
    assert "paid" in page.text
    return {
        "replay": await server.dump(REPLAY_ID),
        "issues": await server.dump_issues(),
        "video": (video.status_code, video.content),
    }


async def read_sums(server: Server) -> tuple[set[Any], set[Any]]:
    """Read the totals of storage as they are kept, and as they follow from the rows."""
    async with server.database.reading() as connection:
        kept, wanted = [
            {(*row[:3], int(row[3]), int(row[4])) for row in await connection.execute(text(sql))}
            for sql in (TOTALS, ROWS)
        ]
    return kept, wanted


async def hold_still(_database: Database) -> None:
    """Move nothing."""


async def test_old_data_is_shown_while_it_moves(
    old_release: OldRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Pages show the same before, during and after the move, and totals agree with the rows."""
    expected = old_release.pages
    move = background.move_old_rows
    monkeypatch.setattr(background, "move_old_rows", hold_still)
    # Sealing has tests of its own, and changes where the segments lie.
    monkeypatch.setattr(Closer, "start", lambda _closer, **_arguments: None)
    async with running(old_release.url, tmp_path) as server:
        assert await migrate.current_revision(old_release.url) == migrate.known_revisions()[-1]
        for table in (*FAMILIES, "replays"):
            assert set(await read_column(server, f"select day from {table}")) == {OLD_DAY}
        assert await read_pages(server) == expected
        moving = asyncio.create_task(move(server.database))
        while not moving.done():
            assert await read_pages(server) == expected
        await moving
        assert await read_pages(server) == expected
        for table in set(FAMILIES) - {"segments"}:
            moved_to = set(await read_column(server, f"select day from {table}"))
            assert moved_to == {RECEIVED_AT.date()}
        left = "select relname from pg_class where relname ~ '_old$' and relkind = 'r'"
        assert await read_column(server, left) == ["segments_old"]
        kept, wanted = await read_sums(server)
        assert kept == wanted


async def test_what_came_before_the_upgrade_is_a_duplicate_after_it(
    old_release: OldRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Everything that is sent again is found among the old rows, and a late segment joins them."""
    monkeypatch.setattr(background, "move_old_rows", hold_still)
    async with running(old_release.url, tmp_path) as server:
        before = await server.dump(REPLAY_ID)
        await send_everything(server)
        assert await server.dump(REPLAY_ID) == before
        await server.take(envelopes.replay_video_envelope(2))
        assert await read_column(server, "select day from segments") == [OLD_DAY] * 3
        await background.move_old_rows(server.database)


async def test_an_old_replay_is_erased_with_all_its_objects(
    old_release: OldRelease, tmp_path: Path
):
    """A replay that was stored before days leaves no row and no object."""
    async with running(old_release.url, tmp_path) as server:
        store = server.service.page_services.store
        picture = f"p/{server.app.id}/r/{REPLAY_ID}/pictures-1"
        await store.put(picture, b"picture")
        key = ReplayKey(server.app.id, ReplayId(REPLAY_ID))
        await erase_replay(server.database, key, person_id=None, at=clock.now())
        while await sweep_once(server.database, store):
            pass
        assert await read_column(server, "select 1 from segments") == []
        assert [each for each in server.objects() if not {"e", "f"} & set(each.parts)] == []


OLD_MARK = """
    insert into journal_marks as mark (journal_id, seq, moved_at) values (:journal_id, 7, now())
    on conflict (journal_id) do update set seq = excluded.seq, moved_at = excluded.moved_at
    where mark.seq < excluded.seq returning seq
"""
OLD_READ_MARK = "select journal_marks.seq from journal_marks where journal_id = :journal_id"
OLD_INSERT_SEGMENT = """
    insert into segments (
        project_id, replay_id, segment_id, received_at, drift_ms, started_at, ended_at, frames,
        recording, breadcrumbs, screens
    )
    values (1, '0123456789abcdef0123456789abcdef', 9, now(), 0, now(), now(), 0, '', 0, '{}')
    on conflict (project_id, replay_id, segment_id) do update set frames = excluded.frames,
        started_at = least(segments.started_at, excluded.started_at),
        ended_at = greatest(segments.ended_at, excluded.ended_at)
    where segments.pack_id is null and excluded.pack_id is not null
    returning project_id, replay_id, segment_id, (xmax = 0) as is_new
"""
OLD_INSERT_BLOCK = """
    insert into span_blocks (
        project_id, block_id, trace_id, received_at, started_at, ended_at, drift_ms, spans, content
    )
    values (1, '0123456789abcdef0123456789abcdef', '0123456789abcdef0123456789abcdef', now(),
        now(), now(), 0, 0, '')
    on conflict do nothing returning project_id, block_id
"""
OLD_TOMBSTONE = """
    insert into tombstones (
        project_id, replay_id, deleted_at, deleted_by, reason, segments, video_bytes
    )
    values (:project_id, cast(:replay_id as uuid), now(), null, 'command line', 1, 1)
"""
OLD_RANGE = """
    insert into pack_outbox (
        pack_id, object_offset, object_bytes, project_id, replay_id, added_at
    )
    select pack_id, object_offset, object_bytes, project_id, replay_id, now() from gone
"""


@pytest.mark.parametrize("statement", [OLD_MARK, OLD_READ_MARK, OLD_INSERT_SEGMENT])
async def test_digest_of_the_release_before_waits(database: Database, statement: str):
    """The old digest's statements fail as those of a database that somebody must mend.

    Such an error is no fault of an envelope, so that its digest keeps the batch and tries again.
    The statements are those of that release, word for word where they matter.
    """
    names = {"journal_id": "a" * 32} if ":journal_id" in statement else {}

    async def run_statement() -> None:
        async with database.transaction() as connection:
            await connection.execute(text(statement), names)

    with pytest.raises(DatabaseUnusable, match="not as this release needs it"):
        await run_statement()


async def test_housekeeping_of_the_release_before_stores_into_today(database: Database):
    """Spans that it moves into blocks get the day of the move, and are not stored twice."""
    for is_new in (True, False):
        async with database.transaction() as connection:
            added = (await connection.execute(text(OLD_INSERT_BLOCK))).all()
            assert bool(added) is is_new
    async with database.reading() as connection:
        day = await connection.scalar(text("select day from span_blocks"))
        assert day == await connection.scalar(text("select (now() at time zone 'utc')::date"))


async def test_a_deletion_by_the_release_before_leaves_nothing(database_url: str, tmp_path: Path):
    """The old tombstone names no day, so the sweep looks for objects under every day."""
    async with running(database_url, tmp_path) as server:
        await send_everything(server)
        store = server.service.page_services.store
        today = (await read_column(server, "select day from replays"))[0]
        await store.put(f"{today}/{server.app.id}/{REPLAY_ID}/pictures-1", b"picture")
        key = {"project_id": server.app.id, "replay_id": REPLAY_ID}
        async with server.database.transaction() as connection:
            await connection.execute(text("delete from replays"))
            await connection.execute(
                text(f"with gone as (delete from segments returning *) {OLD_RANGE}")
            )
            await connection.execute(text("update packs set live = 0"))
            await connection.execute(text(OLD_TOMBSTONE), key)
        while await sweep_once(server.database, store):
            pass
        assert [each for each in server.objects() if not {"e", "f"} & set(each.parts)] == []
        assert await read_column(server, "select swept_at is null from tombstones") == [False]
        kept, wanted = await read_sums(server)
        assert kept == wanted
