"""Which replay an envelope belongs to is known before its items are read."""

import pytest

from app.formats.wire.envelope import Envelope, EnvelopeHeader, EnvelopeItem
from app.ingest.digest.prepare import replay_id_of
from app.ingest.item_types import SEGMENT_TYPES

REPLAY_ID = "ab" * 16


def envelope_with(item_type: str, *, event_id: str | None = REPLAY_ID) -> Envelope:
    """Make an envelope with one empty item."""
    return Envelope(EnvelopeHeader(event_id=event_id), (EnvelopeItem(item_type, memoryview(b"")),))


@pytest.mark.parametrize("item_type", sorted(SEGMENT_TYPES))
def test_any_part_of_a_segment_names_its_replay(item_type: str):
    """So an envelope in quarantine is deleted with its replay, even a recording alone."""
    assert replay_id_of(envelope_with(item_type)) == REPLAY_ID
    assert replay_id_of(envelope_with(item_type, event_id=None)) is None


def test_the_id_of_an_event_names_no_replay():
    """The id in the header is then that of the event."""
    assert replay_id_of(envelope_with("event")) is None
    assert replay_id_of(envelope_with("attachment")) is None
