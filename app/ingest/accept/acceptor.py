"""Accepts envelopes: inflates them, looks at their framing and at limits, and journals them.

    take ─► a turn of the event loop: inflate all ─► open all ─► admit all ─► journal ─► queue
                                                                                └─► answer

The answer waits for nothing but the journal. Phones delete an envelope on any answer, so only what
can never be kept is refused; what cannot be kept now is `ServiceUnavailable`, and the connection is
closed without an answer.

Envelopes that arrive in one turn of the loop go through each stage together: one after another,
every stage would find its code and tables gone from the processor's caches. Each stage hands on a
new value. As a rule nothing is waited for before the journal. What takes time leaves the turn and
goes on as a coroutine: a key that is not in memory, a large body, a queue without room.
"""

import asyncio
from collections.abc import Callable, Iterable
from itertools import batched
from typing import Final

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
from app.formats.wire.envelope import Envelope
from app.ingest.accept.arrivals import (
    AdmittedEnvelope,
    Answerer,
    Arrival,
    HasAnswerer,
    InflatedArrival,
    OpenedArrival,
)
from app.ingest.accept.metrics import AcceptMetrics
from app.ingest.admission import senders
from app.ingest.admission.admission import IngestAdmission
from app.ingest.admission.senders import Sender
from app.ingest.bodies import open_body
from app.ingest.queue import AcceptedEnvelope, EnvelopeQueue
from app.ingest.request import IngestRequest
from app.journal.writer import Journal

_INLINE_BYTES: Final = 1024 * 1024
"""A larger body would hold the event loop for milliseconds, so it is inflated in a thread."""
_READ_WHOLE: Final = frozenset({"otlp", "otlp_json"})
"""Bodies that are read to the last span before the answer, since that says how many are kept. An
empty one is a request without spans."""
_READ_INLINE_BYTES: Final = 32 * 1024
"""Reading a larger one of these would hold the event loop for milliseconds, and may make as much as
`LIMITS.otlp_made_bytes` of it: it is read among the large bodies, few at a time."""
_TOGETHER: Final = 32
"""The most envelopes that go through the stages together, and are inflated at once."""
_LARGE_AT_ONCE: Final = 2
"""Large bodies in memory at once; each may have `LIMITS.inflated_bytes`."""


class EnvelopeAcceptor:
    """Accepts the envelopes of one turn of the event loop together. Use it from one loop."""

    def __init__(self, admission: IngestAdmission, journal: Journal, queue: EnvelopeQueue) -> None:
        self.admission: Final = admission
        self.metrics: Final = AcceptMetrics()
        self._journal = journal
        self._queue = queue
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)
        self._arrivals: list[Arrival] = []

    def take(self, request: IngestRequest, sender: Sender, body: bytes, answerer: Answerer) -> None:
        """Take in one envelope; it is accepted with the others of this turn of the loop.

        Args:
            request: The head of the request.
            sender: The sender, as far as the head names it.
            body: The body, still compressed.
            answerer: Called with the result. Refusals are counted here.
        """
        loop = asyncio.get_running_loop()
        if not self._arrivals:
            loop.call_soon(self._accept_arrivals)
        self._arrivals.append(Arrival(request, sender, body, answerer, loop.time()))

    def _accept_arrivals(self) -> None:
        arrivals, self._arrivals = self._arrivals, []
        for together in batched(arrivals, _TOGETHER):
            self._accept_together(together)
        self._journal.hand_over()

    def _accept_together(self, arrivals: Iterable[Arrival]) -> None:
        """Take arrivals from stage to stage; a failure does not affect the others."""
        inflated = _take_through(self._inflate, arrivals)
        opened = _take_through(self._open, inflated)
        admitted = _take_through(self._admit, opened)
        _take_through(self._keep, admitted)

    def _inflate(self, arrival: Arrival) -> InflatedArrival | None:
        """Take the Content-Encoding off a body, unless that takes long."""
        body = arrival.body
        if len(body) > _INLINE_BYTES:
            arrival.answerer.run_task(self._accept_large(arrival))
            return None
        try:
            inflated = encoding.inflate(
                body, arrival.request.content_encoding, limit_bytes=_INLINE_BYTES
            )
        except OversizedInput:
            # A small body may be a large one when it is inflated.
            arrival.answerer.run_task(self._accept_large(arrival))
            return None
        except RequestRefused as refused:
            self._count_refusal(arrival, refused)
            raise
        if arrival.request.kind in _READ_WHOLE and len(inflated) > _READ_INLINE_BYTES:
            arrival.answerer.run_task(self._accept_large(arrival))
            return None
        return InflatedArrival(arrival, inflated)

    def _open(self, inflated: InflatedArrival) -> OpenedArrival:
        """Split a body into its items."""
        arrival, body = inflated.arrival, inflated.inflated_body
        try:
            return OpenedArrival(arrival, body, _open_request(arrival.request, body))
        except RequestRefused as refused:
            self._count_refusal(arrival, refused)
            raise

    def _admit(self, opened: OpenedArrival) -> AdmittedEnvelope | None:
        """Let an envelope in if its sender may send it, unless something must be waited for."""
        arrival = opened.arrival
        sender: Sender | None = arrival.sender
        if arrival.sender.key is None:
            sender = senders.find_sender_in_envelope(
                self.admission, arrival.request, arrival.sender, opened.envelope
            )
        if sender is None:
            arrival.answerer.run_task(self._admit_slowly(opened))
            return None
        admitted = self._admit_sender(opened, sender)
        if not self._queue.has_room:
            arrival.answerer.run_task(self._keep_slowly(admitted))
            return None
        return admitted

    def _admit_sender(self, opened: OpenedArrival, sender: Sender) -> AdmittedEnvelope:
        """Check the DSN in the envelope and the limits of its sender.

        Raises:
            RequestRefused: The envelope may not be kept.
            ServiceUnavailable: It may not be kept now.
        """
        admission, arrival, envelope = self.admission, opened.arrival, opened.envelope
        key, project_id = sender.known_key, sender.known_project_id
        size_bytes = len(arrival.body)
        if envelope.header.dsn is not None:
            senders.check_dsn_matches(envelope.header.dsn, key, project_id)
        if not sender.is_key_known:
            admission.quotas.admit_unseen(arrival.request.client_ip, envelope.items, size_bytes)
        try:
            rate_limits = admission.quotas.admit(project_id, key, envelope.items, size_bytes)
        except RateLimited as limited:
            admission.refusals.limit(project_id, envelope.items, limited.reason)
            raise
        return AdmittedEnvelope(opened, sender, rate_limits)

    def _keep(
        self, admitted: AdmittedEnvelope, on_settled: Callable[[], None] | None = None
    ) -> None:
        """Write an envelope to the journal; once it is on disk, queue it and answer.

        Args:
            admitted: The envelope.
            on_settled: Called once it is in the queue, or cannot be kept.
        """
        opened, sender = admitted.opened, admitted.sender
        arrival = opened.arrival
        request = arrival.request
        key, project_id = sender.known_key, sender.known_project_id
        received_ms = clock.now_ms()

        def settle(error: ServiceUnavailable | None) -> None:
            if on_settled is not None:
                on_settled()
            if error is not None:
                arrival.answerer.answer_failure(error)
                return
            # The journal calls in the order of the seqs, so the queue is filled in it.
            self._queue.add(
                AcceptedEnvelope(
                    seq=seq,
                    project_id=project_id,
                    key=key,
                    received_ms=received_ms,
                    client_ip=request.client_ip,
                    envelope=opened.envelope,
                    body=opened.inflated_body,
                    is_key_known=sender.is_key_known,
                )
            )
            arrival.answerer.answer_kept(opened.envelope, admitted.rate_limits)
            waited_s = asyncio.get_running_loop().time() - arrival.taken_s
            self.metrics.count_answer(request.kind, waited_s, len(arrival.body))

        seq = self._journal.append(
            project_id=project_id,
            key=key,
            received_ms=received_ms,
            client_ip=request.client_ip,
            content_encoding=request.content_encoding,
            kind=request.kind,
            body=arrival.body,
            on_settled=settle,
        )

    async def _accept_large(self, arrival: Arrival) -> None:
        """Accept a large body in a thread; it counts as large until it is in the queue.

        Few are in memory at a time, so bombs cannot add up.
        """
        settled = asyncio.Event()
        async with self._large:
            try:
                inflated = await asyncio.to_thread(
                    encoding.inflate,
                    arrival.body,
                    arrival.request.content_encoding,
                    limit_bytes=LIMITS.inflated_bytes,
                )
                envelope = await asyncio.to_thread(_open_request, arrival.request, inflated)
            except RequestRefused as refused:
                self._count_refusal(arrival, refused)
                raise
            await self._admit_slowly(OpenedArrival(arrival, inflated, envelope), settled.set)
            await settled.wait()

    async def _admit_slowly(
        self, opened: OpenedArrival, on_settled: Callable[[], None] | None = None
    ) -> None:
        """Admit and keep an envelope after asking Postgres for its key, if it is not in memory."""
        arrival = opened.arrival
        sender = arrival.sender
        if sender.key is None:
            sender = await senders.look_up_sender_in_envelope(
                self.admission, arrival.request, sender, opened.envelope
            )
        await self._keep_slowly(self._admit_sender(opened, sender), on_settled)

    async def _keep_slowly(
        self, admitted: AdmittedEnvelope, on_settled: Callable[[], None] | None = None
    ) -> None:
        """Keep an envelope when the queue has room, or when that takes too long."""
        await self._queue.wait_for_room()
        self._keep(admitted, on_settled)

    def _count_refusal(self, arrival: Arrival, refused: RequestRefused) -> None:
        senders.count_refusal(self.admission, arrival.request, arrival.sender, refused.reason)


def _take_through[Before: HasAnswerer, After](
    stage: Callable[[Before], After | None], values: Iterable[Before]
) -> list[After]:
    """Take values through a stage; those that fail or leave the turn are not returned."""
    passed: list[After] = []
    for value in values:
        try:
            result = stage(value)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender gets no 5xx
            value.answerer.answer_failure(error)
        else:
            if result is not None:
                passed.append(result)
    return passed


def _open_request(request: IngestRequest, body: Body) -> Envelope:
    if request.kind not in _READ_WHOLE and (not body or body.isspace()):
        raise MalformedInput("the body is empty, expected an envelope")
    return open_body(request.kind, body)
