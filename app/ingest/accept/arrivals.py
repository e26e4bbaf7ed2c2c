"""The values that the stages of accepting hand on, from a request to an admitted envelope.

Arrival ─ inflate ─► InflatedArrival ─ open ─► OpenedArrival ─ admit ─► AdmittedEnvelope
"""

from collections.abc import Coroutine
from typing import Any, Protocol

import msgspec

from app.formats.wire.encoding import Body
from app.formats.wire.envelope import Envelope
from app.ingest.admission.senders import Sender
from app.ingest.request import IngestRequest


class Answerer(Protocol):
    """The request that waits for its envelope to be kept.

    Everything is called on the event loop, and one of `answer_kept` and `answer_failure` once.
    """

    def answer_kept(self, envelope: Envelope, rate_limits: str) -> None:
        """Answer that the envelope is on disk.

        Args:
            envelope: The envelope that was kept.
            rate_limits: What the SDK shall hold back from now on, as its header says it; often
                empty.
        """

    def answer_failure(self, error: Exception) -> None:
        """Answer a `RequestRefused`; after any other error, let the sender send again."""

    def run_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what takes time; what it raises goes to `answer_failure`."""


class HasAnswerer(Protocol):
    """Any of the values that the stages hand on."""

    @property
    def answerer(self) -> Answerer: ...


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A request whose body has arrived, still compressed."""

    request: IngestRequest
    sender: Sender
    body: bytes
    answerer: Answerer
    taken_s: float
    """The time at which the request was whole, by the event loop's clock."""


class InflatedArrival(msgspec.Struct, frozen=True, gc=False):
    """An arrival with its body inflated."""

    arrival: Arrival
    inflated_body: Body

    @property
    def answerer(self) -> Answerer:
        return self.arrival.answerer


class OpenedArrival(msgspec.Struct, frozen=True, gc=False):
    """An arrival with its body split into the items of an envelope."""

    arrival: Arrival
    inflated_body: Body
    envelope: Envelope

    @property
    def answerer(self) -> Answerer:
        return self.arrival.answerer


class AdmittedEnvelope(msgspec.Struct, frozen=True, gc=False):
    """An envelope that may be kept, with its sender."""

    opened: OpenedArrival
    sender: Sender
    rate_limits: str
    """Value of the header with rate limits, for `Answerer.answer_kept`."""

    @property
    def answerer(self) -> Answerer:
        return self.opened.arrival.answerer
