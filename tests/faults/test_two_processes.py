"""F10: processes take the same segments with different bytes while one dies and some delete."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2

from app.core import clock
from app.core.errors import NotFound
from app.core.ids import ReplayId
from app.db.engine import Database
from app.erasure.replay import erase_replay
from app.replays.model import ReplayKey
from tests.support import programme_size
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import ServerProcess
from tests.support.servers.server import Keyed, Server, keyed, running
from tests.support.waiting import PATIENCE_S

PROCESSES = max(2, programme_size.rounds(ci=4, nightly=10))
CONNECTIONS = 5
"""The connections of each process: the Postgres of the tests has room for 60 in all."""
REPLAYS = 25
SEGMENTS = max(REPLAYS, programme_size.rounds(ci=500, nightly=2_000))
"""Segments that every process is sent, each with its own bytes."""
DELETED = 5
"""Replays that are deleted while their segments arrive."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A process with the envelopes that it was sent."""

    process: ServerProcess
    ledger: Ledger


async def send_to_rival(rival: Rival, to: Keyed, replay_ids: Sequence[str]) -> None:
    """Send a process its own bytes for every segment, in random order."""
    ledger = rival.ledger
    segments = [
        (replay_id, number)
        for replay_id in replay_ids
        for number in range(SEGMENTS // len(replay_ids))
    ]
    ledger.dice.shuffle(segments)
    remaining_segments = iter(segments)

    async def send_segments(sender: httpx2.AsyncClient) -> None:
        for replay_id, number in remaining_segments:
            envelope = traffic.make_segment(ledger.dice, replay_id, number, ledger.padding_bytes)
            await traffic.deliver(sender, to, ledger, ledger.add(envelope))

    async with traffic.client(rival.process.base_url) as sender:
        await asyncio.gather(*(send_segments(sender) for _ in range(4)))


async def delete_twice(database: Database, to: Keyed, replay_id: str) -> int:
    """Delete a replay twice at once, as soon as it exists; return how many deletions succeeded."""

    async def delete() -> bool:
        try:
            key = ReplayKey(to.id, ReplayId(replay_id))
            await erase_replay(database, key, person_id=None, at=clock.now())
        except NotFound:
            return False
        return True

    async with asyncio.timeout(PATIENCE_S):
        while True:
            if any(has_deleted := await asyncio.gather(delete(), delete())):
                return sum(has_deleted)
            await asyncio.sleep(0.01)


def find_faults(
    rivals: Sequence[Rival], replay_id: str, stored: dict[int, tuple[bytes, int]]
) -> list[str]:
    """Compare a replay with what was sent: each segment must be one process's, and whole."""
    contents_sent: dict[int, set[tuple[bytes, int]]] = {}
    kept: set[int] = set()
    for rival in rivals:
        for number, envelope in enumerate(rival.ledger.sent):
            if envelope.replay_id == replay_id and envelope.segment_id is not None:
                variants = contents_sent.setdefault(envelope.segment_id, set())
                variants.add((envelope.video, envelope.breadcrumbs))
                if rival.ledger.is_kept(number):
                    kept.add(envelope.segment_id)
    faults = [f"segment {number} of {replay_id} is lost" for number in kept - stored.keys()]
    return faults + [
        f"segment {number} of {replay_id} is what nobody sent"
        for number, content in stored.items()
        if content not in contents_sent[number]
    ]


async def test_competing_processes_agree_on_every_segment(
    database_url: str, tmp_path: Path, report: Report
) -> None:
    """One process wins each segment, and deleted replays stay deleted."""
    database = Database.open(database_url, pool_size=4)
    to = await keyed(database, "App")
    dice = programme_size.seeded_dice("rivals")
    replay_ids = [traffic.hex_id(dice) for _ in range(REPLAYS)]
    with ExitStack() as stack:
        rivals = [
            Rival(
                stack.enter_context(
                    process.launch_and_wait(
                        database_url, tmp_path, database_connections=CONNECTIONS
                    )
                ),
                Ledger(programme_size.seeded_dice("rival", number), padding_bytes=4_000),
            )
            for number in range(PROCESSES)
        ]
        load = [asyncio.create_task(send_to_rival(rival, to, replay_ids)) for rival in rivals]
        deleted = [
            asyncio.create_task(delete_twice(database, to, replay_id))
            for replay_id in replay_ids[:DELETED]
        ]
        assert await asyncio.gather(*deleted) == [1] * DELETED
        rivals[0].process.kill()
        await asyncio.gather(*load)
    await database.close()
    async with running(database_url, tmp_path) as server:
        await invariant.wait_until_drained(server)
        report.round(**await compare_all_replays(server, rivals, replay_ids))


async def compare_all_replays(
    server: Server, rivals: Sequence[Rival], replay_ids: Sequence[str]
) -> dict[str, int]:
    """Compare every replay with what was sent, and return figures for the report."""
    faults: list[str] = []
    segments = 0
    for replay_id in replay_ids:
        stored = await invariant.stored(server, replay_id, faults)
        segments += len(stored)
        if replay_id in replay_ids[:DELETED]:
            faults += [f"deleted {replay_id} has segment {number}" for number in stored]
        else:
            faults += find_faults(rivals, replay_id, stored)
    faults += await invariant.objects_without_rows(server)
    outcomes = await server.outcomes()
    outcome_counts = {
        name: outcomes["replay_video", name, ""] for name in ("kept", "duplicate", "deleted")
    }
    acks = sum(rival.ledger.acks for rival in rivals)
    unanswered = sum(len(rival.ledger.unanswered()) for rival in rivals)
    if not acks <= sum(outcome_counts.values()) <= acks + unanswered:
        faults.append(
            f"{acks} were answered 200, {unanswered} not at all; counted: {outcome_counts}"
        )
    if not set().union(*(rival.ledger.answers for rival in rivals)) <= {200, None}:
        faults.append("another answer than 200")
    assert not faults, "\n".join(faults[:20])
    return {
        "acks": acks,
        "segments": segments,
        "unanswered": unanswered,
        **outcome_counts,
        "lost": 0,
    }
