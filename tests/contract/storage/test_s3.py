"""Tests of what only a bucket can do, or fail to do."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from app.cli import doctor
from app.cli.checks.check_result import CheckLevel
from app.core.errors import ServiceUnavailable
from app.core.settings import Settings
from app.storage import s3 as driver
from app.storage.bucket import BucketLocation, CallTimeouts
from app.storage.port import StoredObject
from app.storage.s3 import S3Store
from tests.support.servers import s3


@asynccontextmanager
async def open_store(service: s3.Service, location: BucketLocation) -> AsyncIterator[S3Store]:
    """Open the driver at a location, and close it afterwards."""
    store = S3Store(location, service.access)
    yield store
    await store.close()


@asynccontextmanager
async def store_with_answer(service: s3.Service, answer: bytes | None) -> AsyncIterator[S3Store]:
    """Open the driver in front of a server that always answers with these bytes, or with none."""

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


def make_answer(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """Make an HTTP answer; `length` may promise more than the body holds."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "Connection: close", *headers, "", ""]).encode() + body


def make_fault(code: str) -> bytes:
    """Make the body of a refusal."""
    return f"<Error><Code>{code}</Code><Message>told by the server</Message></Error>".encode()


async def test_objects_are_below_the_prefix(s3_service: s3.Service):
    """In a shared bucket names begin with the prefix, and foreign objects are not listed."""
    location = s3_service.new_location("team/replays")
    for name in ("a/other", "team/replays-of-old/a", "team/replays/p/", "team/replays/UPPER"):
        s3_service.owner.put_object(Bucket=location.bucket, Key=name, Body=b"theirs")
    async with open_store(s3_service, location) as store:
        await store.put("a/mine", b"ours")
        assert await store.list("") == [StoredObject("a/mine", 4)]
    stored_object = s3_service.owner.get_object(Bucket=location.bucket, Key="team/replays/a/mine")
    with stored_object["Body"] as body:
        assert body.read() == b"ours"


async def test_a_bucket_can_be_used_without_a_prefix(s3_service: s3.Service):
    """Without a prefix, objects are at the top of the bucket."""
    location = s3_service.new_location("")
    async with open_store(s3_service, location) as store:
        await store.put("a/b", b"c")
        assert await store.list("a") == [StoredObject("a/b", 1)]
    listed = s3_service.owner.list_objects_v2(Bucket=location.bucket)
    assert [entry.get("Key") for entry in listed.get("Contents", [])] == ["a/b"]


async def test_a_list_reads_all_pages(s3_service: s3.Service, monkeypatch: pytest.MonkeyPatch):
    """A list that does not fit into one answer is read page by page."""
    monkeypatch.setattr(driver, "_PAGE", 7)
    names = [f"a/{number:03}" for number in range(30)]
    async with open_store(s3_service, s3_service.new_location()) as store:
        await store.put_many([(name, b"x") for name in names])
        assert [stored_object.key for stored_object in await store.list("a/")] == names


async def test_a_versioned_bucket_is_warned_of(s3_service: s3.Service):
    """The probe warns of a bucket whose versions would keep what was deleted."""
    location = s3_service.new_location()
    async with open_store(s3_service, location) as store:
        assert await store.probe() == ()
        s3_service.owner.put_bucket_versioning(
            Bucket=location.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        (warning,) = await store.probe()
    assert "is Enabled: it keeps what Playhead deletes" in warning


async def test_a_locked_bucket_is_warned_of(s3_service: s3.Service):
    """The probe warns of a bucket whose objects cannot be deleted."""
    bucket = f"playhead-{secrets.token_hex(8)}"
    s3_service.owner.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    async with open_store(s3_service, BucketLocation(bucket, "")) as store:
        warnings = await store.probe()
    assert any("are locked" in warning for warning in warnings)


async def test_a_public_bucket_is_warned_of(s3_service: s3.Service):
    """The probe warns of a bucket that everybody can read."""
    location = s3_service.new_location()
    async with open_store(s3_service, location) as store:
        s3_service.owner.put_bucket_acl(Bucket=location.bucket, ACL="public-read")
        (warning,) = await store.probe()
    assert "is open to strangers" in warning


async def test_the_doctor_checks_the_bucket(s3_service: s3.Service):
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
    assert (await doctor._check_storage(settings)).state is CheckLevel.OK
    s3_service.owner.put_bucket_versioning(
        Bucket=location.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    finding = await doctor._check_storage(settings)
    assert finding.state is CheckLevel.WARN
    assert "keeps what Playhead deletes" in finding.text


async def test_a_missing_bucket_is_not_a_missing_object(s3_service: s3.Service):
    """A mistyped bucket does not pass for erased objects, and is not created."""
    async with open_store(s3_service, BucketLocation("playhead-nowhere", "")) as store:
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
    assert "playhead-nowhere" not in [entry.get("Name") for entry in listed["Buckets"]]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (make_answer("500 Oops", make_fault("InternalError")), "InternalError told by the server"),
        (make_answer("503 Slow", make_fault("SlowDown")), "SlowDown"),
        (make_answer("403 No", make_fault("RequestTimeTooSkewed")), "RequestTimeTooSkewed"),
        (make_answer("502 Bad Gateway", b"<html>a proxy"), "refused|failed"),
        (b"", "failed"),
        (b"SSH-2.0-OpenSSH\r\n", "failed"),
        (make_answer("200 OK", b"half", length=8), "failed"),
        (None, "[Tt]ime"),
    ],
    ids=["500", "503", "403", "proxy", "reset", "ssh", "cut", "silent"],
)
async def test_a_broken_server_is_unavailable(
    s3_service: s3.Service, answer: bytes | None, words: str
):
    """Any failure on the way raises the error after which a retry is right."""
    async with store_with_answer(s3_service, answer) as store:
        with pytest.raises(ServiceUnavailable, match=words):
            await store.read("a")


@pytest.mark.parametrize(
    "answer",
    [
        make_answer("200 OK", b"all of it"),
        make_answer("206 Partial Content", b"all", "Content-Range: bytes 0-2/9"),
    ],
    ids=["whole", "wrong"],
)
async def test_a_wrong_range_is_refused(s3_service: s3.Service, answer: bytes):
    """The driver refuses an answer with another range, which would mix up videos."""
    async with store_with_answer(s3_service, answer) as store:
        with pytest.raises(ServiceUnavailable, match="not from 4"):
            await store.read("a", 4, 3)


async def test_a_slow_connection_can_send_a_large_object(s3_service: s3.Service):
    """While bytes go out, the connection timeout does not limit a large object."""
    size = 12 * 1024 * 1024
    received = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while received < size:
            received += len(await reader.read(256 * 1024))
            await asyncio.sleep(0.01)
        writer.write(make_answer("200 OK"))
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


async def test_a_refused_connection_is_unavailable(s3_service: s3.Service):
    """A server that is down refuses connections, and the store is unavailable."""
    async with store_with_answer(s3_service, b"") as unused:
        address = unused._reader.meta.endpoint_url
    access = replace(s3_service.access, endpoint_url=address)
    store = S3Store(BucketLocation("replays", ""), access, reading=s3.HASTY, writing=s3.HASTY)
    for attempt in (store.put("a", b"b"), store.list("")):
        with pytest.raises(ServiceUnavailable, match="failed: Could not connect"):
            await attempt
    await store.close()


async def test_a_key_without_the_right_to_see_versions_is_warned_of(s3_service: s3.Service):
    """The probe warns when its key may not ask whether the bucket keeps versions."""
    async with store_with_answer(
        s3_service, make_answer("403 No", make_fault("AccessDenied"))
    ) as store:
        (warning,) = await store._writes.run(store._warnings)
    assert "cannot find out" in warning
    assert "AccessDenied" in warning


async def test_a_failed_batch_leaves_no_pending_writes(s3_service: s3.Service):
    """Once a batch has failed, none of its objects is still being written."""
    async with store_with_answer(
        s3_service, make_answer("500 Oops", make_fault("InternalError"))
    ) as store:
        with pytest.raises(ServiceUnavailable):
            await store.put_many([(f"a/{number}", b"x" * 9) for number in range(40)])
        assert store._writes._pool._work_queue.empty()
