"""Objects in a bucket of S3, or of any service with the same API.

    s3://bucket/prefix  +  p/1/e/<event>/9f86d081884c7d65
    → bucket `bucket`, name `prefix/p/1/e/<event>/9f86d081884c7d65`

Reads and writes have connections of their own, so that a page never waits for an upload, and learns
soon that the store does not answer. Playhead never makes the bucket: its owner decides where it is
and who may read it.
"""

import asyncio
import io
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.core.clock import monotonic_s
from app.core.errors import MalformedInput, NotFound, ReplayError, StorageUnavailable
from app.core.log import shown
from app.storage import keys
from app.storage.bucket import READING, WRITING, BucketAccess, BucketLocation, CallTimeouts
from app.storage.calls import RetryingCalls
from app.storage.port import ObjectContent, StoredObject, check_range, list_content_parts
from app.storage.positioned_file import PositionedFile
from app.storage.probe import probe_store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

CONNECTIONS: Final = 8
"""Calls that may run at the same time, for reads and for writes each; threads and boto3's own pool
have the same number."""
_PAGE: Final = 1000
"""Objects in one page of a list; S3 does not return more."""
_GROUPS: Final = ("/AllUsers", "/AuthenticatedUsers")
"""The groups of everybody, and of everybody with an account of the provider."""
_WIPE_S: Final = 60.0
"""The longest time that reading a whole object back may take."""
_PIECE_BYTES: Final = 256 * 1024
_FILE_PIECE_BYTES: Final = 1024 * 1024

_Object = tuple[str, ObjectContent]
_Listed = list[StoredObject]


class S3Store:
    """The object store in one bucket. Any number of processes may share it."""

    def __init__(
        self,
        location: BucketLocation,
        access: BucketAccess,
        *,
        reading: CallTimeouts = READING,
        writing: CallTimeouts = WRITING,
    ) -> None:
        """Prepare access to the bucket; nothing is sent yet.

        Raises:
            ReplayError: The endpoint, the region or the keys cannot be used.
        """
        self._bucket = location.bucket
        self._beginning = f"{location.prefix}/" if location.prefix else ""
        try:
            session = boto3.session.Session()
            self._reader = make_client(session, access, reading)
            self._writer = make_client(session, access, writing)
        except (BotoCoreError, ValueError) as error:
            raise ReplayError(f"the settings of S3 cannot be used: {error}") from error
        self._read_s = reading.total_s or math.inf
        self._reads = RetryingCalls(reading, threads=CONNECTIONS, name="s3-read")
        self._writes = RetryingCalls(writing, threads=CONNECTIONS, name="s3-write")

    async def put(self, key: str, content: ObjectContent) -> None:
        """See `ObjectStore.put`."""
        await self.put_many([(key, content)])

    async def put_many(self, objects: Sequence[_Object]) -> None:
        """See `ObjectStore.put_many`."""
        checked = [(keys.check_key(key), list_content_parts(content)) for key, content in objects]
        puts = (self._writes.run(partial(self._put, key, parts)) for key, parts in checked)
        # Wait for all of them, so that none arrives after the batch was reported as failed.
        for outcome in await asyncio.gather(*puts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def put_file(self, key: str, descriptor: int) -> None:
        """See `ObjectStore.put_file`."""
        await self._writes.run(partial(self._put_file, keys.check_key(key), descriptor))

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `ObjectStore.read`."""
        check_range(offset, length)
        until_s = monotonic_s() + self._read_s
        read = partial(self._read, keys.check_key(key), offset, length, until_s)
        return await self._reads.run(read)

    async def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        await self._writes.run(partial(self._delete, keys.check_key(key)))

    async def wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        """See `ObjectStore.wipe`; S3 cannot change an object, so it is read and written again."""
        await self._writes.run(partial(self._wipe, keys.check_key(key), ranges))

    async def list(self, prefix: str) -> list[StoredObject]:
        """See `ObjectStore.list`."""
        return await self._writes.run(partial(self._list, keys.check_prefix(prefix)))

    async def list_part(self, *, after: str, most: int) -> Sequence[StoredObject]:
        """See `ObjectStore.list_part`."""
        return await self._writes.run(partial(self._list, "", after=after, most=most))

    async def probe(self) -> tuple[str, ...]:
        """See `ObjectStore.probe`; warns of a bucket that keeps what is deleted."""
        await probe_store(self)
        return await self._writes.run(self._warnings)

    async def remove_unfinished(self) -> int:
        """See `ObjectStore.remove_unfinished`: an object is put whole or not at all."""
        return 0

    async def close(self) -> None:
        """See `ObjectStore.close`."""
        for way, client in ((self._reads, self._reader), (self._writes, self._writer)):
            await way.close()
            client.close()

    def _put(self, key: str, parts: Sequence[bytes | memoryview]) -> None:
        body = b"".join(parts)
        self._writer.put_object(Bucket=self._bucket, Key=self._beginning + key, Body=body)

    def _put_file(self, key: str, descriptor: int) -> None:
        # Each attempt reads the file by itself: one that was given up may still be reading.
        with io.BufferedReader(PositionedFile(descriptor), _FILE_PIECE_BYTES) as body:
            self._writer.put_object(Bucket=self._bucket, Key=self._beginning + key, Body=body)

    def _wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        try:
            content = bytearray(self._read(key, 0, None, monotonic_s() + _WIPE_S))
        except NotFound:
            return
        for offset, length in ranges:
            end = min(offset + length, len(content))
            content[offset:end] = bytes(max(0, end - offset))
        self._put(key, [bytes(content)])

    def _read(self, key: str, offset: int, length: int | None, until_s: float) -> bytes:
        try:
            answer = self._get(key, offset, length)
        except ClientError as error:
            code = error.response["Error"].get("Code")
            if code == "NoSuchKey":
                raise NotFound(f"no object {key}") from error
            if code == "InvalidRange":  # the offset is at or past the end
                return b""
            raise
        with closing(answer["Body"]):
            data = _read_body(answer, until_s)
        return data if length is None else data[:length]

    def _get(self, key: str, offset: int, length: int | None) -> "GetObjectOutputTypeDef":
        name = self._beginning + key
        if offset == 0 and length is None:
            return self._reader.get_object(Bucket=self._bucket, Key=name)
        # An empty range cannot be asked for; one byte shows whether the object exists.
        last = "" if length is None else offset + max(length, 1) - 1
        answer = self._reader.get_object(
            Bucket=self._bucket, Key=name, Range=f"bytes={offset}-{last}"
        )
        returned = answer.get("ContentRange", "none")
        if not returned.startswith(f"bytes {offset}-"):
            answer["Body"].close()
            raise StorageUnavailable(
                f"object storage returned the range {shown(returned)}, not from {offset}"
            )
        return answer

    def _delete(self, key: str) -> None:
        self._writer.delete_object(Bucket=self._bucket, Key=self._beginning + key)

    def _list(self, prefix: str, *, after: str = "", most: int | None = None) -> _Listed:
        paginate = partial(
            self._writer.get_paginator("list_objects_v2").paginate,
            Bucket=self._bucket,
            Prefix=self._beginning + prefix,
            PaginationConfig={"PageSize": _PAGE},
        )
        pages = paginate(StartAfter=self._beginning + after) if after else paginate()
        objects = (
            StoredObject(
                each["Key"].removeprefix(self._beginning),
                each["Size"],
                f"{each['ETag']} {each['LastModified']:%Y-%m-%dT%H:%M:%S}",
            )
            for page in pages
            for each in page.get("Contents", ())
        )
        kept = _skip_foreign_objects(objects)
        if most is not None:
            # As the store lists them: what is in another order cannot be listed in parts.
            return list(itertools.islice(kept, most))
        return sorted(kept, key=lambda each: each.key)

    def _warnings(self) -> tuple[str, ...]:
        checks = (self._check_versions, self._check_lock, self._check_public_access)
        return tuple(warning for check in checks if (warning := check()) is not None)

    def _check_versions(self) -> str | None:
        """Warn of a bucket that keeps old versions of its objects."""
        try:
            facts: Mapping[str, object] = self._writer.get_bucket_versioning(Bucket=self._bucket)
        except ClientError as error:
            return f"cannot find out whether the bucket keeps old versions: {shown(str(error))}"
        status = facts.get("Status")  # absent from a bucket that never kept versions
        if status is None:
            return None
        return (
            f"versioning of bucket {self._bucket} is {status}: it keeps what Playhead deletes; "
            "use a bucket without versions, or one whose lifecycle removes old versions"
        )

    def _check_lock(self) -> str | None:
        """Warn of object lock. If it cannot be read, the warning of versions covers it."""
        try:
            facts = self._writer.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError:
            return None
        if facts.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            return None
        return f"objects of bucket {self._bucket} are locked: what Playhead deletes stays"

    def _check_public_access(self) -> str | None:
        """Warn of a bucket that anybody may read, if its access list can be read."""
        try:
            grants = self._writer.get_bucket_acl(Bucket=self._bucket).get("Grants", [])
        except ClientError:
            return None
        if not any(
            str(grant.get("Grantee", {}).get("URI", "")).endswith(_GROUPS) for grant in grants
        ):
            return None
        return f"bucket {self._bucket} is open to strangers: remove their rights"


def make_client(
    session: boto3.session.Session, access: BucketAccess, patience: CallTimeouts
) -> "S3Client":
    """Make a client that neither retries nor sends what some servers refuse."""
    return session.client(
        "s3",
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=access.key_id,
        aws_secret_access_key=access.secret.get_secret_value() if access.secret else None,
        config=Config(
            # With a signed body the server checks its SHA-256, which every server supports. The
            # CRC trailers that boto3 adds by default are refused by some of them.
            s3={"addressing_style": access.addressing, "payload_signing_enabled": True},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=patience.connect_s,
            read_timeout=patience.read_s,
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=CONNECTIONS,
        ),
    )


def _read_body(answer: "GetObjectOutputTypeDef", until_s: float) -> bytes:
    """Read the whole body of an answer.

    Raises:
        TimeoutError: The body is so slow that its time is over.
        OSError: The body is shorter than announced.
    """
    # boto3's own `read` waits until a piece is full, for hours if bytes only trickle in.
    raw = answer["Body"]._raw_stream  # type: ignore[attr-defined] # noqa: SLF001 - see above
    promised = answer["ContentLength"]
    body = bytearray()
    while piece := raw.read1(_PIECE_BYTES):
        body += piece
        if monotonic_s() > until_s:
            raise TimeoutError(f"only {len(body)} of {promised} bytes arrived in time")
    if len(body) != promised:
        raise OSError(f"the answer ended after {len(body)} of {promised} bytes")
    return bytes(body)


def _skip_foreign_objects(objects: Iterator[StoredObject]) -> Iterator[StoredObject]:
    """Skip objects that others put into the bucket, such as the folder marks of a console."""
    for stored in objects:
        try:
            keys.check_key(stored.key)
        except MalformedInput:
            continue
        yield stored
