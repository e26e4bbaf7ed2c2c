"""Accepts envelopes: inflate, look at the framing, quotas, journal, 200.

    take ─► a turn of the event loop: inflate all → open all → admit all → journal ─► inbox → kept

The answer waits for nothing but the journal. Phones delete an envelope on any answer, so only what
can never be kept is refused; what cannot be kept now is `ServiceUnavailable`, and the door hangs
up.

What came in one turn of the loop goes through each stage together: one after another, every stage
would find its code and tables gone from the processor's caches. As a rule nothing is waited for
before the journal; what takes time goes on as a coroutine: a key nobody asked for yet, a large
body, no room in memory.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, Protocol

import msgspec

from app.core import clock
from app.core.errors import (
    MalformedInput,
    OversizedInput,
    RateLimited,
    RequestRefused,
    ServiceUnavailable,
)
from app.core.limits import LIMITS
from app.formats.wire import encoding
from app.formats.wire.encoding import Body
from app.formats.wire.envelope import Envelope, EnvelopeHeader
from app.ingest import senders
from app.ingest.gate import Gate
from app.ingest.inbox import Fresh
from app.ingest.reopen import open_body
from app.ingest.request import IngestRequest
from app.ingest.senders import Sender

_INLINE_BYTES: Final = 1024 * 1024
"""Above this, inflating would hold the event loop for milliseconds: it goes to a thread."""
_READ_WHOLE: Final = frozenset({"otlp", "otlp_json"})
"""Bodies that are read at the door to the last span, since the answer says how many are kept. An
empty one is a request without spans."""
_READ_INLINE_BYTES: Final = 32 * 1024
"""Above this, reading one would hold the event loop for milliseconds, and what is made of it may be
as much as `LIMITS.otlp_made_bytes`: it is read among the large bodies, few at a time."""
_TOGETHER: Final = 32
"""Envelopes that go through the stages together; so many are inflated at once."""
_UNOPENED: Final = Envelope(EnvelopeHeader(), ())


class Waiting(Protocol):
    """Who waits for an envelope to be kept; called on the event loop, one of the first two once."""

    def kept(self, envelope: Envelope, rate_limits: str) -> None:
        """Take note that it is on disk.

        Args:
            envelope: What was kept.
            rate_limits: What the SDK shall hold back from now on, as its header says it; often
                empty.
        """

    def fail(self, error: Exception) -> None:
        """Note that it is not kept; unless it is a `RequestRefused`, it may come again."""

    def run(self, rest: Coroutine[Any, Any, None]) -> None:
        """Run what takes time; what it raises goes to `fail`."""


class _Arrival(msgspec.Struct):
    """An envelope on its way from its request to the inbox."""

    gate: Gate
    request: IngestRequest
    sender: Sender
    body: bytes
    waiting: Waiting
    taken_s: float
    """When its request was whole, by the event loop's clock."""
    inflated: Body = b""
    opened: Envelope = _UNOPENED
    rate_limits: str = ""
    told: asyncio.Future[None] | None = None
    """Set once it is in the inbox, or will not be."""


_Stage = Callable[[_Arrival], bool]
"""Returns whether the next stage may go on at once; if not, a coroutine does so later."""


class Turns:
    """Collects what one turn of the event loop brings. Use it from one loop."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._arrivals: list[_Arrival] = []

    def take(self, request: IngestRequest, sender: Sender, body: bytes, waiting: Waiting) -> None:
        """Take one envelope in.

        Args:
            request: What its head said.
            sender: Who sends it.
            body: As it came, still compressed.
            waiting: Told later how it ended. A refusal is counted before.
        """
        loop = asyncio.get_running_loop()
        if not self._arrivals:
            loop.call_soon(self._go)
        self._arrivals.append(_Arrival(self.gate, request, sender, body, waiting, loop.time()))

    def _go(self) -> None:
        arrivals, self._arrivals = self._arrivals, []
        for at in range(0, len(arrivals), _TOGETHER):
            passed: Iterable[_Arrival] = arrivals[at : at + _TOGETHER]
            for stage in (_inflate, _open, _admit, _keep):
                passed = _passed(passed, stage)
        self.gate.journal.hand_over()


def _passed(arrivals: Iterable[_Arrival], stage: _Stage) -> list[_Arrival]:
    """Take some through a stage; one that fails is the trouble of nobody else."""
    passed: list[_Arrival] = []
    for arrival in arrivals:
        try:
            if stage(arrival):
                passed.append(arrival)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender gets no 5xx
            arrival.waiting.fail(error)
    return passed


def _inflate(arrival: _Arrival) -> bool:
    body = arrival.body
    if len(body) > _INLINE_BYTES:
        arrival.waiting.run(_take_large(arrival))
        return False
    try:
        arrival.inflated = encoding.inflate(
            body, arrival.request.content_encoding, limit_bytes=_INLINE_BYTES
        )
    except OversizedInput:
        # As it came it is small, inflated it may not be.
        arrival.waiting.run(_take_large(arrival))
        return False
    except RequestRefused as refused:
        _count(arrival, refused)
        raise
    if arrival.request.kind in _READ_WHOLE and len(arrival.inflated) > _READ_INLINE_BYTES:
        arrival.waiting.run(_take_large(arrival))
        return False
    return True


async def _take_large(arrival: _Arrival) -> None:
    """Inflate and open in a thread, few at a time until in the inbox: bombs cannot add up."""
    arrival.told = asyncio.get_running_loop().create_future()
    async with arrival.gate.large:
        try:
            arrival.inflated = await asyncio.to_thread(
                encoding.inflate,
                arrival.body,
                arrival.request.content_encoding,
                limit_bytes=LIMITS.inflated_bytes,
            )
        except RequestRefused as refused:
            _count(arrival, refused)
            raise
        await _take_long(arrival)
        await arrival.told


async def _take_long(arrival: _Arrival) -> None:
    """Open a body in a thread."""
    try:
        arrival.opened = await asyncio.to_thread(_opened, arrival.request, arrival.inflated)
    except RequestRefused as refused:
        _count(arrival, refused)
        raise
    await _finish(arrival)


async def _finish(arrival: _Arrival) -> None:
    """Take an opened envelope through the rest, waiting where that is needed."""
    gate = arrival.gate
    if arrival.sender.key is None:
        arrival.sender = await senders.ask_inside(
            gate, arrival.request, arrival.sender, arrival.opened
        )
    _ask_quotas(arrival)
    await gate.inbox.room()
    _keep(arrival)


def _open(arrival: _Arrival) -> bool:
    try:
        arrival.opened = _opened(arrival.request, arrival.inflated)
    except RequestRefused as refused:
        _count(arrival, refused)
        raise
    return True


def _opened(request: IngestRequest, body: Body) -> Envelope:
    if request.kind not in _READ_WHOLE and (not body or body.isspace()):
        raise MalformedInput("the body is empty, expected an envelope")
    return open_body(request.kind, body)


def _count(arrival: _Arrival, refused: RequestRefused) -> None:
    senders.count(arrival.gate, arrival.request, arrival.sender, refused.reason)


def _admit(arrival: _Arrival) -> bool:
    gate = arrival.gate
    if arrival.sender.key is None:
        found = senders.recognise_inside(gate, arrival.request, arrival.sender, arrival.opened)
        if found is None:
            arrival.waiting.run(_finish(arrival))
            return False
        arrival.sender = found
    _ask_quotas(arrival)
    if not gate.inbox.has_room:
        arrival.waiting.run(_keep_later(arrival))
        return False
    return True


def _ask_quotas(arrival: _Arrival) -> None:
    """Let in what may come; what only the opened envelope tells is checked before."""
    gate, sender, opened = arrival.gate, arrival.sender, arrival.opened
    key, project_id, size_bytes = sender.known_key, sender.known_project_id, len(arrival.body)
    if opened.header.dsn is not None:
        senders.check_dsn(opened.header.dsn, key, project_id)
    if not sender.is_key_known:
        gate.quotas.admit_unseen(arrival.request.client_ip, opened.items, size_bytes)
    try:
        arrival.rate_limits = gate.quotas.admit(project_id, key, opened.items, size_bytes)
    except RateLimited as limited:
        gate.tally.limit(project_id, opened.items, limited.reason)
        raise


async def _keep_later(arrival: _Arrival) -> None:
    await arrival.gate.inbox.room()
    _keep(arrival)


def _keep(arrival: _Arrival) -> bool:
    """Write an envelope down; once it is on disk it goes to the inbox, and its sender is told."""
    gate, request, sender = arrival.gate, arrival.request, arrival.sender
    key, received_ms = sender.known_key, clock.now_ms()
    project_id = sender.known_project_id

    def settled(error: ServiceUnavailable | None) -> None:
        if arrival.told is not None and not arrival.told.done():
            arrival.told.set_result(None)
        if error is not None:
            arrival.waiting.fail(error)
            return
        # The journal calls in the order of the seqs, and so the inbox gets them.
        gate.inbox.add(
            Fresh(
                seq=seq,
                project_id=project_id,
                key=key,
                received_ms=received_ms,
                client_ip=request.client_ip,
                envelope=arrival.opened,
                body=arrival.inflated,
                is_key_known=sender.is_key_known,
            )
        )
        arrival.waiting.kept(arrival.opened, arrival.rate_limits)
        gate.figures.count(asyncio.get_running_loop().time() - arrival.taken_s)

    seq = gate.journal.append(
        project_id=project_id,
        key=key,
        received_ms=received_ms,
        client_ip=request.client_ip,
        content_encoding=request.content_encoding,
        kind=request.kind,
        body=arrival.body,
        done=settled,
    )
    return True
