"""The clear stack of an event, as it is packed into its column and laid over the event."""

from app.formats.stored import packed_json
from app.symbolication.model import (
    NOT_SYMBOLICATED,
    MissingDebugFile,
    SymbolicatedEvent,
    UsedDebugFile,
    pack_symbolicated,
    read_clear_event,
    unpack_symbolicated,
)

_CLEAR = SymbolicatedEvent(
    members={"exception": {"values": [{"type": "CheckoutFailure", "module": "com.acme"}]}},
    used=(UsedDebugFile("ab" * 16, "proguard", "d9eda8d5-d1d0-5d91-93b5-2943d1938566"),),
    missing=(
        MissingDebugFile(
            kind="elf",
            debug_id="ce967c90-1ccd-75c8-6d9b-5eecbe286c9a",
            name="libshop.so",
            arch="arm64",
            frames=3,
            reason="stripped",
        ),
        MissingDebugFile(kind="artifact_bundle", debug_id=None, release="shop@1+2", dist="2"),
    ),
    is_pending=True,
)


def test_packing_and_unpacking_changes_nothing():
    """A clear stack that was packed is read as the same value."""
    assert unpack_symbolicated(pack_symbolicated(_CLEAR)) == _CLEAR


def test_clear_members_lie_over_the_event_as_sent():
    """A reader gets the clear members, and all other members as they were sent."""
    payload = packed_json.pack_json({"exception": {"values": [{"type": "a"}]}, "level": "fatal"})
    clear = read_clear_event(payload, pack_symbolicated(_CLEAR))
    assert clear == {**_CLEAR.members, "level": "fatal"}
    assert read_clear_event(payload, None)["exception"] == {"values": [{"type": "a"}]}


def test_bytes_that_cannot_be_read_leave_the_event_as_sent():
    """Damaged bytes, other values and files of unknown kinds do not break a page."""
    assert unpack_symbolicated(b"no zstd") == NOT_SYMBOLICATED
    assert unpack_symbolicated(packed_json.pack_json([1])) == NOT_SYMBOLICATED
    odd = {
        "members": {"release": "x", "threads": {"values": []}},
        "used": [["a"], [1, "elf", None], ["id", "tape", None], "text"],
        "missing": ["text", {"kind": "tape", "reason": "stripped"}, {"kind": "elf"}],
    }
    symbolicated = unpack_symbolicated(packed_json.pack_json(odd))
    assert symbolicated == SymbolicatedEvent(members={"threads": {"values": []}})


def test_event_without_changes_is_handed_back():
    """Nothing is copied for an event that needs no debug file."""
    event = {"message": "hello"}
    assert NOT_SYMBOLICATED.apply_to(event) is event
    assert not NOT_SYMBOLICATED.is_changed
