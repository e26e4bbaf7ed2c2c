"""The S3 driver against a real server, which can freeze and is stricter than moto."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from app.core.errors import NotFound, ServiceUnavailable
from app.storage.bucket import BucketLocation
from app.storage.s3 import CONNECTIONS, S3Store
from tests.support.servers import s3
from tests.support.waiting import until_asked

BODY = bytes(range(256)) * 1_000
OUTAGE_S = 60
"""Long enough for three attempts of 10 s and their backoff."""


@pytest.fixture(scope="module")
def service() -> Iterator[s3.Service]:
    """Start the real server."""
    with s3.serving() as s3_service:
        yield s3_service


@pytest.fixture
async def location(service: s3.Service) -> BucketLocation:
    """Return a location in a new bucket."""
    return service.new_location()


@pytest.fixture
async def store(service: s3.Service, location: BucketLocation) -> AsyncIterator[S3Store]:
    """Open the driver with the timeouts of the server."""
    s3_store = S3Store(location, service.access)
    yield s3_store
    await s3_store.close()


async def test_a_frozen_server_is_unavailable_until_it_thaws(store: S3Store):
    """Every method gives up in time on a frozen server, and works again afterwards."""
    await store.put("a/before", BODY)
    with s3.frozen():
        async with asyncio.timeout(OUTAGE_S):
            results = await asyncio.gather(
                store.put("a/during", BODY),
                store.put_many([(f"a/{number}", BODY) for number in range(3)]),
                store.read("a/before"),
                store.read("a/before", 5, 5),
                store.delete("a/before"),
                store.list(""),
                store.probe(),
                return_exceptions=True,
            )
    assert [type(result) for result in results] == [ServiceUnavailable] * 7
    await store.put("a/after", BODY)
    assert await store.read("a/after", 1_000, 9) == BODY[1_000:1_009]
    for stored_object in await store.list(""):
        # The kernel kept what was sent; what the server stored of it later must be whole.
        assert stored_object.size_bytes == len(BODY) or stored_object.key.startswith("probe/")


async def test_a_killed_server_loses_no_object(store: S3Store):
    """Objects stored before the server was killed are there when it is back."""
    objects = [(f"a/{number:03}", BODY) for number in range(3 * CONNECTIONS)]
    await store.put_many(objects)
    s3.kill()

    async def is_back() -> bool:
        with contextlib.suppress(ServiceUnavailable):
            return await store.read("a/000") == BODY
        return False

    await until_asked(is_back, deadline_s=OUTAGE_S)
    for key, body in objects:
        assert await store.read(key) == body
    await store.put("a/after", BODY)


async def test_a_short_freeze_is_waited_out(store: S3Store):
    """A pause that is shorter than a call's timeout is not an error."""
    objects = [(f"a/{number:03}", BODY) for number in range(3 * CONNECTIONS)]
    with s3.frozen():
        batch = asyncio.create_task(store.put_many(objects))
        async with asyncio.timeout(OUTAGE_S):
            while len(store._writes._pool._threads) < CONNECTIONS:  # noqa: ASYNC110 - a pool has no event
                await asyncio.sleep(0.01)
        assert not batch.done()
    await batch
    assert [stored_object.key for stored_object in await store.list("a/")] == [
        key for key, _ in objects
    ]


@pytest.mark.parametrize(
    ("key_id", "secret", "words"),
    [
        (None, "wrong", "SignatureDoesNotMatch"),
        ("nobody", "wrong", "InvalidAccessKeyId"),
    ],
)
async def test_wrong_keys_are_refused(
    service: s3.Service, location: BucketLocation, key_id: str | None, secret: str, words: str
):
    """A wrong key id or secret reads and writes nothing, and the error says why."""
    access = service.with_secret(secret)
    if key_id is not None:
        access = replace(access, key_id=key_id)
    store = S3Store(location, access)
    for attempt in (store.put("a", b"b"), store.read("a"), store.list(""), store.delete("a")):
        with pytest.raises(ServiceUnavailable, match=words):
            await attempt
    await store.close()


async def test_a_missing_bucket_is_not_a_missing_object(service: s3.Service, store: S3Store):
    """Both answers are 404, but only that of an object may end a deletion."""
    with pytest.raises(NotFound):
        await store.read("a")
    elsewhere = S3Store(BucketLocation("playhead-nowhere", ""), service.access)
    with pytest.raises(ServiceUnavailable, match="NoSuchBucket"):
        await elsewhere.read("a")
    await elsewhere.close()


async def test_a_changed_body_is_refused_by_the_server(
    store: S3Store, location: BucketLocation, service: s3.Service
):
    """Bodies are signed, so bytes that are damaged on the way are not stored."""
    damaged = bytearray(BODY)
    damaged[9] ^= 1

    def damage(request: object, **_: object) -> None:
        setattr(request, "body", bytes(damaged))  # noqa: B010 - botocore does not declare its type

    store._writer.meta.events.register_last("before-send.s3.PutObject", damage)
    with pytest.raises(ServiceUnavailable, match="XAmzContentSHA256Mismatch"):
        await store.put("a/damaged", BODY)
    assert await store.list("") == []
