"""State that all connections of a process share."""

from dataclasses import dataclass, field
from typing import Final

from app.api.answer_metrics import AnswerMetrics
from app.api.open_connections import OpenConnections
from app.core.errors import ServiceUnavailable
from app.ingest.accept.acceptor import EnvelopeAcceptor

_MOST_READING_BYTES: Final = 128 * 1024 * 1024


@dataclass(slots=True)
class IngestEndpoint:
    """The way in for everything that comes over HTTP.

    Args:
        acceptor: Takes whole bodies of envelopes and writes them to the journal; None in a process
            without the role `door`, which hangs up on them.
        connections: The connections that are open.
        reading_bytes: Memory taken by requests that are not answered yet.
        most_reading_bytes: Limit of that memory; beyond it, senders are hung up on.
        answers: Counts of the answers.
    """

    acceptor: EnvelopeAcceptor | None
    connections: OpenConnections
    reading_bytes: int = 0
    most_reading_bytes: int = _MOST_READING_BYTES
    is_stopping: bool = False
    """True if the server stops: connections that it has just accepted end like all others."""
    answers: AnswerMetrics = field(default_factory=AnswerMetrics)

    def hold(self, size_bytes: int) -> None:
        """Count bytes that are held for a request; a negative number gives some back.

        Raises:
            ServiceUnavailable: Too many bytes are held. These are counted all the same.
        """
        self.reading_bytes += size_bytes
        if size_bytes > 0 and self.reading_bytes > self.most_reading_bytes:
            raise ServiceUnavailable("too many large requests are being read at once")
