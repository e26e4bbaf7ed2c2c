"""Endless valid traffic, and a ledger of every envelope that was sent and how it was answered.

ledger = Ledger(dice)
await send_some(base_url, to, ledger, …)        like phones: an answer ends it, a hang-up does not
await invariant.check_invariant(server, ledger)  everything that was answered is there, once
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx2

from app.core.clock import monotonic_s
from tests.support.builders import clips, envelopes, recordings
from tests.support.builders.mp4_boxes import box
from tests.support.builders.wire import SEGMENT_MS, STARTED_MS
from tests.support.servers.server import Keyed

SEGMENTS: Final = 6
"""Segments of one replay."""
_PADDING_BYTES: Final = 24_000
_ANSWER_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class TrafficEnvelope:
    """One envelope and what must be stored of it."""

    body: bytes
    replay_id: str
    segment_id: int | None = None
    video: bytes = b""
    breadcrumbs: int = 0
    event_id: str | None = None
    transaction_id: str | None = None
    attachments: int = 0


@dataclass(slots=True)
class Ledger:
    """The envelopes that were sent, and how each was answered."""

    dice: random.Random
    padding_bytes: int = _PADDING_BYTES
    sent: list[TrafficEnvelope] = field(default_factory=list)
    statuses: dict[int, list[int | None]] = field(default_factory=dict)
    """Every answer to an envelope, by its number; None for a connection that ended without one."""
    answered_s: dict[int, float] = field(default_factory=dict)
    """The time of the first 200 for an envelope, by its number and the monotonic clock."""

    def is_kept(self, number: int) -> bool:
        """Tell whether an envelope was answered 200 at least once."""
        return 200 in self.statuses.get(number, [])

    @property
    def acks(self) -> int:
        """The number of envelopes that were answered 200."""
        return sum(self.is_kept(number) for number in self.statuses)

    @property
    def answers(self) -> set[int | None]:
        """Every kind of answer."""
        return {status for statuses in self.statuses.values() for status in statuses}

    def unanswered(self) -> list[int]:
        """Return the envelopes that a phone would still have."""
        return [number for number, statuses in self.statuses.items() if not any(statuses)]

    def replays(self) -> dict[str, list[int]]:
        """Return the numbers of envelopes by replay."""
        numbers: dict[str, list[int]] = {}
        for number, envelope in enumerate(self.sent):
            numbers.setdefault(envelope.replay_id, []).append(number)
        return numbers

    def add(self, envelope: TrafficEnvelope) -> int:
        """Note an envelope that is about to be sent; returns its number."""
        self.sent.append(envelope)
        return len(self.sent) - 1

    def phone(self) -> Iterator[int]:
        """Make the envelopes of one phone, replay after replay, sometimes shuffled."""
        while True:
            replay_id = hex_id(self.dice)
            kinds = [make_segment] * SEGMENTS + [make_error, make_transaction]
            parts = list(enumerate(kinds))
            if self.dice.random() < 0.5:
                self.dice.shuffle(parts)
            for segment_id, kind in parts:
                yield self.add(kind(self.dice, replay_id, segment_id, self.padding_bytes))


def hex_id(dice: random.Random) -> str:
    """Make an id."""
    return dice.randbytes(16).hex()


def own_video(dice: random.Random, padding_bytes: int) -> bytes:
    """Make a video that no other segment has: the player skips its last box."""
    film = clips.clip(frames=2, width=64, height=128)
    return film + box("free", dice.randbytes(dice.randrange(16, max(17, padding_bytes))))


def make_segment(
    dice: random.Random, replay_id: str, segment_id: int, padding_bytes: int
) -> TrafficEnvelope:
    """Write a segment, now and then with an error in the same envelope."""
    video = own_video(dice, padding_bytes)
    begins_ms = STARTED_MS + segment_id * SEGMENT_MS
    events = recordings.segment_events(segment_id, begins_ms, size_bytes=len(video))
    more = dice.randrange(4)
    events += [
        recordings.breadcrumb("note", begins_ms + 1_000 + place, message=hex_id(dice))
        for place in range(more)
    ]
    body = envelopes.replay_video_envelope(
        segment_id, replay_id=replay_id, video=video, events=events, trace_id=None
    )
    return TrafficEnvelope(
        body, replay_id, segment_id=segment_id, video=video, breadcrumbs=2 + more
    )


def make_error(
    dice: random.Random, replay_id: str, _place: int, padding_bytes: int
) -> TrafficEnvelope:
    """Write an error of a replay, half of the time with a file."""
    event_id = hex_id(dice)
    files = dice.randrange(2)
    more = [envelopes.attachment_item(dice.randbytes(min(2_000, padding_bytes)))] * files
    body = envelopes.event_envelope(
        event_id, replay_id=replay_id, trace_id=hex_id(dice), more_items=more
    )
    return TrafficEnvelope(body, replay_id, event_id=event_id, attachments=files)


def make_transaction(
    dice: random.Random, replay_id: str, _place: int, _padding_bytes: int
) -> TrafficEnvelope:
    """Write a transaction with two spans."""
    event_id = hex_id(dice)
    body = envelopes.transaction_envelope(
        event_id, replay_id=replay_id, trace_id=hex_id(dice), span_id=dice.randbytes(8).hex()
    )
    return TrafficEnvelope(body, replay_id, transaction_id=event_id)


async def deliver(sender: httpx2.AsyncClient, to: Keyed, ledger: Ledger, number: int) -> int | None:
    """Send one envelope and note the answer."""
    try:
        answer = await sender.post(
            f"/api/{to.id}/envelope/",
            content=envelopes.gzipped(ledger.sent[number].body),
            headers=envelopes.headers(to.key),
        )
        status: int | None = answer.status_code
    except httpx2.TransportError:
        status = None
    ledger.statuses.setdefault(number, []).append(status)
    if status == 200:
        ledger.answered_s.setdefault(number, monotonic_s())
    return status


async def send_as_phones(
    base_url: str,
    to: Keyed,
    ledger: Ledger,
    *,
    senders: int = 8,
    is_over: Callable[[], bool],
    pause_s: float = 0,
) -> None:
    """Send as this many phones do until `is_over`; a tenth of what was kept is sent again."""
    dice = random.Random(ledger.dice.random())

    async def send_as_phone(sender: httpx2.AsyncClient) -> None:
        phone = ledger.phone()
        while not is_over():
            number = next(phone)
            kept = await deliver(sender, to, ledger, number) == 200
            if kept and dice.random() < 0.1:
                await deliver(sender, to, ledger, number)
            # Others get their turn even when every connection is refused at once.
            await asyncio.sleep(pause_s)

    async with client(base_url) as sender:
        await asyncio.gather(*(send_as_phone(sender) for _ in range(senders)))


@asynccontextmanager
async def sending_phones(
    base_url: str, to: Keyed, ledger: Ledger, *, senders: int = 16, pause_s: float = 0.05
) -> AsyncIterator[None]:
    """Let phones send until the block ends, some 200 envelopes a second unless told otherwise."""
    is_over = asyncio.Event()
    phones = asyncio.create_task(
        send_as_phones(
            base_url, to, ledger, senders=senders, is_over=is_over.is_set, pause_s=pause_s
        )
    )
    try:
        yield
    finally:
        is_over.set()
        await asyncio.gather(phones)


async def send_some(base_url: str, to: Keyed, ledger: Ledger, count: int) -> None:
    """Send as many envelopes as `count` says."""
    most = len(ledger.sent) + count
    await send_as_phones(base_url, to, ledger, is_over=lambda: len(ledger.sent) >= most)


async def send_again(base_url: str, to: Keyed, ledger: Ledger) -> None:
    """Send what got no answer once more, as phones do; returns when all of it was answered."""
    async with client(base_url) as sender, asyncio.timeout(_ANSWER_S):
        while waiting := ledger.unanswered():
            for number in waiting:
                await deliver(sender, to, ledger, number)


def client(base_url: str, *, source: str | None = None) -> httpx2.AsyncClient:
    """Open connections as an SDK's transport does, from an address of this machine if named."""
    transport = httpx2.AsyncHTTPTransport(local_address=source, trust_env=False)
    return httpx2.AsyncClient(
        base_url=base_url, trust_env=False, timeout=_ANSWER_S, transport=transport
    )
