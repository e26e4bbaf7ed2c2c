"""What all connections of a process share."""

from dataclasses import dataclass, field
from typing import Final

from app.api.connections import Connections
from app.api.heads import Heads
from app.core.errors import ServiceUnavailable
from app.ingest.accept import Turns

_MOST_READING_BYTES: Final = 128 * 1024 * 1024


@dataclass(slots=True)
class Door:
    """The way in for everything that comes over HTTP.

    Args:
        turns: Where bodies of envelopes go.
        connections: Those that are open.
        heads: The heads that are known again.
        reading_bytes: Memory that requests take until they are answered.
        most_reading_bytes: How much of it there may be; beyond it, senders are hung up on.
    """

    turns: Turns
    connections: Connections
    heads: Heads = field(default_factory=Heads)
    reading_bytes: int = 0
    most_reading_bytes: int = _MOST_READING_BYTES

    def hold(self, size_bytes: int) -> None:
        """Count bytes that are held for a request; less than 0 gives some back.

        Raises:
            ServiceUnavailable: Too many are held. These are counted all the same.
        """
        self.reading_bytes += size_bytes
        if size_bytes > 0 and self.reading_bytes > self.most_reading_bytes:
            raise ServiceUnavailable("too many large requests are being read at once")
