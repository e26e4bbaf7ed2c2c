"""The draft of an event: what families may change, and what comes out of it."""

import copy
from typing import Any

import pytest

from app.core.clock import monotonic_s
from app.debug_files.model import DebugFileKind
from app.symbolication.draft import EventDraft, OutOfTime

_ID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"


def _make_event() -> dict[str, Any]:
    frame = {"module": "a.b", "function": "c", "lineno": 1}
    return {
        "platform": "java",
        "release": "shop@1.0+7",
        "dist": "7",
        "transaction": "a.Main",
        "exception": {"values": [{"type": "d", "stacktrace": {"frames": [frame]}}, {"type": "e"}]},
        "threads": [{"id": 1, "crashed": True, "stacktrace": {"frames": [frame, frame]}}],
        "stacktrace": {"frames": [{"function": "x"}]},
    }


def test_untouched_draft_changes_nothing():
    """An event whose frames no family knows comes out as it was sent."""
    finished = EventDraft.of_event(_make_event()).finish()
    assert finished.members == {}
    assert finished.missing == ()


def test_changes_stay_outside_of_the_event():
    """Frames, exceptions and the transaction may change, and the event as sent does not."""
    event = _make_event()
    before = copy.deepcopy(event)
    draft = EventDraft.of_event(event)
    exception, thread, own = draft.stacks
    assert (exception.is_crashed, thread.is_crashed, own.is_crashed) == (True, True, True)
    exception.frames = [{"function": "outer"}, {"function": "inlined"}]
    draft.exceptions[0]["type"] = "Failure"
    draft.transaction = "com.acme.Main"
    draft.contexts = {"app": {"view_names": ["com.acme.Main"]}}
    clear = draft.finish().apply_to(event)
    assert event == before
    assert clear["exception"]["values"] == [
        {"type": "Failure", "stacktrace": {"frames": exception.frames}},
        {"type": "e"},
    ]
    assert clear["transaction"] == "com.acme.Main"
    assert clear["threads"] == event["threads"]
    assert clear["contexts"] == {"app": {"view_names": ["com.acme.Main"]}}
    assert set(draft.finish().members) == {"contexts", "exception", "transaction"}


@pytest.mark.parametrize(
    "member",
    [
        None,
        "text",
        [],
        {"values": None},
        {"values": ["text", None, 7]},
        {"values": [{"stacktrace": {"frames": ["text", 1]}}]},
        {"values": [{"stacktrace": "text"}, {"stacktrace": {"frames": {}}}]},
    ],
)
def test_odd_members_have_no_stacks(member: Any):
    """Members of a wrong type have no stacks, and stay as they are."""
    draft = EventDraft.of_event({"exception": member, "threads": member, "stacktrace": member})
    assert draft.stacks == []
    assert draft.finish().members == {}


def test_missing_files_add_up_their_frames():
    """One file is named once, with all frames that need it; those that most need come first."""
    draft = EventDraft.of_event(_make_event())
    draft.note_missing(DebugFileKind.JVM_SOURCE_BUNDLE, "x", frames=0)
    for _ in range(3):
        draft.note_missing(DebugFileKind.PROGUARD, _ID)
    draft.note_missing(DebugFileKind.ARTIFACT_BUNDLE, None, name="~/app.js")
    finished = draft.finish()
    assert [(file.kind, file.frames) for file in finished.missing] == [
        ("proguard", 3),
        ("artifact_bundle", 1),
        ("jvm_source_bundle", 0),
    ]
    by_release = finished.missing[1]
    assert (by_release.release, by_release.dist, by_release.name) == ("shop@1.0+7", "7", "~/app.js")
    assert finished.missing[0].release is None


def test_names_of_missing_files_are_bounded():
    """An event with thousands of images does not fill the column and the table."""
    draft = EventDraft.of_event(_make_event())
    for number in range(1_000):
        draft.note_missing(DebugFileKind.ELF, f"{number:032x}", name="x" * 10_000)
    missing = draft.finish().missing
    assert len(missing) == 100
    assert all(len(file.name or "") == 500 for file in missing)


def test_late_event_is_given_up():
    """A family that asks for the time learns that the budget is spent."""
    EventDraft.of_event({}).check_time()
    EventDraft.of_event({}, deadline_s=monotonic_s() + 60).check_time()
    with pytest.raises(OutOfTime):
        EventDraft.of_event({}, deadline_s=monotonic_s() - 1).check_time()


def test_frames_may_have_a_platform_of_their_own():
    """A native frame of a Java event is told by its own platform."""
    draft = EventDraft.of_event(_make_event())
    assert draft.platform_of({"platform": "native"}) == "native"
    assert draft.platform_of({"platform": 7}) == "java"
