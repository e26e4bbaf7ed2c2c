"""Tests that object keys are made of checked parts, never of text that a sender wrote."""

import re
from datetime import date

import pytest
from hypothesis import assume, given, strategies as st

from app.core import ids
from app.core.days import OLD_DAY
from app.core.errors import MalformedInput
from app.storage import keys

DAY = date(2026, 11, 30)
FILES = "2026-11-30/f/0123456789abcdef0123456789abcdef/00000001/0000000000010203-00ff00ff00ff00ff-"
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


def test_key_of_a_pack_reads_as_documented():
    """The key names day, journal, the entry its batch begins with, and something random."""
    shape = rf"2026-11-30/v/{REPLAY}/00000001/0000000000010203-[0-9a-f]{{16}}"
    assert re.fullmatch(shape, keys.make_pack_key(DAY, REPLAY, 0x10203))
    assert (
        keys.make_pack_prefix(DAY, REPLAY, 0x10203)
        == f"2026-11-30/v/{REPLAY}/00000001/0000000000010203-"
    )
    assert keys.make_replay_prefix(DAY, 7, REPLAY) == f"2026-11-30/7/{REPLAY}/"


def test_objects_of_a_replay_are_sought_wherever_a_release_put_them():
    """A replay that was moved to its day has objects under the prefix of old releases too."""
    old = f"p/7/r/{REPLAY}/"
    assert keys.make_replay_prefix(OLD_DAY, 7, REPLAY) == old
    assert keys.list_replay_prefixes([DAY], 7, REPLAY) == [old, f"2026-11-30/7/{REPLAY}/"]
    assert keys.list_replay_prefixes([OLD_DAY], 7, REPLAY) == [old]
    assert keys.make_pictures_key(DAY, 7, REPLAY).startswith(f"2026-11-30/7/{REPLAY}/pictures-")


@pytest.mark.parametrize("day", [DAY, OLD_DAY])
@pytest.mark.parametrize("seq", [0, 0x10203, 0x1FFFF])
def test_objects_of_a_journal_are_found_on_every_day(day: date, seq: int):
    """Packs and files of batches after an entry lie under the prefixes of their days."""
    pack = keys.make_pack_key(day, REPLAY, seq)
    batch = keys.make_batch_files_prefix(DAY, REPLAY, seq)
    file = keys.make_attachment_key(batch, 7, REPLAY, SHA)
    prefixes = keys.make_block_prefixes([OLD_DAY, DAY, DAY], REPLAY, max(0, seq - 70))
    for key in (pack, file):
        assert [key.startswith(prefix) for prefix in prefixes].count(True) == 1
        assert keys.read_batch_seq(key) == seq
        assert keys.check_key(key) == key
    assert keys.read_file_event(file) == (DAY, (7, REPLAY))
    assert keys.read_file_event(pack) is None


@pytest.mark.parametrize(
    "key",
    [
        keys.make_pictures_key(DAY, 7, REPLAY),
        f"2026-11-30/7/e/{REPLAY}/9f86d081884c7d65",
        f"{FILES}7-{REPLAY}-9f86d081884c7d6",
        f"{FILES}{'9' * 20}-{REPLAY}-9f86d081884c7d65",
    ],
)
def test_other_objects_are_of_no_batch(key: str):
    """Pictures, files of an earlier release and what only looks like a file have no batch."""
    assert keys.read_batch_seq(key) == -1
    assert keys.read_file_event(key) is None


def test_key_of_an_attachment_reads_as_documented():
    """The key names batch, project, event and 16 digits of the hash; never the file's name."""
    shape = rf"2026-11-30/f/{REPLAY}/00000001/0000000000010203-[0-9a-f]{{16}}-"
    assert re.fullmatch(shape, keys.make_batch_files_prefix(DAY, REPLAY, 0x10203))
    assert keys.make_attachment_key(FILES, 7, REPLAY, SHA) == f"{FILES}7-{REPLAY}-9f86d081884c7d65"


@given(event=anything, sha=anything)
def test_hostile_text_names_no_attachment(event, sha):
    """Any text gives a key of the documented shape or MalformedInput."""
    try:
        key = keys.make_attachment_key(FILES, 1, event, sha)
    except MalformedInput:
        return
    assert keys.check_key(key) == key
    assert re.fullmatch(rf"{FILES}1-[0-9a-f]{{32}}-[0-9a-f]{{16}}", key, re.ASCII)
    assert keys.read_file_event(key) == (DAY, (1, event))


@pytest.mark.parametrize("event", HOSTILE)
def test_hostile_event_id_is_refused(event):
    """A hostile event id is refused, as a hostile replay id is."""
    with pytest.raises(MalformedInput):
        keys.make_attachment_key(FILES, 1, event, SHA)


@given(journal=st.text(HEX, min_size=32, max_size=32), seq=st.integers(0, 2**63 - 1))
def test_good_parts_make_a_key_every_driver_takes(journal, seq):
    """A pack lies under its batch's prefix, and both pass the drivers' own check."""
    assume(journal != "0" * 32)
    key = keys.make_pack_key(DAY, journal, seq)
    assert key.startswith(keys.check_prefix(keys.make_pack_prefix(DAY, journal, seq)))
    assert keys.check_key(key) == key


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_no_pack_has_another_batch_s_prefix(first, second):
    """The packs of one batch can be removed without those of the next; each try has its own key."""
    assert keys.make_pack_key(DAY, REPLAY, first).startswith(
        keys.make_pack_prefix(DAY, REPLAY, second)
    ) == (first == second)
    assert keys.make_pack_key(DAY, REPLAY, first) != keys.make_pack_key(DAY, REPLAY, first)


@given(journal=anything)
def test_hostile_text_makes_no_key(journal):
    """Any text gives a key of the documented shape or MalformedInput."""
    try:
        key = keys.make_pack_key(DAY, journal, 1)
    except MalformedInput:
        return
    assert re.fullmatch(
        r"2026-11-30/v/[0-9a-f]{32}/00000000/0000000000000001-[0-9a-f]{16}", key, re.ASCII
    )


@pytest.mark.parametrize("replay", HOSTILE)
def test_hostile_replay_id_is_refused(replay):
    """Paths, NUL, other alphabets, other spellings and the nil id are refused as replay ids."""
    with pytest.raises(MalformedInput):
        keys.make_replay_prefix(DAY, 1, replay)
    with pytest.raises(MalformedInput):
        keys.make_pack_key(DAY, replay, 0)


@pytest.mark.parametrize("sha", [*HOSTILE, SHA[:-1], SHA + "0", SHA.upper(), SHA + "\n"])
def test_hostile_hash_is_refused(sha):
    """Only a whole SHA-256 in lower-case hex names content."""
    with pytest.raises(MalformedInput):
        keys.make_attachment_key(FILES, 1, REPLAY, sha)


@pytest.mark.parametrize("project", [0, -1, 2**63, True, "1", 1.0, None])
def test_impossible_project_is_refused(project):
    """A project id is a positive 64-bit integer and nothing that looks like one."""
    with pytest.raises(MalformedInput):
        keys.make_replay_prefix(DAY, project, REPLAY)
    with pytest.raises(MalformedInput):
        keys.make_attachment_key(FILES, project, REPLAY, SHA)


@pytest.mark.parametrize("seq", [-1, False, "0", 0.0, None])
def test_impossible_seq_is_refused(seq):
    """The seq of a journal entry is an integer from 0."""
    with pytest.raises(MalformedInput):
        keys.make_pack_key(DAY, REPLAY, seq)


@given(st.one_of(st.text(), st.text("./ab\0-_A", max_size=12)))
def test_checked_key_cannot_leave_the_root(key):
    """A key that passes has no empty, hidden or upward part, on any file system."""
    try:
        parts = keys.check_key(key).split("/")
    except MalformedInput:
        return
    assert all(part[0] not in "._-" and part.isascii() and part == part.lower() for part in parts)
    assert "\0" not in key
    assert "\n" not in key


@given(st.text("./ab\0-_A", max_size=12))
def test_checked_prefix_begins_a_checked_key(prefix):
    """A prefix is accepted exactly when some key begins with it."""
    try:
        keys.check_key(prefix + "a")
    except MalformedInput:
        with pytest.raises(MalformedInput):
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
        with pytest.raises(MalformedInput):
            check(longest + "bb")


@given(st.integers(0, 2**63), st.integers(0, 2**63), st.integers(0, 2**31))
def test_a_spilled_file_is_named_after_its_entries(first_seq, last_seq, cipher_key_id):
    """The key of a spilled file can be read back, and is found below its journal."""
    key = keys.check_key(keys.make_spill_key(REPLAY, first_seq, last_seq, cipher_key_id))
    assert keys.read_spill_key(key) == (REPLAY, first_seq, last_seq, cipher_key_id, key)
    assert key.startswith(keys.make_spill_prefix(REPLAY))
    assert keys.make_spill_prefix(REPLAY).startswith(keys.SPILL_PREFIX)
    assert keys.read_batch_seq(key) == -1


@given(anything)
def test_nothing_else_names_a_spilled_file(words):
    """A hostile journal id makes no key, and a strange object is nobody's spilled file."""
    assert keys.read_spill_key(words) is None
    assert keys.read_spill_key(f"j/{words}") is None
    if ids.read_hex32(words) != words:
        with pytest.raises(MalformedInput):
            keys.make_spill_prefix(words)
    with pytest.raises(MalformedInput):
        keys.make_spill_key(REPLAY, -1, 5, 1)


def test_keys_of_debug_files_and_chunks_read_as_documented():
    """Objects of a debug file share a prefix; a chunk names its day, token and hash."""
    sha1 = "5f3c" * 10
    assert keys.make_debug_file_key(7, REPLAY, "symcache-0") == f"p/7/d/{REPLAY}/symcache-0"
    assert keys.make_debug_file_prefix(7, REPLAY) == f"p/7/d/{REPLAY}/"
    key = keys.check_key(keys.make_chunk_key(DAY, 12, sha1))
    assert re.fullmatch(rf"c/2026-11-30/12/{sha1}-[0-9a-f]{{16}}", key)
    assert key.startswith(keys.CHUNK_PREFIX)
    assert key != keys.make_chunk_key(DAY, 12, sha1)
    assert keys.read_chunk_day(key) == DAY
    assert keys.read_chunk_day(key.replace("11-30", "13-30")) is None
    assert keys.read_chunk_day(keys.make_attachment_key(FILES, 7, REPLAY, SHA)) is None


@given(name=anything, sha1=anything)
def test_hostile_text_names_no_debug_file_and_no_chunk(name, sha1):
    """Any text gives a key that every driver takes, or MalformedInput."""
    for make, arguments in (
        (keys.make_debug_file_key, (7, REPLAY, name)),
        (keys.make_debug_file_key, (7, name, "mapping")),
        (keys.make_chunk_key, (DAY, 12, sha1)),
    ):
        try:
            key = make(*arguments)
        except MalformedInput:
            continue
        assert keys.check_key(key) == key
        assert key.startswith(("p/7/d/", "c/2026-11-30/12/"))
    with pytest.raises(MalformedInput):
        keys.make_chunk_key(DAY, 0, "5f3c" * 10)
