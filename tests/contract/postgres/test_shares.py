"""Shares of replays in Postgres: tokens, views, their end, and the end of their replay."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.core import clock
from app.core.errors import NotFound
from app.core.ids import PersonId, ReplayId
from app.core.replay.replay_range import ReplayRange
from app.db.engine import Database
from app.erasure.replay import erase_replay
from app.replays.deletion import expire, hiding
from app.replays.model import ReplayKey
from app.replays.sharing import queries, writes
from app.replays.sharing.model import Share, ShareKind, SharePanel, ShareTerms
from app.replays.sharing.tokens import hash_visitor, new_share_token
from app.sharing.message_pictures import hand_out_picture
from app.storage.disk.local import LocalStore
from tests.contract.postgres.test_packs import FIRST, SECOND, make_batch, make_prepared_segment
from tests.support.builders.stored_segments import store_claimed

ADA = PersonId(7)
TERMS = ShareTerms(
    ReplayRange(1_000, 2_000),
    1_795_468_811_973,
    frozenset({SharePanel.ACTIVITY, SharePanel.ERRORS}),
    shows_bodies=True,
    frame_origins=("https://wiki.example.com",),
    note="for the shop",
)


@pytest_asyncio.fixture
async def stored(database: Database, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with two replays of one segment each."""
    objects = LocalStore(tmp_path, threads=2)
    batch = make_batch(make_prepared_segment(FIRST, b"A"), make_prepared_segment(SECOND, b"B"))
    await store_claimed(database, objects, batch)
    yield database
    await objects.close()


async def share(database: Database, key: ReplayKey, *, token: str = "") -> Share:
    """Hand a part of a replay out for a day."""
    async with database.transaction() as connection:
        return await writes.add_share(
            connection, key, ShareKind.LINK, TERMS,
            token=token or new_share_token(), made_by=ADA,
            expires_at=clock.now() + timedelta(days=1),
        )  # fmt: skip


async def visit(database: Database, share_id: int, address: str, *, is_opening: bool) -> bool:
    """Look at a share."""
    async with database.transaction() as connection:
        return await writes.note_visit(
            connection, share_id, hash_visitor(share_id, address), is_opening=is_opening
        )


async def test_a_token_leads_to_the_terms_and_is_not_stored(stored: Database):
    """The share comes back as it was handed out; no column holds its token."""
    token = new_share_token()
    new_share = await share(stored, FIRST, token=token)
    async with stored.reading() as connection:
        assert await queries.find_share(connection, token, ShareKind.LINK) == new_share
        assert await queries.find_share(connection, token, ShareKind.PICTURE) is None
        assert await queries.find_share(connection, token[:-1] + "~", ShareKind.LINK) is None
        rows = (
            await connection.execute(text("select replay_shares::text from replay_shares"))
        ).all()
    assert new_share.terms == TERMS
    assert new_share.find_state(now=clock.now()) == "open"
    assert new_share.find_state(now=new_share.expires_at) == "expired"
    assert all(token not in row[0] for row in rows)


async def test_what_was_taken_back_stays_listed_after_what_is_open(stored: Database):
    """Taking back happens once; the list begins with what still answers."""
    first, second = await share(stored, FIRST), await share(stored, FIRST)
    async with stored.transaction() as connection:
        revoked = await writes.revoke_share(connection, FIRST, second.id, person_id=ADA)
        assert await writes.revoke_share(connection, FIRST, second.id, person_id=ADA) is None
        listed = await queries.list_shares_of_replay(connection, FIRST)
        count = await queries.count_open_shares(connection, FIRST, ShareKind.LINK)
        with pytest.raises(NotFound):
            await writes.revoke_share(connection, SECOND, first.id, person_id=ADA)
    assert revoked is not None
    assert revoked.revoked_by == ADA
    assert [each.id for each in listed] == [first.id, second.id]
    assert count == 1


async def test_what_a_visitor_fetches_belongs_to_one_view(stored: Database):
    """Openings count each time; parts count once an hour for each visitor."""
    new_share = await share(stored, FIRST)
    assert await visit(stored, new_share.id, "192.0.2.1", is_opening=True)
    assert not await visit(stored, new_share.id, "192.0.2.1", is_opening=False)
    assert await visit(stored, new_share.id, "192.0.2.1", is_opening=True)
    assert await visit(stored, new_share.id, "192.0.2.2", is_opening=False)
    assert not await visit(stored, new_share.id, "192.0.2.2", is_opening=False)
    async with stored.transaction() as connection:
        await connection.execute(
            text("update share_visits set visited_at = now() - interval '2 h'")
        )
    assert await visit(stored, new_share.id, "192.0.2.2", is_opening=False)
    async with stored.reading() as connection:
        assert (await queries.get_share(connection, FIRST, new_share.id)).views == 4


async def test_shares_go_with_their_replay_whoever_ends_it(stored: Database):
    """A person's deletion and a rule take the shares of their replay, visits included."""
    made, kept = await share(stored, FIRST), await share(stored, SECOND)
    await visit(stored, made.id, "192.0.2.1", is_opening=True)
    async with stored.transaction() as connection:
        await hand_out_picture(connection, FIRST)
    await erase_replay(stored, FIRST, person_id=None, at=clock.now())
    async with stored.reading() as connection:
        assert not await queries.list_shares_of_replay(connection, FIRST)
        assert [each.id for each in await queries.list_shares_of_replay(connection, SECOND)] == [
            kept.id
        ]
        counts = await connection.scalar(text("select counts from erasures"))
    assert counts["shares"] == 2
    async with stored.transaction() as connection:
        expired = await expire.expire_replays(
            connection, [SECOND], rule="30 days", at=clock.now(), keeps_segments=False
        )
        assert expired.shares == 1
        assert not await queries.list_shares_of_replay(connection, SECOND)


async def test_shares_go_though_an_older_release_hid_their_replay(stored: Database):
    """Its statement knows no shares; housekeeping finds those without a replay."""
    made, kept = await share(stored, FIRST), await share(stored, SECOND)
    async with stored.transaction() as connection:
        await connection.execute(
            text("delete from replays where replay_id = :id"), {"id": FIRST.replay_id}
        )
        await hiding.delete_parts_of_hidden(connection)
        left = (await connection.scalars(text("select id from replay_shares"))).all()
    assert left == [kept.id]
    assert not await visit(stored, made.id, "192.0.2.1", is_opening=True)


async def test_a_replay_that_is_gone_is_not_handed_out(stored: Database):
    """Neither a deleted replay nor one that never came gets a share."""
    await erase_replay(stored, FIRST, person_id=None, at=clock.now())
    absent = ReplayKey(FIRST.project_id, ReplayId("ab" * 16))
    for key in (FIRST, absent):
        with pytest.raises(NotFound):
            await share(stored, key)


async def test_a_picture_ends_after_seven_days(stored: Database):
    """And each picture is a line of the log."""
    async with stored.transaction() as connection:
        token = await hand_out_picture(connection, FIRST)
        open_share = await queries.find_share(connection, token, ShareKind.PICTURE)
        lines = await connection.scalar(
            text("select count(*) from audit_lines where action = 'share_made'")
        )
    assert open_share is not None
    length_s = (open_share.expires_at - open_share.made_at).total_seconds()
    assert length_s == pytest.approx(7 * 86_400, abs=60)
    assert lines == 1


async def test_housekeeping_deletes_what_ended_long_ago(stored: Database):
    """A share is listed for 30 days after its end, and visits are kept for an hour."""
    old, new = await share(stored, FIRST), await share(stored, FIRST)
    await visit(stored, new.id, "192.0.2.1", is_opening=True)
    async with stored.transaction() as connection:
        await connection.execute(
            text(
                "update replay_shares set made_at = now() - interval '40 days',"
                " expires_at = now() - interval '31 days' where id = :id"
            ),
            {"id": old.id},
        )
        await connection.execute(
            text("update share_visits set visited_at = now() - interval '2 h'")
        )
        assert await writes.delete_old_shares(connection) == 1
        assert [each.id for each in await queries.list_shares_of_replay(connection, FIRST)] == [
            new.id
        ]
        assert await connection.scalar(text("select count(*) from share_visits")) == 0
