"""Three hundred innocent texts of apps: nearly all stay as they are, wherever they stand."""

from pathlib import Path
from typing import Final

from app.scrub import walk
from app.scrub.places import PayloadKind
from tests.unit.scrub import corpus

TEXTS: Final = Path(__file__).with_name("innocent.txt").read_text().splitlines()
_FEWEST: Final = 300
_MOST_CHANGED: Final = 0.01


def count_changed(text: str) -> int:
    """Return the number of places in events and recordings in which a text does not stay."""
    events = corpus.event_places(text).values()
    changed = sum(
        walk.scrub_json(event, kind=PayloadKind.EVENT).value is not event for event in events
    )
    recordings = [[event] for event in corpus.rrweb_places(text).values()]
    return changed + sum(
        walk.scrub_recording(recording).value is not recording for recording in recordings
    )


def test_nearly_all_innocent_texts_stay():
    """At most one text in a hundred is changed anywhere."""
    assert len(set(TEXTS)) == len(TEXTS) >= _FEWEST
    changed = [text for text in TEXTS if count_changed(text)]
    assert len(changed) <= _MOST_CHANGED * len(TEXTS), changed
