"""What only a bucket can do, or fail to do."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from app.cli import doctor
from app.core.errors import ServiceUnavailable
from app.core.settings import Settings
from app.storage import s3 as driver
from app.storage.bucket import BucketLocation, CallTimeouts
from app.storage.port import StoredObject
from app.storage.s3 import S3Store
from tests.support.servers import s3


@asynccontextmanager
async def opened(service: s3.Service, location: BucketLocation) -> AsyncIterator[S3Store]:
    """The driver at a place, closed afterwards."""
    store = S3Store(location, service.access)
    yield store
    await store.close()


@asynccontextmanager
async def answering(service: s3.Service, answer: bytes | None) -> AsyncIterator[S3Store]:
    """The driver in front of a server that answers everything with these bytes, or with none."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if answer is None:
                await reader.read()  # until the driver gives up
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    access = replace(service.access, endpoint_url=f"http://127.0.0.1:{port}")
    store = S3Store(BucketLocation("replays", ""), access, reading=s3.HASTY, writing=s3.HASTY)
    try:
        yield store
    finally:
        await store.close()
        server.close()
        await server.wait_closed()


def http(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """An answer; `length` may promise more than the body holds."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "Connection: close", *headers, "", ""]).encode() + body


def fault(code: str) -> bytes:
    """The body of a refusal."""
    return f"<Error><Code>{code}</Code><Message>told by the server</Message></Error>".encode()


async def test_objects_lie_under_the_prefix(s3_service: s3.Service):
    """The bucket may be shared: names begin with the prefix, and what others keep stays unseen."""
    location = s3_service.new_location("team/replays")
    for name in ("a/other", "team/replays-of-old/a", "team/replays/p/", "team/replays/UPPER"):
        s3_service.owner.put_object(Bucket=location.bucket, Key=name, Body=b"theirs")
    async with opened(s3_service, location) as store:
        await store.put("a/mine", b"ours")
        assert await store.list("") == [StoredObject("a/mine", 4)]
    found = s3_service.owner.get_object(Bucket=location.bucket, Key="team/replays/a/mine")
    with found["Body"] as body:
        assert body.read() == b"ours"


async def test_bucket_without_a_prefix_is_used_whole(s3_service: s3.Service):
    """A prefix may be absent."""
    location = s3_service.new_location("")
    async with opened(s3_service, location) as store:
        await store.put("a/b", b"c")
        assert await store.list("a") == [StoredObject("a/b", 1)]
    listed = s3_service.owner.list_objects_v2(Bucket=location.bucket)
    assert [each.get("Key") for each in listed.get("Contents", [])] == ["a/b"]


async def test_list_goes_through_all_pages(s3_service: s3.Service, monkeypatch: pytest.MonkeyPatch):
    """What does not fit into one answer is asked for again."""
    monkeypatch.setattr(driver, "_PAGE", 7)
    names = [f"a/{number:03}" for number in range(30)]
    async with opened(s3_service, s3_service.new_location()) as store:
        await store.put_many([(name, b"x") for name in names])
        assert [each.key for each in await store.list("a/")] == names


async def test_versioned_bucket_is_warned_of(s3_service: s3.Service):
    """A bucket that keeps versions keeps what was deleted; one that never did is fine."""
    location = s3_service.new_location()
    async with opened(s3_service, location) as store:
        assert await store.probe() == ()
        s3_service.owner.put_bucket_versioning(
            Bucket=location.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        (warning,) = await store.probe()
    assert "is Enabled: it keeps what Playhead deletes" in warning


async def test_locked_bucket_is_warned_of(s3_service: s3.Service):
    """Objects that nobody may delete outlive every erasure."""
    bucket = f"playhead-{secrets.token_hex(8)}"
    s3_service.owner.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    async with opened(s3_service, BucketLocation(bucket, "")) as store:
        warnings = await store.probe()
    assert any("are locked" in warning for warning in warnings)


async def test_open_bucket_is_warned_of(s3_service: s3.Service):
    """Replays are nobody's business."""
    location = s3_service.new_location()
    async with opened(s3_service, location) as store:
        s3_service.owner.put_bucket_acl(Bucket=location.bucket, ACL="public-read")
        (warning,) = await store.probe()
    assert "is open to strangers" in warning


async def test_doctor_looks_at_the_bucket(s3_service: s3.Service):
    """`playhead doctor` uses the same driver and passes its warning on."""
    access, secret = s3_service.access, s3_service.access.secret
    location = s3_service.new_location()
    settings = Settings(
        storage=f"s3://{location.bucket}/{location.prefix}",
        s3_endpoint_url=access.endpoint_url,
        s3_region=access.region,
        s3_access_key_id=access.key_id,
        s3_secret_access_key=secret,
        s3_addressing="path",
    )
    assert (await doctor._check_storage(settings)).state is doctor.CheckState.OK
    s3_service.owner.put_bucket_versioning(
        Bucket=location.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    found = await doctor._check_storage(settings)
    assert found.state is doctor.CheckState.WARN
    assert "keeps what Playhead deletes" in found.text


async def test_missing_bucket_is_not_a_missing_object(s3_service: s3.Service):
    """Nothing is taken for erased because somebody mistyped a bucket, and none is made."""
    async with opened(s3_service, BucketLocation("playhead-nowhere", "")) as store:
        for attempt in (
            store.put("a", b""),
            store.read("a"),
            store.read("a", 0, 0),
            store.delete("a"),
            store.list(""),
            store.probe(),
        ):
            with pytest.raises(ServiceUnavailable, match="NoSuchBucket"):
                await attempt
    listed = s3_service.owner.list_buckets()
    assert "playhead-nowhere" not in [each.get("Name") for each in listed["Buckets"]]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http("500 Oops", fault("InternalError")), "InternalError told by the server"),
        (http("503 Slow", fault("SlowDown")), "SlowDown"),
        (http("403 No", fault("RequestTimeTooSkewed")), "RequestTimeTooSkewed"),
        (http("502 Bad Gateway", b"<html>a proxy"), "refused|failed"),
        (b"", "failed"),
        (b"SSH-2.0-OpenSSH\r\n", "failed"),
        (http("200 OK", b"half", length=8), "failed"),
        (None, "[Tt]ime"),
    ],
    ids=["500", "503", "403", "proxy", "reset", "ssh", "cut", "silent"],
)
async def test_broken_server_is_unavailable(
    s3_service: s3.Service, answer: bytes | None, words: str
):
    """Whatever goes wrong on the way, the caller hears that trying again is right."""
    async with answering(s3_service, answer) as store:
        with pytest.raises(ServiceUnavailable, match=words):
            await store.read("a")


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", b"all of it"),
        http("206 Partial Content", b"all", "Content-Range: bytes 0-2/9"),
    ],
    ids=["whole", "wrong"],
)
async def test_other_range_than_asked_is_not_believed(s3_service: s3.Service, answer: bytes):
    """A server that does not cut where it was told to would mix up videos."""
    async with answering(s3_service, answer) as store:
        with pytest.raises(ServiceUnavailable, match="not from 4"):
            await store.read("a", 4, 3)


async def test_slow_line_takes_a_large_object(s3_service: s3.Service):
    """As long as bytes go out, the time for a connection is no limit for a whole object."""
    size = 12 * 1024 * 1024
    received = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while received < size:
            received += len(await reader.read(256 * 1024))
            await asyncio.sleep(0.01)
        writer.write(http("200 OK"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    access = replace(s3_service.access, endpoint_url=f"http://127.0.0.1:{port}")
    patience = CallTimeouts(connect_s=0.3, read_s=20, attempts=1)
    store = S3Store(BucketLocation("replays", ""), access, writing=patience)
    await store.put("a", bytes(size))
    assert received == size
    await store.close()
    server.close()
    await server.wait_closed()


async def test_nobody_at_the_address_is_unavailable(s3_service: s3.Service):
    """A server that is down refuses connections."""
    async with answering(s3_service, b"") as unused:
        address = unused._reader.meta.endpoint_url
    access = replace(s3_service.access, endpoint_url=address)
    store = S3Store(BucketLocation("replays", ""), access, reading=s3.HASTY, writing=s3.HASTY)
    for attempt in (store.put("a", b"b"), store.list("")):
        with pytest.raises(ServiceUnavailable, match="failed: Could not connect"):
            await attempt
    await store.close()


async def test_versions_that_may_not_be_seen_are_told(s3_service: s3.Service):
    """A key that may only read and write cannot ask about versions; the operator should."""
    async with answering(s3_service, http("403 No", fault("AccessDenied"))) as store:
        (warning,) = await store._writes.run(store._warnings)
    assert "cannot find out" in warning
    assert "AccessDenied" in warning


async def test_failed_batch_has_come_to_rest(s3_service: s3.Service):
    """When a batch is said to have failed, none of its objects is still on the way."""
    async with answering(s3_service, http("500 Oops", fault("InternalError"))) as store:
        with pytest.raises(ServiceUnavailable):
            await store.put_many([(f"a/{number}", b"x" * 9) for number in range(40)])
        assert store._writes._pool._work_queue.empty()
