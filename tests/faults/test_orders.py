"""F6: a replay is the same in whatever order, and however often, its parts arrive."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from app.core import clock
from app.core.errors import NotFound
from app.core.ids import ReplayId
from app.erasure.replay import erase_replay
from app.replays.model import ReplayKey
from tests.support import programme_size
from tests.support.builders import clips, envelopes, recordings, traffic
from tests.support.builders.wire import SEGMENT_MS, STARTED_MS
from tests.support.report import Report
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEGMENTS = 6
ORDERS = programme_size.rounds(ci=720, nightly=720)
SHUFFLES = programme_size.rounds(ci=200, nightly=20_000)
AT_ONCE = 16


def make_parts(replay_id: str, *, with_traces: bool) -> list[bytes]:
    """Make the envelopes of a replay: differing segments, then an error and a transaction."""
    parts = [
        envelopes.replay_video_envelope(
            number,
            replay_id=replay_id,
            trace_id=None,
            video=clips.clip(frames=1 + number % 3, width=64, height=128),
            events=[
                *recordings.segment_events(number, STARTED_MS + number * SEGMENT_MS),
                recordings.breadcrumb("note", STARTED_MS + number * SEGMENT_MS, message="x"),
            ],
            urls=[f"Screen{number // 2}"],
            release="shop@1" if number != 1 else None,
        )
        for number in range(SEGMENTS)
    ]
    if with_traces:
        own_id = replay_id[::-1]
        parts.append(envelopes.event_envelope(own_id, replay_id=replay_id, trace_id=own_id))
        parts.append(
            envelopes.transaction_envelope(
                own_id, replay_id=replay_id, trace_id=own_id, span_id=own_id[:16]
            )
        )
    return parts


async def send_in_order(server: Server, parts: Sequence[bytes]) -> None:
    """Send envelopes one after the other, and check that each is answered 200."""
    for part in parts:
        answer = await server.post(envelopes.gzipped(part))
        assert answer.status_code == 200


async def read_canonical_replay(server: Server, replay_id: str) -> dict[str, Any]:
    """Return the dump of a replay without the ids that are its own."""
    dump = await server.dump(replay_id)
    names = {"errors": 0, "transactions": 0, "spans": 0, "traces": 0}
    return dump | {name: len(dump[name]) for name in names if dump}


async def test_every_order_gives_the_same_replay(tenant: Server, report: Report) -> None:
    """All 720 orders of six segments give the same replay."""
    dice = programme_size.seeded_dice("orders")
    orders = list(itertools.permutations(range(SEGMENTS)))[:ORDERS]
    replay_ids = [traffic.hex_id(dice) for _ in orders]
    deliveries = iter(zip(replay_ids, orders, strict=True))

    async def send_replays() -> None:
        for replay_id, order in deliveries:
            parts = make_parts(replay_id, with_traces=False)
            await send_in_order(tenant, [parts[index] for index in order])

    await asyncio.gather(*(send_replays() for _ in range(AT_ONCE)))
    await tenant.settled()
    expected = await read_canonical_replay(tenant, replay_ids[0])
    assert [segment["segment_id"] for segment in expected["segments"]] == list(range(SEGMENTS))
    for replay_id in replay_ids:
        assert await read_canonical_replay(tenant, replay_id) == expected
    report.round(orders=len(orders), envelopes=len(orders) * SEGMENTS)
    assert await tenant.outcomes() == {("replay_video", "kept", ""): len(orders) * SEGMENTS}


async def test_repeats_and_deletions_give_the_same_replay(tenant: Server, report: Report) -> None:
    """Shuffled, repeated parts give one replay; a deletion on the way leaves none."""
    dice = programme_size.seeded_dice("shuffles")
    whole_id = traffic.hex_id(dice)
    await tenant.take(*make_parts(whole_id, with_traces=True))
    expected = await read_canonical_replay(tenant, whole_id)
    for first in range(0, SHUFFLES, AT_ONCE):
        replay_ids = [traffic.hex_id(dice) for _ in range(min(AT_ONCE, SHUFFLES - first))]
        are_deleted = await asyncio.gather(
            *(send_shuffled(tenant, replay_id, dice.randrange(1 << 30)) for replay_id in replay_ids)
        )
        await tenant.settled()
        for replay_id, is_deleted in zip(replay_ids, are_deleted, strict=True):
            replay = await read_canonical_replay(tenant, replay_id)
            assert replay == ({} if is_deleted else expected)
        report.round(replays=len(replay_ids), deleted=sum(are_deleted))


async def send_shuffled(server: Server, replay_id: str, seed: int) -> bool:
    """Send a replay in disorder, and return whether it was deleted on the way."""
    dice = programme_size.seeded_dice("shuffle", seed)
    parts = [
        part
        for part in make_parts(replay_id, with_traces=True)
        for _ in range(dice.choice((1, 1, 2, 3)))
    ]
    dice.shuffle(parts)
    if dice.random() >= 0.25:
        await send_in_order(server, parts)
        return False
    half = dice.randrange(1, len(parts))
    await send_in_order(server, parts[:half])
    await server.settled()
    is_deleted = await erase_if_present(server, replay_id)
    await send_in_order(server, parts[half:])
    return is_deleted


async def erase_if_present(server: Server, replay_id: str) -> bool:
    """Delete a replay if there is one yet, and return whether there was."""
    key = ReplayKey(server.app.id, ReplayId(replay_id))
    try:
        await erase_replay(server.database, key, person_id=None, at=clock.now())
    except NotFound:
        return False
    return True
