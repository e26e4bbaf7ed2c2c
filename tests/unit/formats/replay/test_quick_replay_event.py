"""Tests of the quick reader of replay events, against the plain reader."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.formats import jsonish
from app.formats.replay import quick_replay_event, replay_event
from app.formats.replay.replay_event import ReplayEvent
from tests.support import examples
from tests.support.builders import payloads
from tests.support.builders.wire import MISSING, changed, compact
from tests.support.quick_readers import assert_quick_equals_plain
from tests.support.recorded import contents, samples

USUAL = [compact(payloads.replay_event(platform=platform)) for platform in payloads.SDKS]


def _read_quickly(data: bytes) -> ReplayEvent | None:
    split = quick_replay_event.try_split_replay_event(data)
    if split is None:
        return None
    facts = replay_event.read_replay_facts(
        jsonish.decode_object(split.facts_json, "facts"), sdk_name=None, sdk_version=None
    )
    return replay_event.read_segment_members(split.segment_members, facts)


def _read_plainly(data: bytes) -> ReplayEvent:
    return replay_event.read_replay_event(replay_event.decode_replay_event(data))


@pytest.mark.parametrize("data", USUAL)
def test_events_as_sdks_send_them_are_split(data):
    """The quick reader reads the replay event of every SDK."""
    assert assert_quick_equals_plain(data, quick=_read_quickly, plain=_read_plainly)


@pytest.mark.parametrize("family", samples.families())
def test_recorded_events_are_split(family):
    """The quick reader reads every recorded event of a real SDK."""
    for request in contents.requests(family):
        for data in contents.replay_events_of(request):
            assert assert_quick_equals_plain(data, quick=_read_quickly, plain=_read_plainly)


@examples.SETTINGS
@given(
    st.one_of(
        examples.with_changed_member(payloads.replay_event()).map(compact),
        examples.mutated(USUAL).filter(lambda data: b"segment_id" in data and b"replay_id" in data),
    )
)
def test_a_split_event_is_read_as_the_whole_one(data):
    """The two parts of a split event have the values of the whole, whatever its members' types."""
    try:
        _read_plainly(data)
    except MalformedInput:
        return
    assert_quick_equals_plain(data, quick=_read_quickly, plain=_read_plainly)


def test_segments_of_one_replay_share_their_facts():
    """Ids, times, screens and values that a phone measures anew are not among the facts."""
    event = payloads.replay_event(1)
    device = {**event["contexts"]["device"], "battery_level": 11.0, "free_memory": 7}
    next_event = changed(
        payloads.replay_event(2, started_ms=1_790_000_000_000, trace_id="f" * 32),
        {"urls": ["Pay"], "error_ids": ["e" * 32], "replay_type": "buffer"},
    )
    next_event["contexts"]["device"] = device
    first, second, untagged = (
        quick_replay_event.try_split_replay_event(compact(each))
        for each in (event, next_event, changed(event, {"tags": MISSING}))
    )
    assert first is not None
    assert second is not None
    assert untagged is not None
    assert first.facts_json == second.facts_json
    assert first.segment_members != second.segment_members
    assert untagged.facts_json != first.facts_json
