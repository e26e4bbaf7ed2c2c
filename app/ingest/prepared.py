"""What one envelope asks to be stored, before anything is stored.

What is made for every segment is msgspec's here and below: it costs a fifth of a frozen dataclass.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from app.core.errors import RateLimited, RequestRefused
from app.core.ids import ProjectId
from app.feedback.model import NewFeedback
from app.formats import timestamps
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem
from app.ingest.outcomes import outcome_key
from app.issues.model import Attachment, NewEvent
from app.projects.model import Outcome, OutcomeKey
from app.releases.model import NewSessions
from app.replays.model import NewSegment, ReplayKey
from app.scrub.rules import ScrubRules
from app.traces.model import NewBlock, NewLog, NewTransaction

_MILLISECOND: Final = timedelta(milliseconds=1)


class Context(msgspec.Struct, frozen=True, gc=False):
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


Noted = tuple[EnvelopeItem, Context]
"""An item that is here, but not read yet."""


class SegmentWork(msgspec.Struct, frozen=True, gc=False):
    """A segment, and the bytes of its video."""

    segment: NewSegment
    item_type: str
    video: memoryview | None


@dataclass(frozen=True, slots=True)
class AttachmentWork:
    """A file's row, and its bytes."""

    attachment: Attachment
    data: memoryview


@dataclass(slots=True)
class Prepared:
    """Everything one or several envelopes ask for, in the order of arrival."""

    noted: list[Noted] = field(default_factory=list)
    """What is not read yet; see `expand.finish`."""
    segments: list[SegmentWork] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    transactions: list[NewTransaction] = field(default_factory=list)
    blocks: list[NewBlock] = field(default_factory=list)
    attachments: list[AttachmentWork] = field(default_factory=list)
    feedback: list[NewFeedback] = field(default_factory=list)
    logs: list[NewLog] = field(default_factory=list)
    sessions: list[NewSessions] = field(default_factory=list)
    outcomes: Counter[OutcomeKey] = field(default_factory=Counter)

    def count(
        self,
        context: Context,
        item_type: str,
        outcome: Outcome,
        reason: str = "",
        *,
        quantity: int = 1,
    ) -> None:
        """Count an outcome that is known before storing."""
        self.outcomes[outcome_key(context.project_id, item_type, outcome, reason)] += quantity

    def refuse(self, context: Context, item_type: str, refused: RequestRefused) -> None:
        """Count an item that cannot be kept, or that met a limit."""
        outcome = Outcome.LIMITED if isinstance(refused, RateLimited) else Outcome.REFUSED
        self.count(context, item_type, outcome, refused.reason)

    def pictured(self) -> set[ReplayKey]:
        """Name the replays that gain video or an error: what shows them in small may change."""
        videos = {work.segment.key for work in self.segments if work.segment.video is not None}
        return videos | {
            ReplayKey(event.project_id, event.replay_id)
            for event in self.events
            if event.replay_id is not None
        }
