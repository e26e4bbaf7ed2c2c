"""F8: the server is killed at any step while replays and people are erased under load.

A segment may come before, during or after the erasure of its replay. In the end nothing is left of
what was erased, neither rows nor objects; nothing came back; and everything else is whole.
"""

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from app.core import clock
from app.core.errors import NotFound, ServiceUnavailable
from app.core.ids import ReplayId
from app.db.engine import Database
from app.erasure.jobs.begin import ErasureWish, begin_erasures
from app.erasure.jobs.model import Erasure, ErasureKind, ErasureState
from app.erasure.jobs.scopes import ReplaysScope, make_person_scope
from app.erasure.people.names import NameKind, PersonName
from app.replays.model import ReplayKey
from tests.support import data_search, programme_size
from tests.support.builders import clips, envelopes, traffic
from tests.support.erasing import list_all
from tests.support.faults import invariant
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions
from tests.support.servers.server import Keyed, Server, keyed, running
from tests.support.waiting import PATIENCE_S

ROUNDS = programme_size.rounds(ci=30, nightly=500)
LIVES = 10
"""Kills in a row before everything is checked; each server adopts what the last one left."""
STEPS = 900
"""About as many steps as it takes to start, adopt, digest and erase what one life sends."""
ERASING_STEPS = 250
"""About as many of them as the worker and the sweep take."""
REPLAYS = 6
SEGMENTS = 3


@dataclass(slots=True)
class Chain:
    """The data that was sent and erased in successive lives of the server."""

    url: str
    folder: Path
    to: Keyed
    number: int
    replays: dict[str, str] = field(default_factory=dict)
    """The user of each replay."""
    kept: dict[str, set[int]] = field(default_factory=dict)
    """Segments that were answered with 200, by replay."""
    erased: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)
    """Replays whose erasure ended without an answer."""
    people: set[str] = field(default_factory=set)

    def is_erased(self, replay_id: str) -> bool:
        """Tell whether a replay was erased, by itself or with its person."""
        return replay_id in self.erased or self.replays[replay_id] in self.people


def make_segment(chain: Chain, replay_id: str, segment_id: int) -> bytes:
    """Make a segment whose bytes of video and whose user are found by a search of everything."""
    user = chain.replays[replay_id]
    video = clips.clip(frames=2) + user.encode()
    return envelopes.replay_video_envelope(
        segment_id,
        replay_id=replay_id,
        trace_id=replay_id[::-1],
        video=video,
        user={"id": user, "email": f"{user}@example.com"},
    )


async def send(
    sender: httpx2.AsyncClient, to: Keyed, chain: Chain, replay_id: str, segment_id: int
) -> None:
    """Send a segment and an error, and note what was answered with 200."""
    user = chain.replays[replay_id]
    error = envelopes.event_envelope(
        f"{replay_id[:30]}{segment_id:02x}",
        replay_id=replay_id,
        user={"id": user},
        fingerprint=["one problem"],
    )
    for body in (make_segment(chain, replay_id, segment_id), error):
        try:
            answer = await sender.post(
                f"/api/{to.id}/envelope/",
                content=envelopes.gzipped(body),
                headers=envelopes.headers(to.key),
            )
        except httpx2.TransportError:
            return
        if answer.status_code == 200 and body is not error:
            chain.kept.setdefault(replay_id, set()).add(segment_id)


async def erase_some(
    database: Database, to: Keyed, chain: Chain, dice: random.Random, ids: list[str]
) -> None:
    """Erase a third of some replays, and the people of another third."""
    for replay_id in ids:
        await asyncio.sleep(dice.random() * 0.1)
        fate = dice.randrange(3)
        user = chain.replays[replay_id]
        key = ReplayKey(to.id, ReplayId(replay_id))
        wish = (
            ErasureWish(ErasureKind.REPLAYS, to.id, ReplaysScope(1), None, clock.now(), (key,))
            if fate == 0
            else ErasureWish(
                ErasureKind.PERSON,
                to.id,
                make_person_scope([PersonName(NameKind.ID, user)]),
                None,
                clock.now(),
            )
        )
        if fate == 2:
            continue
        was_kept = replay_id in chain.kept
        try:
            await begin_erasures(database, [wish])
        except NotFound:
            continue  # the replay is not stored yet
        except ServiceUnavailable:
            chain.uncertain.add(replay_id)
        else:
            if fate == 0:
                chain.erased.add(replay_id)
            elif was_kept and replay_id not in chain.uncertain:
                chain.people.add(user)
            else:
                # Nothing of the person was accepted before: what comes later may stay.
                chain.uncertain.add(replay_id)


async def live(chain: Chain, dice: random.Random, options: LaunchOptions) -> str | None:
    """Let a server live until it kills itself at a step, or has nothing more to do."""
    database, to = Database.open(chain.url, pool_size=2), chain.to
    number = 1_000 * chain.number + len(chain.replays)
    ids = [f"{number + place:08x}".rjust(32, "5") for place in range(REPLAYS)]
    chain.replays |= {replay_id: f"person-{replay_id[-8:]}" for replay_id in ids}
    older = dice.sample(sorted(chain.replays), min(REPLAYS, len(chain.replays)))
    try:
        with process.launch_server(chain.url, chain.folder, options) as server:
            if await asyncio.to_thread(server.listens):
                async with traffic.client(server.base_url) as sender:
                    before = [
                        send(sender, to, chain, replay_id, segment_id)
                        for replay_id in ids
                        for segment_id in range(SEGMENTS - 1)
                    ]
                    await asyncio.gather(*before)
                    late = [
                        send(sender, to, chain, replay_id, SEGMENTS - 1)
                        for replay_id in [*ids, *older]
                    ]
                    await asyncio.gather(erase_some(database, to, chain, dice, ids), *late)
                    for _ in range(100):
                        if not server.is_alive():
                            break
                        await asyncio.sleep(0.02)
            server.kill()
            return server.place
    finally:
        await database.close()


def choose_step(dice: random.Random) -> LaunchOptions:
    """Choose where the next server kills itself: every other time while it erases."""
    if dice.randrange(2):
        return LaunchOptions(kill_at=1 + dice.randrange(STEPS))
    return LaunchOptions(kill_at=1 + dice.randrange(ERASING_STEPS), kill_within="erasure/")


async def list_open(server: Server) -> list[Erasure]:
    """Return the erasures whose receipts are not closed."""
    return [each for each in await list_all(server) if each.state is not ErasureState.FINISHED]


async def describe_open_erasures(server: Server) -> str:
    """Tell what may hold up an erasure: its objects, leases of replays, and other processes."""
    queries = {
        "tombstone": "select * from tombstones where swept_at is null limit 20",
        "lease": "select * from open_replays where leased_until > now() limit 20",
        "range of a pack": "select * from pack_outbox limit 20",
        "object": "select * from object_outbox limit 20",
        "file": "select * from file_outbox where swept_at is null limit 20",
        "process": "select process_id, journal_id, seen_at, now() from processes",
    }
    lines = ["erasures are still open:", *map(str, await list_open(server))]
    async with server.database.reading() as connection:
        for name, query in queries.items():
            lines += [f"{name} {row}" for row in await connection.execute(text(query))]
    return "\n".join(lines)


async def check(server: Server, chain: Chain) -> dict[str, int]:
    """Wait until every receipt is closed, and search everything for what was erased."""
    await invariant.wait_until_drained(server)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await list_open(server):
                server.service.page_services.eraser.hurry()
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(await describe_open_erasures(server))
    gone = sorted(each for each in chain.replays if chain.is_erased(each))
    for replay_id in gone[:10]:
        late = make_segment(chain, replay_id, SEGMENTS)
        assert (await server.post(late)).status_code == 200
    await invariant.wait_until_drained(server)
    async with server.database.reading() as connection:
        present = {
            each.hex for each in await connection.scalars(text("select replay_id from replays"))
        }
        rows = {
            (row.replay_id.hex, row.segment_id)
            for row in await connection.execute(text("select replay_id, segment_id from segments"))
        }
        people = [chain.replays[each] for each in gone if chain.replays[each] in chain.people]
        named = await data_search.find_in_rows(connection, people)
    resurrected = present & set(gone)
    orphans = {replay_id for replay_id, _ in rows} & set(gone)
    users = [chain.replays[replay_id] for replay_id in gone]
    in_objects = data_search.find_in_files(server.objects(), users)
    lost = [
        (replay_id, segment_id)
        for replay_id, segments in chain.kept.items()
        for segment_id in segments
        if replay_id not in gone and replay_id not in chain.uncertain
        if (replay_id, segment_id) not in rows
    ]
    for replay_id in gone[:5]:
        assert (await server.web.get(server.page(replay_id))).status_code in {404, 410}
    assert (resurrected, orphans, named, in_objects, lost) == (set(), set(), [], [], [])
    assert await invariant.objects_without_rows(server) == []
    return {"replays": len(chain.replays), "erased": len(gone), "segments": len(rows)}


async def test_a_kill_at_any_step_leaves_nothing_of_what_was_erased(
    database_url: str, tmp_path: Path, report: Report
) -> None:
    """Whatever a server does when it is killed, what was erased is gone in the end for good."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    dice = programme_size.seeded_dice("erasures")
    places: set[str] = set()
    done = 0
    while done < ROUNDS:
        chain, lives = Chain(database_url, tmp_path, to, done), min(LIVES, ROUNDS - done)
        for _ in range(lives):
            place = await live(chain, dice, choose_step(dice))
            places |= {place} if place else set()
        async with running(
            database_url, tmp_path, heartbeat_s=0.3, **invariant.SETTINGS_OF_CHECKED_SERVER
        ) as server:
            facts = await check(server, chain)
        done += lives
        report.round(kills=lives, **facts)
    report.facts["places"] = len(places)
    report.facts["erasing"] = sum("erasure/" in place for place in places)
