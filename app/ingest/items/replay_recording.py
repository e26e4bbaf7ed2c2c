"""A `replay_recording` item: the events of one segment of a browser's replay.

It is prepared with the `replay_event` beside it.
"""

from typing import Final

from app.core.limits import LIMITS
from app.ingest.items.item_type import ItemType
from app.ingest.items.replay_event import prepare_web_segments
from app.ingest.items.segments.segment import store_segments
from app.scrub.places import PayloadKind

REPLAY_RECORDING: Final = ItemType(
    name="replay_recording",
    categories=("replay",),
    limit_bytes=LIMITS.recording_bytes,
    scrubbing=PayloadKind.RECORDING,
    prepare=prepare_web_segments,
    store=store_segments,
    is_in_object_storage=True,
)
