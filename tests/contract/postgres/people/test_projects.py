"""Tests of projects, their keys, counts of outcomes, and quarantine in Postgres."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text

from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId, PublicKey, ReplayId
from app.db.engine import Database
from app.projects import quarantine, queries, writes
from app.projects.model import KeyRecord, Outcome, OutcomeCount, OutcomeKey
from tests.support.builders.people import make_project

DAY = date(2026, 11, 24)
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
PROJECT = ProjectId(1)
REPLAY = ReplayId("ab" * 16)


async def test_the_first_project_is_number_one(database: Database):
    """The DSN of the first project of an installation ends in /1."""
    project = await make_project(database, "Café & Shop")
    assert (project.id, project.slug, project.name) == (1, "caf-shop", "Café & Shop")


async def test_same_names_get_different_slugs(database: Database):
    """Two projects may share a name, but not a slug."""
    slugs = [(await make_project(database, name)).slug for name in ("Shop", "Shop", "Shop 2", "…")]
    assert slugs == ["shop", "shop-2", "shop-2-2", "project"]


@pytest.mark.parametrize("slug", ["", "A", "-a", "a-", "a b", "a" * 51, "a\n", "é"])
async def test_a_slug_that_does_not_fit_in_an_address_is_refused(database: Database, slug: str):
    """A slug has at most 50 lower-case letters and digits, and dashes between them."""
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
    """A new or changed name has 1 to 80 visible characters."""
    project = await make_project(database)
    async with database.transaction() as connection:
        with pytest.raises(InvalidInput, match="name"):
            await writes.add_project(connection, name)
        with pytest.raises(InvalidInput, match="name"):
            await writes.rename_project(connection, project.id, name)


async def test_renaming_keeps_the_slug(database: Database):
    """Links to a renamed project keep working."""
    project = await make_project(database, "x" * 80)
    async with database.transaction() as connection:
        await writes.rename_project(connection, project.id, "Store")
        renamed = await queries.find_project(connection, project.slug)
        assert renamed is not None
        assert (renamed.id, renamed.name) == (project.id, "Store")
        assert await queries.find_project(connection, "nothing") is None
        with pytest.raises(NotFound):
            await writes.rename_project(connection, ProjectId(99), "Store")


async def test_keys_are_listed_and_switched_off(database: Database):
    """A key is 32 hex digits, and a key that is off is listed as inactive."""
    project = await make_project(database)
    async with database.transaction() as connection:
        first = await writes.add_key(connection, project.id, label=" iOS ")
        given = PublicKey("AB" * 16)
        await writes.add_key(connection, project.id, label="old server", public_key=given)
        await writes.set_key_active(connection, project.id, first.public_key, is_active=False)
    async with database.reading() as connection:
        listed = {key.public_key: key for key in await queries.list_keys(connection, project.id)}
        records = await queries.read_key_records(connection)
        first_record = await queries.read_key_records(
            connection, [first.public_key, PublicKey("f" * 32)]
        )
    assert (first.label, first.is_active, len(first.public_key)) == ("iOS", True, 32)
    assert set(listed) == {first.public_key, "ab" * 16}
    assert records == {
        first.public_key: KeyRecord(project.id, is_active=False),
        "ab" * 16: KeyRecord(project.id, is_active=True),
    }
    assert first_record == {first.public_key: KeyRecord(project.id, is_active=False)}


async def test_invalid_keys_are_refused(database: Database):
    """A key that is not hex, is in use, or belongs to no project is refused with a reason."""
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


def make_outcome_key(outcome: Outcome, *, day: date = DAY, reason: str = "", kind: str = "event"):
    """Make the key of a count, for project 1."""
    return OutcomeKey(PROJECT, day, kind, outcome, reason)


async def test_outcomes_add_up(database: Database):
    """Counts from any number of batches and processes are summed by day, type and reason."""
    refused = make_outcome_key(Outcome.REFUSED, reason="too_large")
    async with database.transaction() as connection:
        await writes.add_outcomes(connection, {})
        await writes.add_outcomes(connection, {make_outcome_key(Outcome.KEPT): 2, refused: 1})
        yesterday = make_outcome_key(Outcome.KEPT, day=DAY - timedelta(days=1))
        await writes.add_outcomes(connection, {make_outcome_key(Outcome.KEPT): 3, yesterday: 7})
    async with database.reading() as connection:
        assert await queries.list_outcomes(connection, PROJECT, since=DAY) == [
            OutcomeCount(DAY, "event", "kept", "", 5),
            OutcomeCount(DAY, "event", "refused", "too_large", 1),
        ]
        assert (
            len(await queries.list_outcomes(connection, PROJECT, since=DAY - timedelta(days=1)))
            == 3
        )
        assert await queries.list_outcomes(connection, ProjectId(2), since=DAY) == []


async def test_outcomes_of_unknown_item_types_are_cut_and_merged(database: Database):
    """An unknown item type cannot break the batch or fill the table."""
    counts = {
        make_outcome_key(Outcome.IGNORED, kind=kind): 1
        for kind in ("a\0b", "ab", "x" * 999, "x" * 998)
    }
    async with database.transaction() as connection:
        await writes.add_outcomes(connection, counts)
        counts_found = await queries.list_outcomes(connection, PROJECT, since=DAY)
    assert [(row.item_type, row.quantity) for row in counts_found] == [
        ("ab", 2),
        ("x" * 97 + "…", 2),
    ]


async def test_outcomes_added_at_once_do_not_deadlock(database: Database):
    """Batches that count the same things in different orders all succeed."""
    outcome_keys = [make_outcome_key(Outcome.KEPT, kind=f"type{number}") for number in range(20)]

    async def add(keys: list[OutcomeKey]) -> None:
        async with database.transaction() as connection:
            await writes.add_outcomes(connection, dict.fromkeys(keys, 1))

    await asyncio.gather(
        *(add(outcome_keys[::-1] if turn % 2 else outcome_keys) for turn in range(10))
    )
    async with database.reading() as connection:
        counts = await queries.list_outcomes(connection, PROJECT, since=DAY)
    assert [row.quantity for row in counts] == [10] * 20


async def add_to_quarantine(database: Database, *, body: bytes = b"{}\n", **changes):
    """Quarantine one envelope of project 1."""
    facts = {"received_at": AT, "item_types": ["replay_video"], "reason": "broken", **changes}
    async with database.transaction() as connection:
        return await writes.add_quarantined(connection, PROJECT, body=body, **facts)


async def test_a_quarantined_envelope_is_shown_and_kept_whole(database: Database):
    """People see what was quarantined, when and why, and its bytes are unchanged."""
    body = bytes(range(256))
    quarantine_id = await add_to_quarantine(
        database, body=body, content_encoding="gzip", replay_id=REPLAY, reason="bad\0 box"
    )
    async with database.reading() as connection:
        (quarantined,) = await queries.list_quarantined(connection, PROJECT)
        assert await queries.read_quarantined_body(connection, PROJECT, quarantine_id) == body
        with pytest.raises(NotFound):
            await queries.read_quarantined_body(connection, ProjectId(2), quarantine_id)
    assert (quarantined.id, quarantined.item_types, quarantined.reason) == (
        quarantine_id,
        ("replay_video",),
        "bad box",
    )
    assert (quarantined.replay_id, quarantined.content_encoding, quarantined.body_bytes) == (
        REPLAY,
        "gzip",
        256,
    )


async def test_quarantine_is_paged_newest_first(database: Database):
    """The next page continues with ids below the last id of this page."""
    quarantine_ids = [await add_to_quarantine(database) for _ in range(3)]
    async with database.reading() as connection:
        page = await queries.list_quarantined(connection, PROJECT, limit=2)
        next_page = await queries.list_quarantined(
            connection, PROJECT, before_id=page[-1].id, limit=2
        )
    assert [row.id for row in page + next_page] == quarantine_ids[::-1]
    assert next_page[0].replay_id is None


@pytest.mark.parametrize(
    ("bounds", "kept"),
    [
        ({}, [0, 1, 2, 3]),
        ({"limit": 3}, [1, 2, 3]),
        ({"limit_bytes": 200}, [2, 3]),
        ({"limit_bytes": 199}, [3]),
        ({"received_before": AT + timedelta(days=2)}, [2, 3]),
    ],
)
async def test_quarantine_deletes_the_oldest(database: Database, bounds, kept: list[int]):
    """An envelope at a limit of number, bytes or age stays, and one past it is deleted."""
    quarantine_ids = [
        await add_to_quarantine(database, body=bytes(100), received_at=AT + timedelta(days=number))
        for number in range(4)
    ]
    async with database.transaction() as connection:
        assert await writes.trim_quarantine(connection, **bounds) == 4 - len(kept)
        remaining = await queries.list_quarantined(connection, PROJECT)
    assert [row.id for row in remaining][::-1] == [quarantine_ids[number] for number in kept]


async def test_adding_to_quarantine_keeps_its_bounds(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """The addition of an envelope deletes those beyond the limits."""
    monkeypatch.setattr(writes, "trim_quarantine", partial(writes.trim_quarantine, limit=2))
    quarantine_ids = [await add_to_quarantine(database) for _ in range(4)]
    async with database.reading() as connection:
        remaining = await queries.list_quarantined(connection, PROJECT)
    assert [row.id for row in remaining] == [quarantine_ids[3], quarantine_ids[2]]


async def test_trimming_waits_for_nobody_who_is_about_to_change_an_envelope(database: Database):
    """Digest does it in its own transaction; what is skipped is deleted the next time."""
    quarantine_ids = [await add_to_quarantine(database) for _ in range(3)]
    async with database.transaction() as other, database.transaction() as connection:
        await quarantine.ask_for_retry(other, quarantine_ids[0])
        await connection.execute(text("set local lock_timeout = '1s'"))
        assert await writes.trim_quarantine(connection, limit=1) == 1
    async with database.transaction() as connection:
        assert await writes.trim_quarantine(connection, limit=1) == 1
        (left,) = await queries.list_quarantined(connection, PROJECT)
    assert left.id == quarantine_ids[2]


async def test_an_envelope_is_claimed_once_and_an_old_claim_changes_nothing(database: Database):
    """After the lease somebody may ask anew; the slow process then gives nothing back."""
    quarantined_id = await add_to_quarantine(database)
    async with database.transaction() as connection:
        assert await quarantine.ask_for_retry(connection, quarantined_id)
    async with database.transaction() as connection:
        old = await quarantine.claim_retry(connection, quarantined_id, unfinished="cut off")
        assert old is not None
    async with database.transaction() as connection:
        assert await quarantine.claim_retry(connection, quarantined_id, unfinished="no") is None
        assert await quarantine.ask_for_retry(connection, quarantined_id) is None
        assert await quarantine.list_asked_retries(connection, limit=9) == []
        await connection.execute(
            text("update quarantine set retry_asked_at = retry_asked_at - interval '11 min'")
        )
        asked = await quarantine.ask_for_retry(connection, quarantined_id)
        assert asked is not None
        assert asked.retry_fault == "cut off"
    async with database.transaction() as connection:
        assert await quarantine.claim_retry(connection, quarantined_id, unfinished="second")
        await quarantine.give_back(connection, old)
        assert await quarantine.list_asked_retries(connection, limit=9) == []


async def test_erasing_a_replay_erases_it_from_quarantine(database: Database):
    """The replay's quarantined envelopes are erased, and those of other projects stay."""
    await add_to_quarantine(database, replay_id=REPLAY)
    other = await add_to_quarantine(database)
    async with database.transaction() as connection:
        assert await writes.erase_quarantined(connection, ProjectId(2), REPLAY) == 0
        assert await writes.erase_quarantined(connection, PROJECT, REPLAY) == 1
        assert [row.id for row in await queries.list_quarantined(connection, PROJECT)] == [other]
