"""What comes before and after midnight, by Postgres' clock: days, repeats and names of objects."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from app.core.days import DayClock
from app.db.partitions import days
from app.db.partitions.days import TODAY_SQL
from app.erasure.sweep import sweep_once
from app.ingest.digest import read_days
from tests.support.builders import envelopes
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEFORE, AFTER, LATER = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
_READ = read_days._READ


class Midnight:
    """Sets the day that digest reads from Postgres."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def set_day(self, day: date) -> None:
        """Let digest find that it is this day."""
        named = _READ.replace(TODAY_SQL, f"date '{day}'")
        self._monkeypatch.setattr(read_days, "_READ", named)
        self._monkeypatch.setattr(DayClock, "today", lambda _clock: day)


@pytest.fixture
def midnight(monkeypatch: pytest.MonkeyPatch) -> Midnight:
    """A clock that stands on the last day before midnight."""
    held = Midnight(monkeypatch)
    held.set_day(BEFORE)
    return held


async def read_days_of(tenant: Server, table: str) -> list[Any]:
    """Read day and class of each row of the tenant's project."""
    columns = "day, retention_class" + (", segment_id" if table == "segments" else "")
    sql = f"select {columns} from {table} where project_id = :id order by {columns}"
    async with tenant.database.reading() as connection:
        return [tuple(row) for row in await connection.execute(text(sql), {"id": tenant.app.id})]


async def test_segments_after_midnight_belong_to_the_day_of_their_replay(
    tenant: Server, midnight: Midnight
):
    """The first segment that arrives decides the day, whatever its number is."""
    await tenant.take(envelopes.replay_video_envelope(1))
    midnight.set_day(AFTER)
    await tenant.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(2))
    await tenant.take(envelopes.replay_video_envelope(1))
    assert await read_days_of(tenant, "replays") == [(BEFORE, 3)]
    assert await read_days_of(tenant, "segments") == [(BEFORE, 3, n) for n in range(3)]
    assert await tenant.outcomes() == {
        ("replay_video", "kept", ""): 3,
        ("replay_video", "duplicate", ""): 1,
    }
    assert (await tenant.web.get(tenant.page(REPLAY_ID))).status_code == 200


async def test_a_new_class_of_a_project_leaves_its_replays_where_they_are(
    tenant: Server, midnight: Midnight
):
    """A replay keeps the class of its first segment; what comes later gets the new one."""
    await tenant.take(envelopes.replay_video_envelope(0))
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("update projects set retention_class = 1 where id = :id"), {"id": tenant.app.id}
        )
    await tenant.take(envelopes.replay_video_envelope(1), envelopes.event_envelope())
    assert await read_days_of(tenant, "segments") == [(BEFORE, 3, 0), (BEFORE, 3, 1)]
    assert await read_days_of(tenant, "events") == [(BEFORE, 1)]


def everything() -> list[bytes]:
    """Make an envelope of each kind that lies in a partition of its own day."""
    header = {"event_id": EVENT_ID}
    return [
        envelopes.event_envelope(),
        envelopes.transaction_envelope(),
        envelopes.envelope({}, envelopes.log_item("paid")),
        envelopes.envelope(header, envelopes.attachment_item(b"a note\n")),
    ]


async def test_a_repeat_after_midnight_is_a_duplicate(tenant: Server, midnight: Midnight):
    """An event, a transaction, a log record and a file that come again next day are not added."""
    await tenant.take(*everything())
    midnight.set_day(AFTER)
    await tenant.take(*everything())
    for table in ("events", "span_blocks", "logs", "attachments"):
        assert await read_days_of(tenant, table) == [(BEFORE, 3)]
    outcomes = await tenant.outcomes()
    for item_type in ("event", "transaction", "log", "attachment"):
        assert outcomes[item_type, "kept", ""] == 1, item_type
        assert outcomes[item_type, "duplicate", ""] == 1, item_type


async def test_the_second_object_of_a_repeated_file_is_removed(tenant: Server, midnight: Midnight):
    """The first object stays, and the one of the next day is handed to the sweep."""
    await tenant.take(everything()[-1])
    midnight.set_day(AFTER)
    await tenant.take(everything()[-1])
    await sweep_once(tenant.database, tenant.service.page_services.store)
    files = [path for path in tenant.objects() if f"-{tenant.app.id}-" in path.name]
    assert len(files) == 1
    assert str(BEFORE) in str(files[0])


async def test_digest_makes_a_day_again_that_was_dropped(tenant: Server, midnight: Midnight):
    """A batch whose partition went while its process remembered it waits for the next try."""
    await tenant.take(everything()[2])
    async with tenant.database.transaction() as connection:
        partitions = await days.list_partitions(connection, ["logs"])
        for partition in partitions:
            if partition.day == BEFORE:
                assert await days.drop_partition(connection, partition)
    await tenant.take(everything()[2])
    assert await read_days_of(tenant, "logs") == [(BEFORE, 3)]


async def test_objects_begin_with_their_day(tenant: Server, midnight: Midnight):
    """The pack of a batch lies under the day on which it was stored."""
    midnight.set_day(LATER)
    await tenant.take(envelopes.replay_video_envelope(0))
    packs = "select p.object_key from packs p join segments s on s.pack_id = p.id"
    async with tenant.database.reading() as connection:
        key = await connection.scalar(
            text(f"{packs} where s.project_id = :id"), {"id": tenant.app.id}
        )
    assert str(key).startswith(f"{LATER}/v/")
    assert any(str(path).endswith(str(key)) for path in tenant.objects())
