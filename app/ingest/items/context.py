"""The facts that the items of one envelope share, among them how wrong the sender's clock is.

Values that are made for every segment are msgspec structs here and in the item types: making one
costs a fifth of a frozen dataclass.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from app.core.ids import ProjectId
from app.formats import timestamps
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem
from app.projects.model import RemovalKey
from app.scrub.rules import ScrubRemark, ScrubRules
from app.scrub.taps.rules import NO_TAP_RULES, TapRules

_MILLISECOND: Final = timedelta(milliseconds=1)


class EnvelopeContext(msgspec.Struct, frozen=True, gc=False):
    """The facts that the items of one envelope share."""

    project_id: ProjectId
    received_at: datetime
    drift_ms: int
    """The time of receipt less the time of sending, which leads from the sender's clock to the
    server's. It includes the time on the way, mostly well under a second; 0 means unknown."""
    client_ip: str | None
    header: EnvelopeHeader
    rules: ScrubRules
    taps: TapRules = NO_TAP_RULES
    """The taps that are hidden. The quick readers leave items alone that may have some."""
    removals: Counter[RemovalKey] = msgspec.field(default_factory=Counter)
    """The number of removals by each rule in the batch; `count_removals` adds to it."""

    def count_removals(self, remarks: Sequence[ScrubRemark]) -> None:
        """Count what was removed from an item that is going to be stored."""
        for remark in remarks:
            key = RemovalKey(self.project_id, self.received_at.date(), remark.rule)
            self.removals[key] += remark.count

    @property
    def sent_at(self) -> datetime:
        """The time of sending by the sender's clock, or the time of receipt if it is unknown."""
        return self.received_at - timedelta(milliseconds=self.drift_ms)

    def drift_of(self, last_at: datetime) -> int:
        """Return the drift in milliseconds of the clock that timed something.

        A phone's clock may be set between the event and its sending. Then the time of the event is
        before 2000 although the clock was right when it was sent, and the event is taken to have
        happened just before it was received.

        Args:
            last_at: The last time in the item.
        """
        sent_at = self.header.sent_at
        if timestamps.is_set(last_at) or (sent_at is not None and not timestamps.is_set(sent_at)):
            return self.drift_ms
        return round((self.received_at - last_at) / _MILLISECOND)

    def moment_of(self, at: datetime | None) -> datetime:
        """Return the time at which something happened, or the time of sending if that is unknown.

        A time before 2000 counts as unknown if the sender's clock was right when it sent.
        """
        sent_at = self.header.sent_at
        is_sender_right = sent_at is not None and timestamps.is_set(sent_at)
        if at is None or (is_sender_right and not timestamps.is_set(at)):
            return self.sent_at
        return at


ReceivedItem = tuple[EnvelopeItem, EnvelopeContext]
"""An item and the facts that it shares with the other items of its envelope."""
