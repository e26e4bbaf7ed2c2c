"""Object keys: made from checked parts, never from what a sender wrote."""

import re

import pytest
from hypothesis import given, strategies as st

from app.core.errors import Malformed
from app.core.limits import LIMITS
from app.storage import keys

REPLAY = "0123456789abcdef0123456789abcdef"
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
HEX = "0123456789abcdef"

HOSTILE = [
    "",
    "../" * 10 + "etc/passwd",
    "%2e%2e%2f",
    "..",
    "\0",
    REPLAY + "\0",
    REPLAY + "\n",
    REPLAY.upper(),
    REPLAY[:-1] + "٣",
    "\uff10" * 32,
    "0" * 32,
    f" {REPLAY}",
    f"{REPLAY[:8]}-{REPLAY[8:]}",
    "a" * 10_000,
    "\ud800" * 32,
]
anything = st.one_of(st.text(), st.sampled_from(HOSTILE), st.text(HEX, min_size=31, max_size=33))


def test_key_of_a_segment_reads_as_documented():
    """The key names project, replay, segment and the first 16 digits of the hash."""
    assert keys.segment_video(7, REPLAY, 3, SHA) == f"p/7/r/{REPLAY}/000003-9f86d081884c7d65.mp4"
    assert keys.replay_prefix(7, REPLAY) == f"p/7/r/{REPLAY}/"


def test_key_of_an_attachment_reads_as_documented():
    """The key names project, event and the first 16 digits of the hash; never the file's name."""
    assert keys.attachment(7, REPLAY, SHA) == f"p/7/e/{REPLAY}/9f86d081884c7d65"


@given(event=anything, sha=anything)
def test_hostile_text_names_no_attachment(event, sha):
    """Any text in: the documented shape or Malformed out."""
    try:
        key = keys.attachment(1, event, sha)
    except Malformed:
        return
    assert keys.check_key(key) == key
    assert re.fullmatch(r"p/1/e/[0-9a-f]{32}/[0-9a-f]{16}", key, re.ASCII)


@pytest.mark.parametrize("event", HOSTILE)
def test_hostile_event_id_is_refused(event):
    """As a replay id is."""
    with pytest.raises(Malformed):
        keys.attachment(1, event, SHA)


@given(
    project=st.integers(1, 2**63 - 1),
    replay=st.text(HEX, min_size=32, max_size=32).filter(lambda text: text != "0" * 32),
    segment=st.integers(0, LIMITS.segment_id),
    sha=st.text(HEX, min_size=64, max_size=64),
)
def test_good_parts_make_a_key_every_driver_takes(project, replay, segment, sha):
    """A key lies under its replay's prefix, and both pass the drivers' own check."""
    key = keys.segment_video(project, replay, segment, sha)
    assert key.startswith(keys.check_prefix(keys.replay_prefix(project, replay)))
    assert keys.check_key(key) == key


@given(first=st.tuples(st.integers(1, 99), st.integers(0, 99)), second=st.data())
def test_different_segments_have_different_keys(first, second):
    """Projects and segments never share a key."""
    other = second.draw(st.tuples(st.integers(1, 99), st.integers(0, 99)))
    ours = keys.segment_video(first[0], REPLAY, first[1], SHA)
    theirs = keys.segment_video(other[0], REPLAY, other[1], SHA)
    assert (ours == theirs) == (first == other)


@given(replay=anything, sha=anything)
def test_hostile_text_makes_no_key(replay, sha):
    """Any text in: the documented shape or Malformed out."""
    try:
        key = keys.segment_video(1, replay, 0, sha)
    except Malformed:
        return
    assert re.fullmatch(r"p/1/r/[0-9a-f]{32}/000000-[0-9a-f]{16}\.mp4", key, re.ASCII)


@pytest.mark.parametrize("replay", HOSTILE)
def test_hostile_replay_id_is_refused(replay):
    """Paths, NUL, other alphabets, other spellings and the nil id are no replay ids."""
    with pytest.raises(Malformed):
        keys.replay_prefix(1, replay)
    with pytest.raises(Malformed):
        keys.segment_video(1, replay, 0, SHA)


@pytest.mark.parametrize("sha", [*HOSTILE, SHA[:-1], SHA + "0", SHA.upper(), SHA + "\n"])
def test_hostile_hash_is_refused(sha):
    """Only a whole SHA-256 in lower-case hex names content."""
    with pytest.raises(Malformed):
        keys.segment_video(1, REPLAY, 0, sha)
    with pytest.raises(Malformed):
        keys.attachment(1, REPLAY, sha)


@pytest.mark.parametrize("project", [0, -1, 2**63, True, "1", 1.0, None])
def test_impossible_project_is_refused(project):
    """A project id is a positive 64-bit integer and nothing that looks like one."""
    with pytest.raises(Malformed):
        keys.replay_prefix(project, REPLAY)
    with pytest.raises(Malformed):
        keys.attachment(project, REPLAY, SHA)


@pytest.mark.parametrize("segment", [-1, LIMITS.segment_id + 1, False, "0", 0.0, None])
def test_impossible_segment_is_refused(segment):
    """A segment id is an integer within the limit, one past it is not."""
    with pytest.raises(Malformed):
        keys.segment_video(1, REPLAY, segment, SHA)


def test_limits_of_project_and_segment_are_inclusive():
    """The largest ids still make keys."""
    key = keys.segment_video(2**63 - 1, REPLAY, LIMITS.segment_id, SHA)
    assert key == f"p/9223372036854775807/r/{REPLAY}/065535-9f86d081884c7d65.mp4"


@given(st.one_of(st.text(), st.text("./ab\0-_A", max_size=12)))
def test_checked_key_cannot_leave_the_root(key):
    """What passes has no empty, hidden or upward part, on any file system."""
    try:
        parts = keys.check_key(key).split("/")
    except Malformed:
        return
    assert all(part[0] not in "._-" and part.isascii() and part == part.lower() for part in parts)
    assert "\0" not in key
    assert "\n" not in key


@given(st.text("./ab\0-_A", max_size=12))
def test_checked_prefix_begins_a_checked_key(prefix):
    """A prefix is taken exactly when some key begins with it."""
    try:
        keys.check_key(prefix + "a")
    except Malformed:
        with pytest.raises(Malformed):
            keys.check_prefix(prefix)
    else:
        assert keys.check_prefix(prefix) == prefix


def test_key_length_has_a_limit():
    """The longest key passes, one more character does not."""
    longest = "/".join(["a" * 127] * 4)
    assert len(longest) == keys.KEY_CHARS - 1
    assert keys.check_key(longest + "b") == longest + "b"
    assert keys.check_prefix(longest + "b") == longest + "b"
    for check in (keys.check_key, keys.check_prefix):
        with pytest.raises(Malformed):
            check(longest + "bb")
