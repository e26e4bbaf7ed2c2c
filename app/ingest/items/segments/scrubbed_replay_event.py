"""Reads the replay event of a segment without secrets: decode, scrub, read.

`quick_replay_event.py` reads the facts that all segments of a replay repeat only once.
"""

import msgspec

from app.formats.replay import replay_event
from app.formats.replay.replay_event import ReplayEvent
from app.ingest.items import scrubbing
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.segments import stored_facts
from app.ingest.items.segments.stored_facts import StoredFacts
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRemark


class ScrubbedReplayEvent(msgspec.Struct, frozen=True, gc=False):
    """A replay event without secrets, and its facts as its replay stores them."""

    event: ReplayEvent
    facts: StoredFacts
    remarks: tuple[ScrubRemark, ...] = ()
    """The remarks on what was removed from it."""


def read_replay_event(data: bytes, context: EnvelopeContext) -> ScrubbedReplayEvent:
    """Read a replay event.

    Raises:
        MalformedInput: It is not a JSON object, or names no replay and segment.
        OversizedInput: It is over a limit.
    """
    raw = replay_event.decode_replay_event(data)
    clean = scrubbing.scrub_decoded(raw, data, context, kind=PayloadKind.REPLAY_EVENT)
    event = replay_event.read_replay_event(clean.value, context.header)
    return ScrubbedReplayEvent(event, stored_facts.write_facts(event.facts), clean.remarks)
