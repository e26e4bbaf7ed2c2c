"""Every object store must behave like this, whichever driver it has."""

import asyncio
import hashlib
import random
import tempfile
from datetime import date

import pytest

from app.core.errors import MalformedInput, NotFound, ServiceUnavailable
from app.storage import keys
from app.storage.port import ObjectStore, StoredObject

DAY = date(2026, 11, 30)
REPLAY = "0123456789abcdef0123456789abcdef"
OTHER_REPLAY = "0123456789abcdef0123456789abcdee"
BODY = bytes(range(256)) * 40


def make_video_key(segment_id: int = 0, *, replay: str = REPLAY, body: bytes = BODY) -> str:
    """Make the key of an object of a replay."""
    prefix = keys.make_replay_prefix(DAY, 1, replay)
    return f"{prefix}{segment_id:06}-{hashlib.sha256(body).hexdigest()[:16]}"


async def test_an_object_is_read_as_it_was_put(store: ObjectStore):
    """An object comes back with its bytes, also when they were given as a memoryview."""
    await store.put("a/bytes", BODY)
    await store.put("a/view", memoryview(BODY)[10:20])
    assert await store.read("a/bytes") == BODY
    assert await store.read("a/view") == BODY[10:20]


async def test_an_object_of_parts_is_their_bytes_in_order(store: ObjectStore):
    """An object that is put in parts is their bytes in order, whatever their sizes."""
    parts: list[bytes | memoryview] = [
        BODY,
        b"",
        memoryview(BODY)[:4_097],
        b"x" * 3_000_001,
        BODY[:1],
    ]
    await store.put("a/parts", parts)
    expected = b"".join(parts)
    assert await store.read("a/parts") == expected
    assert await store.read("a/parts", len(BODY), 4_097) == BODY[:4_097]
    assert await store.list("a/") == [StoredObject("a/parts", len(expected))]


@pytest.mark.parametrize("size_bytes", [0, 1, 4_096, 2 * 1024 * 1024, 5 * 1024 * 1024 + 7])
async def test_an_open_file_is_put_whole(store: ObjectStore, size_bytes: int):
    """An open file becomes an object from its first byte on, and can be put again."""
    body = random.Random(size_bytes).randbytes(size_bytes)
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.flush()
        await asyncio.gather(
            store.put_file("a/file", file.fileno()), store.put_file("a/twin", file.fileno())
        )
        assert file.tell() == size_bytes
    assert await store.read("a/file") == body
    assert await store.read("a/twin") == body
    with pytest.raises(MalformedInput):
        await store.put_file("../file", 0)


@pytest.mark.parametrize(
    "ranges", [[(0, 1)], [(5, 9_000)], [(10, 20), (100, 5_000)], [(9_000, 9e9)]]
)
async def test_wiped_bytes_are_zeros_and_the_others_stay(store: ObjectStore, ranges):
    """A wipe zeroes its ranges and nothing else, and a second wipe changes nothing."""
    await store.put("a/wiped", BODY)
    await store.put("a/other", BODY)
    expected = bytearray(BODY)
    for offset, length in ranges:
        end = min(len(BODY), offset + int(length))
        expected[offset:end] = bytes(end - offset)
    for _ in range(2):
        await store.wipe("a/wiped", [(offset, int(length)) for offset, length in ranges])
        assert await store.read("a/wiped") == expected
    assert await store.read("a/other") == BODY


async def test_wiping_an_absent_object_creates_none(store: ObjectStore):
    """The wipe of an object that is gone does nothing."""
    await store.wipe("a/none", [(0, 10)])
    assert await store.list("") == []


async def test_an_empty_object_exists(store: ObjectStore):
    """An object without bytes is not an absent object."""
    await store.put("a/empty", b"")
    assert await store.read("a/empty") == b""
    assert await store.list("a/") == [StoredObject("a/empty", 0)]


async def test_a_large_object_is_read_back_whole(store: ObjectStore):
    """Twenty megabytes come back byte for byte."""
    body = hashlib.shake_128(b"video").digest(20 * 1024 * 1024)
    await store.put("a/large", body)
    assert await store.read("a/large") == body


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, 1),
        (0, 0),
        (5, 7),
        (10_239, 1),
        (10_000, None),
        (10_000, 9_999),
        (10_240, 1),
        (99_999, 5),
    ],
)
async def test_a_range_is_cut_to_the_end_of_the_object(
    store: ObjectStore, offset: int, length: int | None
):
    """A range gives the bytes that it covers, and none past the end."""
    await store.put("a/range", BODY)
    end = None if length is None else offset + length
    assert await store.read("a/range", offset, length) == BODY[offset:end]


@pytest.mark.parametrize(("offset", "length"), [(-1, None), (0, -1), (-5, 3)])
async def test_a_negative_range_is_an_error(store: ObjectStore, offset: int, length: int | None):
    """Offsets and lengths are never counted from the end."""
    await store.put("a/range", BODY)
    with pytest.raises(ValueError, match="negative"):
        await store.read("a/range", offset, length)


@pytest.mark.parametrize("key", ["a", "a/b", "a/here/below", "p/1/r/none"])
async def test_an_absent_object_is_not_found(store: ObjectStore, key: str):
    """A read of a missing key, of a key's beginning or of one beyond it raises NotFound."""
    await store.put("a/b/c", BODY)
    with pytest.raises(NotFound):
        await store.read(key)


async def test_a_second_put_changes_nothing(store: ObjectStore):
    """An object that is put twice exists once."""
    for _ in range(2):
        await store.put(make_video_key(), BODY)
    assert await store.list("2026-11-30/") == [StoredObject(make_video_key(), len(BODY))]
    assert await store.read(make_video_key()) == BODY


async def test_the_version_of_an_object_changes_with_its_bytes(store: ObjectStore):
    """A list tells whether an object was wiped since the last one."""
    await store.put_many([("a/kept", BODY), ("a/wiped", BODY)])
    before = {each.key: each.version for each in await store.list("a/")}
    again = {each.key: each.version for each in await store.list("a/")}
    assert again == before
    await store.wipe("a/wiped", [(0, 4)])
    after = {each.key: each.version for each in await store.list("a/")}
    assert after["a/kept"] == before["a/kept"] != ""
    assert after["a/wiped"] != before["a/wiped"]


async def test_a_batch_is_stored_whole(store: ObjectStore):
    """A batch over several replays, larger than any internal step, is stored completely."""
    replays = [f"{number:032x}" for number in range(1, 8)]
    batch = [
        (make_video_key(segment, replay=replay, body=body), body)
        for replay in replays
        for segment, body in enumerate([b"one", b"two" * 999, b"", b"four", b"5", b"6", b"7"])
    ]
    await store.put_many(batch)
    for key, body in batch:
        assert await store.read(key) == body
    assert [stored_object.key for stored_object in await store.list("2026-11-30/1/")] == sorted(
        key for key, _ in batch
    )


async def test_a_store_is_listed_in_parts(store: ObjectStore):
    """Parts of any size follow one another in order of keys, as strings compare, not as folders."""
    wanted = ["a-1/x", "a/1", "a/2/x", "a/2-x", "a/20", "ab", "b/1/2/3"]
    await store.put_many([(key, key.encode()) for key in wanted])
    whole = await store.list("")
    assert [each.key for each in whole] == sorted(wanted)
    for most in (1, 3, 7, 100):
        keys: list[str] = []
        versions: list[str] = []
        while part := await store.list_part(after=keys[-1] if keys else "", most=most):
            assert len(part) <= most
            keys += [each.key for each in part]
            versions += [each.version for each in part]
        assert keys == sorted(wanted)
        assert versions == [each.version for each in whole]


async def test_an_empty_batch_stores_nothing(store: ObjectStore):
    """An empty batch is no error."""
    await store.put_many([])
    assert await store.list("") == []


async def test_a_key_twice_in_a_batch_is_one_object(store: ObjectStore):
    """Two deliveries of a segment in one batch are one object."""
    await store.put_many([(make_video_key(), BODY), (make_video_key(), BODY)])
    assert await store.list("") == [StoredObject(make_video_key(), len(BODY))]


async def test_a_deleted_object_is_gone(store: ObjectStore):
    """A deleted object is neither read nor listed, and a second deletion is no error."""
    await store.put_many([(make_video_key(0), BODY), (make_video_key(1), BODY)])
    for _ in range(2):
        await store.delete(make_video_key(0))
    with pytest.raises(NotFound):
        await store.read(make_video_key(0))
    assert await store.list("") == [StoredObject(make_video_key(1), len(BODY))]


async def test_a_deletion_takes_a_whole_key_only(store: ObjectStore):
    """The deletion of `a/b` leaves `a/b/c`."""
    await store.put("a/b/c", BODY)
    await store.delete("a/b")
    assert await store.read("a/b/c") == BODY


async def test_a_deleted_object_can_be_put_again(store: ObjectStore):
    """A key can be used again after the deletion of its object."""
    await store.put(make_video_key(), BODY)
    await store.delete(make_video_key())
    await store.put(make_video_key(), BODY)
    assert await store.read(make_video_key()) == BODY


async def test_a_prefix_is_text_and_not_a_folder(store: ObjectStore):
    """A list holds the keys that begin with the prefix, in order, wherever the prefix ends."""
    names = ["a/1", "a/10", "a/1/x", "a/2", "ab/1", "b/1"]
    written = [name for name in names if name != "a/1"]  # on disk a name is a file or a folder
    await store.put_many([(name, name.encode()) for name in written])

    async def list_keys(prefix: str) -> list[str]:
        return [stored_object.key for stored_object in await store.list(prefix)]

    assert await list_keys("") == sorted(written)
    assert await list_keys("a") == ["a/1/x", "a/10", "a/2", "ab/1"]
    assert await list_keys("a/") == ["a/1/x", "a/10", "a/2"]
    assert await list_keys("a/1") == ["a/1/x", "a/10"]
    assert await list_keys("a/1/") == ["a/1/x"]
    assert await list_keys("c/") == []


async def test_the_prefix_of_a_replay_lists_no_other_replay(store: ObjectStore):
    """A deletion lists the objects of its replay and nothing else."""
    own_key, other_key = make_video_key(), make_video_key(replay=OTHER_REPLAY)
    await store.put_many([(own_key, BODY), (other_key, BODY)])
    listed = await store.list(keys.make_replay_prefix(DAY, 1, REPLAY))
    assert [stored_object.key for stored_object in listed] == [own_key]


@pytest.mark.parametrize("key", ["", "/a", "a//b", "../a", "a/../b", ".tmp/a", "A", "a\0", "a/"])
async def test_an_impossible_key_is_refused_by_every_method(store: ObjectStore, key: str):
    """No method takes a key that `storage.keys` cannot make."""
    for attempt in (
        store.put(key, b""),
        store.put_many([(key, b"")]),
        store.read(key),
        store.wipe(key, []),
    ):
        with pytest.raises(MalformedInput):
            await attempt
    with pytest.raises(MalformedInput):
        await store.delete(key)


@pytest.mark.parametrize("prefix", ["/", "../", "a//", ".", "A", "a/\0"])
async def test_an_impossible_prefix_is_refused(store: ObjectStore, prefix: str):
    """A list cannot look outside the store."""
    with pytest.raises(MalformedInput):
        await store.list(prefix)


async def test_concurrent_puts_reads_and_deletes_do_not_interfere(store: ObjectStore):
    """Deletions in a replay while its other segments arrive lose only what was deleted."""

    async def put_and_delete(segment: int) -> None:
        for _ in range(12):
            await store.put(make_video_key(segment), BODY)
            assert await store.read(make_video_key(segment), 5, 5) == BODY[5:10]
            await store.delete(make_video_key(segment))
        await store.put(make_video_key(segment), BODY)

    await asyncio.gather(*(put_and_delete(segment) for segment in range(6)))
    assert [stored_object.key for stored_object in await store.list("2026-11-30/")] == [
        make_video_key(n) for n in range(6)
    ]


async def test_a_probe_leaves_no_object(store: ObjectStore):
    """The start-up check passes and cleans up after itself."""
    await store.probe()
    assert await store.list("") == []


async def test_a_closed_store_is_unavailable(store: ObjectStore):
    """After one or two closes, every method raises ServiceUnavailable."""
    await store.close()
    await store.close()
    for attempt in (store.put("a", b""), store.read("a"), store.delete("a"), store.probe()):
        with pytest.raises(ServiceUnavailable):
            await attempt
    with pytest.raises(ServiceUnavailable):
        await store.list("")
