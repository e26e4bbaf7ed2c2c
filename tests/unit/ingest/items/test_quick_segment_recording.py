"""Tests of the quick reader of the recordings of segments, against the plain reader."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.ids import ProjectId
from app.formats.stored.packed_json import unpack_json
from app.formats.wire.envelope import EnvelopeHeader
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.segments import quick_recording, scrubbed_recording
from app.ingest.items.segments.scrubbed_recording import ScrubbedRecording
from app.scrub.rules import DEFAULT_RULES
from tests.support.builders import recordings
from tests.support.builders.wire import STARTED_MS
from tests.support.examples import JSON_VALUES, SETTINGS
from tests.support.quick_readers import assert_quick_equals_plain
from tests.support.recorded import contents, samples

CONTEXT = EnvelopeContext(
    ProjectId(1), datetime(2026, 10, 1, tzinfo=UTC), 0, None, EnvelopeHeader(), DEFAULT_RULES
)


def _contents(recorded: ScrubbedRecording | None) -> tuple[Any, ...] | None:
    if recorded is None:
        return None
    return recorded.summary, recorded.fault, unpack_json(recorded.packed)


def _read_quickly(data: bytes) -> tuple[Any, ...] | None:
    (recorded,) = quick_recording.try_read_recordings([memoryview(data)], [CONTEXT])
    return _contents(recorded)


def _read_plainly(data: bytes) -> tuple[Any, ...] | None:
    return _contents(scrubbed_recording.read_recording(memoryview(data), CONTEXT))


def _is_read_quickly(data: bytes) -> bool:
    return assert_quick_equals_plain(data, quick=_read_quickly, plain=_read_plainly)


def test_a_recording_without_secrets_is_read_quickly():
    """A recording without secrets is stored byte for byte as it was sent."""
    assert _is_read_quickly(recordings.recording(recordings.segment_events()))


@pytest.mark.parametrize("family", samples.families())
def test_recorded_recordings_are_read_alike(family):
    """Recordings of real SDKs are stored the same in both ways, with secrets or without."""
    for request in contents.requests(family):
        for data in contents.recordings_of(request):
            _is_read_quickly(data)


@SETTINGS
@given(st.text(max_size=20) | st.sampled_from(["password=w1nter", "4111111111111111"]), JSON_VALUES)
def test_breadcrumbs_of_any_shape_are_read_alike(message, value):
    """Whatever a breadcrumb says, both ways store the same."""
    crumb = recordings.breadcrumb("ui.tap", STARTED_MS, message=message, data={"value": value})
    _is_read_quickly(recordings.recording([*recordings.segment_events(), crumb]))


def test_a_secret_is_left_to_the_plain_reader():
    """The plain reader takes it out."""
    crumb = recordings.breadcrumb("ui.tap", STARTED_MS, message="password=w1nter", data={})
    assert _read_quickly(recordings.recording([crumb])) is None


def test_a_segment_without_a_recording_is_left_to_the_plain_reader():
    """The plain reader gives it a fault."""
    assert quick_recording.try_read_recordings([None], [CONTEXT]) == [None]
    recorded = scrubbed_recording.read_recording(None, CONTEXT)
    assert recorded.fault == "the segment came without a recording"
