"""Projects, their keys, counts of outcomes, quarantine."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId, PublicKey, ReplayId
from app.db.engine import Database
from app.projects import queries, writes
from app.projects.model import KeyRecord, Outcome, OutcomeCount, OutcomeKey
from tests.support.builders.people import make_project

DAY = date(2026, 11, 24)
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ONE = ProjectId(1)
REPLAY = ReplayId("ab" * 16)


async def test_the_first_project_is_number_one(database: Database):
    """DSNs of a fresh installation end in /1."""
    project = await make_project(database, "Café & Shop")
    assert (project.id, project.slug, project.name) == (1, "caf-shop", "Café & Shop")


async def test_same_names_get_different_slugs(database: Database):
    """Two projects may share a name; their addresses differ."""
    slugs = [(await make_project(database, name)).slug for name in ("Shop", "Shop", "Shop 2", "…")]
    assert slugs == ["shop", "shop-2", "shop-2-2", "project"]


@pytest.mark.parametrize("slug", ["", "A", "-a", "a-", "a b", "a" * 51, "a\n", "é"])
async def test_a_slug_that_does_not_fit_in_an_address_is_refused(database: Database, slug: str):
    """Only lower-case letters, digits and dashes inside, 50 at most."""
    async with database.transaction() as connection:
        with pytest.raises(InvalidInput, match="slug"):
            await writes.add_project(connection, "Shop", slug=slug)


async def test_a_slug_in_use_is_refused(database: Database):
    """A slug that was given explicitly is not changed silently."""
    await make_project(database, "Shop")
    async with database.transaction() as connection:
        with pytest.raises(InvalidInput, match="exists already"):
            await writes.add_project(connection, "Another", slug="shop")


@pytest.mark.parametrize("name", ["", " \0 ", "x" * 81])
async def test_a_name_that_cannot_be_shown_is_refused(database: Database, name: str):
    """1 to 80 characters, both when it is added and when it is renamed."""
    project = await make_project(database)
    async with database.transaction() as connection:
        with pytest.raises(InvalidInput, match="name"):
            await writes.add_project(connection, name)
        with pytest.raises(InvalidInput, match="name"):
            await writes.rename_project(connection, project.id, name)


async def test_renaming_keeps_the_slug(database: Database):
    """Links to a renamed project go on working."""
    project = await make_project(database, "x" * 80)
    async with database.transaction() as connection:
        await writes.rename_project(connection, project.id, "Store")
        found = await queries.find_project(connection, project.slug)
        assert found is not None
        assert (found.id, found.name) == (project.id, "Store")
        assert await queries.find_project(connection, "nothing") is None
        with pytest.raises(NotFound):
            await writes.rename_project(connection, ProjectId(99), "Store")


async def test_keys_are_listed_and_switched_off(database: Database):
    """A key is 32 hex digits; a key that is off stays in the list as inactive."""
    project = await make_project(database)
    async with database.transaction() as connection:
        first = await writes.add_key(connection, project.id, label=" iOS ")
        given = PublicKey("AB" * 16)
        await writes.add_key(connection, project.id, label="old server", public_key=given)
        await writes.set_key_active(connection, project.id, first.public_key, is_active=False)
    async with database.reading() as connection:
        listed = {key.public_key: key for key in await queries.list_keys(connection, project.id)}
        records = await queries.read_key_records(connection)
        one = await queries.read_key_records(connection, [first.public_key, PublicKey("f" * 32)])
    assert (first.label, first.is_active, len(first.public_key)) == ("iOS", True, 32)
    assert set(listed) == {first.public_key, "ab" * 16}
    assert records == {
        first.public_key: KeyRecord(project.id, is_active=False),
        "ab" * 16: KeyRecord(project.id, is_active=True),
    }
    assert one == {first.public_key: KeyRecord(project.id, is_active=False)}


async def test_keys_that_cannot_be_are_refused(database: Database):
    """Each refusal says why: not hex, in use, of no project, of another project."""
    project = await make_project(database)
    other = await make_project(database, "Other")
    async with database.transaction() as connection:
        key = await writes.add_key(connection, project.id, label="")
        with pytest.raises(InvalidInput, match="32 hex"):
            await writes.add_key(connection, project.id, label="", public_key=PublicKey("xyz"))
        with pytest.raises(InvalidInput, match="in use"):
            await writes.add_key(connection, other.id, label="", public_key=key.public_key)
        with pytest.raises(NotFound):
            await writes.add_key(connection, ProjectId(99), label="")
        with pytest.raises(NotFound):
            await writes.set_key_active(connection, other.id, key.public_key, is_active=False)


def count(outcome: Outcome, *, day: date = DAY, reason: str = "", kind: str = "event"):
    """Make the key of a count, for project 1."""
    return OutcomeKey(ONE, day, kind, outcome, reason)


async def test_outcomes_add_up(database: Database):
    """Counts from any number of batches and processes are summed per day, type and reason."""
    refused = count(Outcome.REFUSED, reason="too_large")
    async with database.transaction() as connection:
        await writes.add_outcomes(connection, {})
        await writes.add_outcomes(connection, {count(Outcome.KEPT): 2, refused: 1})
        yesterday = count(Outcome.KEPT, day=DAY - timedelta(days=1))
        await writes.add_outcomes(connection, {count(Outcome.KEPT): 3, yesterday: 7})
    async with database.reading() as connection:
        assert await queries.list_outcomes(connection, ONE, since=DAY) == [
            OutcomeCount(DAY, "event", "kept", "", 5),
            OutcomeCount(DAY, "event", "refused", "too_large", 1),
        ]
        assert len(await queries.list_outcomes(connection, ONE, since=DAY - timedelta(days=1))) == 3
        assert await queries.list_outcomes(connection, ProjectId(2), since=DAY) == []


async def test_outcomes_of_strange_items_are_cut_and_merged(database: Database):
    """A stranger's item type cannot break the batch or fill the table."""
    counts = {count(Outcome.IGNORED, kind=kind): 1 for kind in ("a\0b", "ab", "x" * 999, "x" * 998)}
    async with database.transaction() as connection:
        await writes.add_outcomes(connection, counts)
        found = await queries.list_outcomes(connection, ONE, since=DAY)
    assert [(row.item_type, row.quantity) for row in found] == [("ab", 2), ("x" * 97 + "…", 2)]


async def test_outcomes_added_at_once_do_not_lock_each_other(database: Database):
    """Batches that count the same things in different orders all succeed."""
    names = [count(Outcome.KEPT, kind=f"type{number}") for number in range(20)]

    async def add(keys: list[OutcomeKey]) -> None:
        async with database.transaction() as connection:
            await writes.add_outcomes(connection, dict.fromkeys(keys, 1))

    await asyncio.gather(*(add(names[::-1] if turn % 2 else names) for turn in range(10)))
    async with database.reading() as connection:
        found = await queries.list_outcomes(connection, ONE, since=DAY)
    assert [row.quantity for row in found] == [10] * 20


async def quarantine(database: Database, *, body: bytes = b"{}\n", **changes):
    """Keep one envelope of project 1."""
    facts = {"received_at": AT, "item_types": ["replay_video"], "reason": "broken", **changes}
    async with database.transaction() as connection:
        return await writes.add_quarantined(connection, ONE, body=body, **facts)


async def test_a_quarantined_envelope_is_shown_and_kept_whole(database: Database):
    """People see what, when and why; the bytes are unchanged."""
    body = bytes(range(256))
    found = await quarantine(
        database, body=body, content_encoding="gzip", replay_id=REPLAY, reason="bad\0 box"
    )
    async with database.reading() as connection:
        (shown,) = await queries.list_quarantined(connection, ONE)
        assert await queries.read_quarantined_body(connection, ONE, found) == body
        with pytest.raises(NotFound):
            await queries.read_quarantined_body(connection, ProjectId(2), found)
    assert (shown.id, shown.item_types, shown.reason) == (found, ("replay_video",), "bad box")
    assert (shown.replay_id, shown.content_encoding, shown.body_bytes) == (REPLAY, "gzip", 256)


async def test_quarantine_is_paged_newest_first(database: Database):
    """The next page begins before the last id of the page before."""
    made = [await quarantine(database) for _ in range(3)]
    async with database.reading() as connection:
        page = await queries.list_quarantined(connection, ONE, limit=2)
        rest = await queries.list_quarantined(connection, ONE, before_id=page[-1].id, limit=2)
    assert [row.id for row in page + rest] == made[::-1]
    assert rest[0].replay_id is None


@pytest.mark.parametrize(
    ("bounds", "kept"),
    [
        ({}, [0, 1, 2, 3]),
        ({"most": 3}, [1, 2, 3]),
        ({"most_bytes": 200}, [2, 3]),
        ({"most_bytes": 199}, [3]),
        ({"received_before": AT + timedelta(days=2)}, [2, 3]),
    ],
)
async def test_quarantine_deletes_the_oldest(database: Database, bounds, kept: list[int]):
    """Number, bytes and age are limited: an envelope at the limit stays, one past it is deleted."""
    made = [
        await quarantine(database, body=bytes(100), received_at=AT + timedelta(days=number))
        for number in range(4)
    ]
    async with database.transaction() as connection:
        assert await writes.trim_quarantine(connection, **bounds) == 4 - len(kept)
        left = await queries.list_quarantined(connection, ONE)
    assert [row.id for row in left][::-1] == [made[number] for number in kept]


async def test_adding_to_quarantine_keeps_its_bounds(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Adding an envelope also deletes those beyond the limits."""
    monkeypatch.setattr(writes, "trim_quarantine", partial(writes.trim_quarantine, most=2))
    made = [await quarantine(database) for _ in range(4)]
    async with database.reading() as connection:
        left = await queries.list_quarantined(connection, ONE)
    assert [row.id for row in left] == [made[3], made[2]]


async def test_erasing_a_replay_reaches_quarantine(database: Database):
    """The quarantined envelopes of the replay go; the same id in another project stays."""
    await quarantine(database, replay_id=REPLAY)
    other = await quarantine(database)
    async with database.transaction() as connection:
        assert await writes.erase_quarantined(connection, ProjectId(2), REPLAY) == 0
        assert await writes.erase_quarantined(connection, ONE, REPLAY) == 1
        assert [row.id for row in await queries.list_quarantined(connection, ONE)] == [other]
