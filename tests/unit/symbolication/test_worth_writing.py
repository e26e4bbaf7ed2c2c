"""Whether what a worker found out about a stored event replaces what is stored."""

from datetime import date

from app.core.ids import EventId
from app.issues.model import EventPayload, EventRowKey
from app.symbolication.model import (
    NOT_SYMBOLICATED,
    MissingDebugFile,
    SymbolicatedEvent,
    UsedDebugFile,
    pack_symbolicated,
)
from app.symbolication.redo.events import _is_worth_writing

ID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
BY_RELEASE = UsedDebugFile("ab" * 16, "artifact_bundle", None)
OTHER_BY_RELEASE = UsedDebugFile("cd" * 16, "artifact_bundle", None)
BY_ID = UsedDebugFile("ef" * 16, "elf", ID)
SCRIPT = MissingDebugFile(kind="artifact_bundle", debug_id=None, name="b.js", release="shop@1")
LIBRARY = MissingDebugFile(kind="elf", debug_id=ID)
CLEAR = {"exception": {"values": [{"type": "Declined"}]}}


def replaces(before: SymbolicatedEvent, after: SymbolicatedEvent) -> bool:
    """Tell whether one result takes the place of another."""
    key = EventRowKey(EventId("1" * 32), date(2026, 11, 30))
    return _is_worth_writing(EventPayload(key, b"", pack_symbolicated(before)), after)


def test_scripts_that_are_found_by_release_improve():
    """A second bundle of a release helps though a third is missing: none of them has an id."""
    before = SymbolicatedEvent(members=CLEAR, used=(BY_RELEASE,), missing=(SCRIPT, SCRIPT))
    after = SymbolicatedEvent(
        members={"exception": {"values": []}},
        used=(BY_RELEASE, OTHER_BY_RELEASE),
        missing=(SCRIPT,),
    )
    assert replaces(before, after)


def test_clear_stacks_do_not_become_unclear():
    """A stack stays as it is when the files that made it clear were deleted since."""
    scripts = SymbolicatedEvent(members=CLEAR, used=(BY_RELEASE,))
    assert not replaces(scripts, SymbolicatedEvent(members={}, missing=(SCRIPT,)))
    assert not replaces(scripts, NOT_SYMBOLICATED)
    both = SymbolicatedEvent(members=CLEAR, used=(BY_RELEASE, BY_ID))
    after = SymbolicatedEvent(members={}, used=(BY_RELEASE,), missing=(LIBRARY,))
    assert not replaces(both, after)
    assert replaces(SymbolicatedEvent(members={}, is_pending=True), NOT_SYMBOLICATED)
