"""Objects in a bucket of S3, or of anything that speaks its language.

    s3://bucket/prefix  +  p/1/e/<event>/9f86d081884c7d65
    → bucket `bucket`, name `prefix/p/1/e/<event>/9f86d081884c7d65`

Reading and writing go different ways, each with its own connections: a page that waits for a frame
stands behind no upload, and learns soon that the store is away. The bucket is never made here: who
owns it decides where it lies and who may read it.
"""

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.core.clock import monotonic_s
from app.core.errors import MalformedInput, NotFound, ReplayError, ServiceUnavailable
from app.core.log import shown
from app.storage import keys
from app.storage.bucket import READING, WRITING, Access, Location, Patience
from app.storage.calls import Calls
from app.storage.port import Content, StoredObject, check_range, parts_of
from app.storage.probe import probe

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

CONNECTIONS: Final = 8
"""Calls under way at the same time, each way; the threads and boto3's own pool have as many."""
_PAGE: Final = 1000
"""Objects in one answer to a list; S3 gives no more."""
_GROUPS: Final = ("/AllUsers", "/AuthenticatedUsers")
"""Everybody, and everybody with an account of the provider."""
_WIPE_S: Final = 60.0
"""The longest that reading a whole object back may take."""
_PIECE_BYTES: Final = 256 * 1024

_Object = tuple[str, Content]
_Listed = list[StoredObject]


class S3Store:
    """The object store in one bucket. Any number of processes may share it."""

    def __init__(
        self,
        location: Location,
        access: Access,
        *,
        reading: Patience = READING,
        writing: Patience = WRITING,
    ) -> None:
        """Prepare to talk to the bucket; nothing is sent yet.

        Raises:
            ReplayError: The endpoint, the region or half a pair of keys cannot be used.
        """
        self._bucket = location.bucket
        self._beginning = f"{location.prefix}/" if location.prefix else ""
        try:
            session = boto3.session.Session()
            self._reader = _client(session, access, reading)
            self._writer = _client(session, access, writing)
        except (BotoCoreError, ValueError) as error:
            raise ReplayError(f"the settings of S3 cannot be used: {error}") from error
        self._read_s = reading.total_s or math.inf
        self._reads = Calls(reading, threads=CONNECTIONS, name="s3-read")
        self._writes = Calls(writing, threads=CONNECTIONS, name="s3-write")

    async def put(self, key: str, content: Content) -> None:
        """See `ObjectStore.put`."""
        await self.put_many([(key, content)])

    async def put_many(self, objects: Sequence[_Object]) -> None:
        """See `ObjectStore.put_many`."""
        checked = [(keys.check_key(key), parts_of(content)) for key, content in objects]
        puts = (self._writes.run(partial(self._put, key, parts)) for key, parts in checked)
        # All are waited for, so that none arrives after a caller was told that the batch failed.
        for outcome in await asyncio.gather(*puts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

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
        """See `ObjectStore.wipe`; the whole object travels twice, S3 changes none in place."""
        await self._writes.run(partial(self._wipe, keys.check_key(key), ranges))

    async def list(self, prefix: str) -> list[StoredObject]:
        """See `ObjectStore.list`."""
        return await self._writes.run(partial(self._list, keys.check_prefix(prefix)))

    async def probe(self) -> tuple[str, ...]:
        """See `ObjectStore.probe`; warns of a bucket that keeps what is deleted."""
        await probe(self)
        return await self._writes.run(self._warnings)

    async def close(self) -> None:
        """See `ObjectStore.close`."""
        for way, client in ((self._reads, self._reader), (self._writes, self._writer)):
            await way.close()
            client.close()

    def _put(self, key: str, parts: Sequence[bytes | memoryview]) -> None:
        body = b"".join(parts)
        self._writer.put_object(Bucket=self._bucket, Key=self._beginning + key, Body=body)

    def _wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        try:
            held = bytearray(self._read(key, 0, None, monotonic_s() + _WIPE_S))
        except NotFound:
            return
        for offset, length in ranges:
            end = min(offset + length, len(held))
            held[offset:end] = bytes(max(0, end - offset))
        self._put(key, [bytes(held)])

    def _read(self, key: str, offset: int, length: int | None, until_s: float) -> bytes:
        try:
            answer = self._get(key, offset, length)
        except ClientError as error:
            code = error.response["Error"].get("Code")
            if code == "NoSuchKey":
                raise NotFound(f"no object {key}") from error
            if code == "InvalidRange":  # from the end on there is nothing
                return b""
            raise
        with closing(answer["Body"]):
            data = _read_body(answer, until_s)
        return data if length is None else data[:length]

    def _get(self, key: str, offset: int, length: int | None) -> "GetObjectOutputTypeDef":
        name = self._beginning + key
        if offset == 0 and length is None:
            return self._reader.get_object(Bucket=self._bucket, Key=name)
        # No range means "nothing"; one byte is asked for, to learn whether the object is there.
        last = "" if length is None else offset + max(length, 1) - 1
        answer = self._reader.get_object(
            Bucket=self._bucket, Key=name, Range=f"bytes={offset}-{last}"
        )
        given = answer.get("ContentRange", "none")
        if not given.startswith(f"bytes {offset}-"):
            answer["Body"].close()
            raise ServiceUnavailable(
                f"object storage gave the range {shown(given)}, not from {offset}"
            )
        return answer

    def _delete(self, key: str) -> None:
        self._writer.delete_object(Bucket=self._bucket, Key=self._beginning + key)

    def _list(self, prefix: str) -> _Listed:
        pages = self._writer.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=self._beginning + prefix,
            PaginationConfig={"PageSize": _PAGE},
        )
        found = (
            StoredObject(each["Key"].removeprefix(self._beginning), each["Size"])
            for page in pages
            for each in page.get("Contents", ())
        )
        return sorted(_ours(found), key=lambda each: each.key)

    def _warnings(self) -> tuple[str, ...]:
        looks = (self._warning_of_versions, self._warning_of_lock, self._warning_of_strangers)
        return tuple(warning for look in looks if (warning := look()) is not None)

    def _warning_of_versions(self) -> str | None:
        try:
            facts: Mapping[str, object] = self._writer.get_bucket_versioning(Bucket=self._bucket)
        except ClientError as error:
            return f"whether the bucket keeps old versions cannot be seen: {shown(str(error))}"
        status = facts.get("Status")  # absent from a bucket that never kept versions
        if status is None:
            return None
        return (
            f"versioning of bucket {self._bucket} is {status}: it keeps what Playhead deletes; "
            "use a bucket without versions, or one whose lifecycle removes old versions"
        )

    def _warning_of_lock(self) -> str | None:
        """Tell of a lock; one that may not be seen, or is not known here, comes with versions."""
        try:
            facts = self._writer.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError:
            return None
        if facts.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            return None
        return f"objects of bucket {self._bucket} are locked: what Playhead deletes stays"

    def _warning_of_strangers(self) -> str | None:
        """Tell of a bucket that anybody may look into, where that may be seen."""
        try:
            grants = self._writer.get_bucket_acl(Bucket=self._bucket).get("Grants", [])
        except ClientError:
            return None
        if not any(
            str(grant.get("Grantee", {}).get("URI", "")).endswith(_GROUPS) for grant in grants
        ):
            return None
        return f"bucket {self._bucket} is open to strangers: take that right away"


def _client(session: boto3.session.Session, access: Access, patience: Patience) -> "S3Client":
    return session.client(
        "s3",
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=access.key_id,
        aws_secret_access_key=access.secret.get_secret_value() if access.secret else None,
        config=Config(
            # Signing the body makes the server check its SHA-256, which every server can. The
            # CRC trailers that boto3 adds by itself are refused by some of them.
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
    """Read a body as it comes, whole or not at all.

    Raises:
        TimeoutError: It comes so slowly that nobody waits for it any more.
        OSError: It ends before its end.
    """
    # boto3's own reading waits until a piece is full, for hours if its bytes only trickle.
    raw = answer["Body"]._raw_stream  # type: ignore[attr-defined] # noqa: SLF001 - see above
    promised = answer["ContentLength"]
    body = bytearray()
    while piece := raw.read1(_PIECE_BYTES):
        body += piece
        if monotonic_s() > until_s:
            raise TimeoutError(f"{len(body)} of {promised} bytes came in time")
    if len(body) != promised:
        raise OSError(f"the answer ended after {len(body)} of {promised} bytes")
    return bytes(body)


def _ours(found: Iterator[StoredObject]) -> Iterator[StoredObject]:
    """Leave out what others put into the bucket, such as the folder marks of a console."""
    for each in found:
        try:
            keys.check_key(each.key)
        except MalformedInput:
            continue
        yield each
