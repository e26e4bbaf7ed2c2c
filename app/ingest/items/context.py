"""What the items of one envelope share.

What is made for every segment is msgspec's here and below: it costs a fifth of a frozen dataclass.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from app.core.ids import ProjectId
from app.formats import timestamps
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem
from app.scrub.rules import ScrubRules

_MILLISECOND: Final = timedelta(milliseconds=1)


class EnvelopeContext(msgspec.Struct, frozen=True, gc=False):
    """What the items of one envelope share.

    `drift_ms` leads from the sender's clock to the server's: when it was received less when it was
    sent. What it took on its way is in it, mostly well under a second.
    """

    project_id: ProjectId
    received_at: datetime
    drift_ms: int
    client_ip: str | None
    header: EnvelopeHeader
    rules: ScrubRules

    @property
    def sent_at(self) -> datetime:
        """When it was sent, by the sender's clock: for what does not say when it was.

        It is when it was received, if the sender does not say.
        """
        return self.received_at - timedelta(milliseconds=self.drift_ms)

    def drift_of(self, last_at: datetime) -> int:
        """Return how far the clock was behind ours that timed something.

        A clock that nobody had set when something happened may be right when it is sent: then what
        was sent happened just before it was received.

        Args:
            last_at: The last time in what was sent.
        """
        sent_at = self.header.sent_at
        if timestamps.is_set(last_at) or (sent_at is not None and not timestamps.is_set(sent_at)):
            return self.drift_ms
        return round((self.received_at - last_at) / _MILLISECOND)

    def moment_of(self, at: datetime | None) -> datetime:
        """Return when something happened, or when it was sent if nothing credible says that.

        A time before 2000 is credible unless the sender's clock was right when it sent.
        """
        sent_at = self.header.sent_at
        is_odd = at is not None and not timestamps.is_set(at) and sent_at is not None
        if at is None or (is_odd and sent_at is not None and timestamps.is_set(sent_at)):
            return self.sent_at
        return at


ReceivedItem = tuple[EnvelopeItem, EnvelopeContext]
"""An item and what it shares with the other items of its envelope."""
