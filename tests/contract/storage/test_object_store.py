"""What every object store must do, whichever driver stands behind the port."""

import asyncio
import hashlib

import pytest

from app.core.errors import MalformedInput, NotFound, ServiceUnavailable
from app.storage import keys
from app.storage.port import ObjectStore, StoredObject

REPLAY = "0123456789abcdef0123456789abcdef"
OTHER_REPLAY = "0123456789abcdef0123456789abcdee"
BODY = bytes(range(256)) * 40


def video_key(segment_id: int = 0, *, replay: str = REPLAY, body: bytes = BODY) -> str:
    """Name an object of a replay."""
    prefix = keys.make_replay_prefix(1, replay)
    return f"{prefix}{segment_id:06}-{hashlib.sha256(body).hexdigest()[:16]}"


async def test_what_was_put_is_read(store: ObjectStore):
    """An object comes back with its bytes, also when they were given as a memoryview."""
    await store.put("a/bytes", BODY)
    await store.put("a/view", memoryview(BODY)[10:20])
    assert await store.read("a/bytes") == BODY
    assert await store.read("a/view") == BODY[10:20]


async def test_parts_stand_one_after_another(store: ObjectStore):
    """An object made of parts is their bytes in order, whatever their sizes."""
    parts: list[bytes | memoryview] = [
        BODY,
        b"",
        memoryview(BODY)[:4_097],
        b"x" * 3_000_001,
        BODY[:1],
    ]
    await store.put("a/parts", parts)
    whole = b"".join(parts)
    assert await store.read("a/parts") == whole
    assert await store.read("a/parts", len(BODY), 4_097) == BODY[:4_097]
    assert await store.list("a/") == [StoredObject("a/parts", len(whole))]


@pytest.mark.parametrize(
    "ranges", [[(0, 1)], [(5, 9_000)], [(10, 20), (100, 5_000)], [(9_000, 9e9)]]
)
async def test_wiped_bytes_are_zeros_and_the_rest_stays(store: ObjectStore, ranges):
    """Wiping takes the bytes of its ranges and nothing else; doing it twice changes nothing."""
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


async def test_wiping_an_absent_object_makes_none(store: ObjectStore):
    """What is gone needs no wiping."""
    await store.wipe("a/none", [(0, 10)])
    assert await store.list("") == []


async def test_empty_object_exists(store: ObjectStore):
    """No bytes are an object too, not an absence."""
    await store.put("a/empty", b"")
    assert await store.read("a/empty") == b""
    assert await store.list("a/") == [StoredObject("a/empty", 0)]


async def test_large_object_is_whole(store: ObjectStore):
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
async def test_range_is_cut_to_what_exists(store: ObjectStore, offset: int, length: int | None):
    """A range gives the bytes it covers; past the end there are none."""
    await store.put("a/range", BODY)
    end = None if length is None else offset + length
    assert await store.read("a/range", offset, length) == BODY[offset:end]


@pytest.mark.parametrize(("offset", "length"), [(-1, None), (0, -1), (-5, 3)])
async def test_negative_range_is_a_mistake(store: ObjectStore, offset: int, length: int | None):
    """Nothing is counted from the end."""
    await store.put("a/range", BODY)
    with pytest.raises(ValueError, match="negative"):
        await store.read("a/range", offset, length)


@pytest.mark.parametrize("key", ["a", "a/b", "a/here/below", "p/1/r/none"])
async def test_absent_object_is_not_found(store: ObjectStore, key: str):
    """Reading says NotFound, also for a key that is only the beginning of one or goes beyond it."""
    await store.put("a/b/c", BODY)
    with pytest.raises(NotFound):
        await store.read(key)


async def test_same_bytes_again_change_nothing(store: ObjectStore):
    """Putting an object twice leaves one."""
    for _ in range(2):
        await store.put(video_key(), BODY)
    assert await store.list("p/") == [StoredObject(video_key(), len(BODY))]
    assert await store.read(video_key()) == BODY


async def test_batch_is_stored_whole(store: ObjectStore):
    """A batch over several replays, larger than any inner step, is all there afterwards."""
    replays = [f"{number:032x}" for number in range(1, 8)]
    batch = [
        (video_key(segment, replay=replay, body=body), body)
        for replay in replays
        for segment, body in enumerate([b"one", b"two" * 999, b"", b"four", b"5", b"6", b"7"])
    ]
    await store.put_many(batch)
    for key, body in batch:
        assert await store.read(key) == body
    assert [each.key for each in await store.list("p/1/r/")] == sorted(key for key, _ in batch)


async def test_empty_batch_is_nothing(store: ObjectStore):
    """No objects, no work, no error."""
    await store.put_many([])
    assert await store.list("") == []


async def test_one_key_twice_in_a_batch_is_one_object(store: ObjectStore):
    """Two deliveries of a segment may meet in one batch."""
    await store.put_many([(video_key(), BODY), (video_key(), BODY)])
    assert await store.list("") == [StoredObject(video_key(), len(BODY))]


async def test_deleted_is_gone_and_stays_gone(store: ObjectStore):
    """A deleted object is neither read nor listed; deleting it again is no error."""
    await store.put_many([(video_key(0), BODY), (video_key(1), BODY)])
    for _ in range(2):
        await store.delete(video_key(0))
    with pytest.raises(NotFound):
        await store.read(video_key(0))
    assert await store.list("") == [StoredObject(video_key(1), len(BODY))]


async def test_key_that_is_only_a_beginning_deletes_nothing(store: ObjectStore):
    """Deleting `a/b` leaves `a/b/c`."""
    await store.put("a/b/c", BODY)
    await store.delete("a/b")
    assert await store.read("a/b/c") == BODY


async def test_deleted_object_can_be_put_again(store: ObjectStore):
    """Nothing of a deletion stands in the way of the same key."""
    await store.put(video_key(), BODY)
    await store.delete(video_key())
    await store.put(video_key(), BODY)
    assert await store.read(video_key()) == BODY


async def test_prefix_is_text_not_a_folder(store: ObjectStore):
    """A list holds the keys that begin with the prefix, in order, wherever the prefix ends."""
    names = ["a/1", "a/10", "a/1/x", "a/2", "ab/1", "b/1"]
    written = [name for name in names if name != "a/1"]  # on disk a name is a file or a folder
    await store.put_many([(name, name.encode()) for name in written])

    async def listed(prefix: str) -> list[str]:
        return [each.key for each in await store.list(prefix)]

    assert await listed("") == sorted(written)
    assert await listed("a") == ["a/1/x", "a/10", "a/2", "ab/1"]
    assert await listed("a/") == ["a/1/x", "a/10", "a/2"]
    assert await listed("a/1") == ["a/1/x", "a/10"]
    assert await listed("a/1/") == ["a/1/x"]
    assert await listed("c/") == []


async def test_prefix_of_one_replay_holds_no_other(store: ObjectStore):
    """What a deletion lists for a replay is its objects and nothing else."""
    mine, other = video_key(), video_key(replay=OTHER_REPLAY)
    await store.put_many([(mine, BODY), (other, BODY)])
    listed = await store.list(keys.make_replay_prefix(1, REPLAY))
    assert [each.key for each in listed] == [mine]


@pytest.mark.parametrize("key", ["", "/a", "a//b", "../a", "a/../b", ".tmp/a", "A", "a\0", "a/"])
async def test_impossible_key_is_refused_everywhere(store: ObjectStore, key: str):
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
async def test_impossible_prefix_is_refused(store: ObjectStore, prefix: str):
    """A list cannot be asked to look outside."""
    with pytest.raises(MalformedInput):
        await store.list(prefix)


async def test_puts_reads_and_deletes_cross_without_harm(store: ObjectStore):
    """Emptying a replay while another of its segments arrives loses only what was deleted."""

    async def come_and_go(segment: int) -> None:
        for _ in range(12):
            await store.put(video_key(segment), BODY)
            assert await store.read(video_key(segment), 5, 5) == BODY[5:10]
            await store.delete(video_key(segment))
        await store.put(video_key(segment), BODY)

    await asyncio.gather(*(come_and_go(segment) for segment in range(6)))
    assert [each.key for each in await store.list("p/")] == [video_key(n) for n in range(6)]


async def test_probe_leaves_no_trace(store: ObjectStore):
    """The start-up check passes and cleans up after itself."""
    await store.probe()
    assert await store.list("") == []


async def test_closed_store_is_unavailable(store: ObjectStore):
    """After closing, once or twice, nothing works and nothing breaks."""
    await store.close()
    await store.close()
    for attempt in (store.put("a", b""), store.read("a"), store.delete("a"), store.probe()):
        with pytest.raises(ServiceUnavailable):
            await attempt
    with pytest.raises(ServiceUnavailable):
        await store.list("")
