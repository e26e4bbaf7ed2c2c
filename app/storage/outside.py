"""Reads files that others have put into a folder or a bucket; nothing is ever written there.

PLAYHEAD_SYSTEM_SYMBOLS=/srv/symbols/ios        → file /srv/symbols/ios/9f/3a1c…/debuginfo
PLAYHEAD_SYSTEM_SYMBOLS=s3://symbols/ios        → object ios/9f/3a1c…/debuginfo
"""

import asyncio
import os
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, override

from app.core.errors import OversizedInput, ReplayError, ServiceUnavailable
from app.core.log import shown
from app.core.settings import Settings
from app.storage.bucket import BucketAccess, BucketLocation, CallTimeouts, read_location

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NAME: Final = re.compile(r"[a-z0-9]+(?:/[a-z0-9]+)*")
_PIECE_BYTES: Final = 1024 * 1024
_PATIENCE: Final = CallTimeouts(connect_s=3, read_s=10, attempts=1)
_NOT_THERE: Final = frozenset({"NoSuchKey", "404", "AccessDenied"})
"""A bucket whose objects may be read but not listed calls a missing one forbidden."""


class OutsideFiles(Protocol):
    """Files of others, by names of lower-case letters, digits and slashes."""

    async def copy(self, name: str, target: BinaryIO, *, limit_bytes: int) -> bool:
        """Copy a file.

        Args:
            name: Its path in the folder or bucket.
            target: The file that gets its bytes.
            limit_bytes: The most bytes that it may have.

        Returns:
            True if there is such a file. If not, nothing was written.

        Raises:
            OversizedInput: It is larger.
            ServiceUnavailable: The folder or the bucket cannot be read.
        """

    async def close(self) -> None:
        """Close connections."""


class FolderFiles(OutsideFiles):
    """Files in a folder of this machine, or of one that is mounted here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @override
    async def copy(self, name: str, target: BinaryIO, *, limit_bytes: int) -> bool:
        return await asyncio.to_thread(self._copy, _check_name(name), target, limit_bytes)

    @override
    async def close(self) -> None:
        return

    def _copy(self, name: str, target: BinaryIO, limit_bytes: int) -> bool:
        try:
            with (self._folder / name).open("rb") as source:
                _check_size(name, os.fstat(source.fileno()).st_size, limit_bytes)
                _copy_pieces(source, target, name, limit_bytes)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise ServiceUnavailable(f"{shown(name)} cannot be read: {error.strerror}") from error
        return True


class BucketFiles(OutsideFiles):
    """Files in a bucket."""

    def __init__(self, location: BucketLocation, access: BucketAccess) -> None:
        """Prepare access to the bucket; nothing is sent yet.

        Raises:
            ReplayError: The settings of S3 cannot be used.
        """
        import boto3  # noqa: PLC0415 - boto3 makes a start 0.5 s longer
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        from app.storage.s3 import make_client  # noqa: PLC0415

        self._bucket = location.bucket
        self._beginning = f"{location.prefix}/" if location.prefix else ""
        try:
            self._client: S3Client = make_client(boto3.session.Session(), access, _PATIENCE)
        except (BotoCoreError, ValueError) as error:
            raise ReplayError(f"the settings of S3 cannot be used: {error}") from error

    @override
    async def copy(self, name: str, target: BinaryIO, *, limit_bytes: int) -> bool:
        return await asyncio.to_thread(self._copy, _check_name(name), target, limit_bytes)

    @override
    async def close(self) -> None:
        self._client.close()

    def _copy(self, name: str, target: BinaryIO, limit_bytes: int) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._beginning + name)
            with closing(answer["Body"]) as body:
                _check_size(name, answer["ContentLength"], limit_bytes)
                _copy_pieces(body, target, name, limit_bytes)
        except ClientError as error:
            if error.response["Error"].get("Code") in _NOT_THERE:
                return False
            raise ServiceUnavailable(f"bucket {self._bucket}: {shown(str(error))}") from error
        except (BotoCoreError, OSError) as error:
            raise ServiceUnavailable(f"bucket {self._bucket}: {shown(str(error))}") from error
        return True


class _ReadsPieces(Protocol):
    def read(self, size: int, /) -> bytes: ...


def open_outside_files(place: str, settings: Settings) -> OutsideFiles:
    """Open a folder, or a bucket `s3://bucket/prefix` with the access that the settings name.

    Raises:
        ReplayError: The place cannot be used.
    """
    if not place.startswith("s3://"):
        folder = Path(place)
        if not folder.is_absolute():
            raise ReplayError(
                f"PLAYHEAD_SYSTEM_SYMBOLS is {shown(place)}; "
                "it must be a path that begins with a slash, or `s3://bucket/prefix`"
            )
        return FolderFiles(folder)
    access = BucketAccess(
        endpoint_url=settings.s3_endpoint_url or None,
        region=settings.s3_region or None,
        key_id=settings.s3_access_key_id or None,
        secret=settings.s3_secret_access_key or None,
        addressing=settings.s3_addressing,
    )
    location = read_location(place, setting="PLAYHEAD_SYSTEM_SYMBOLS", otherwise="an absolute path")
    return BucketFiles(location, access)


def _check_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"no name of a file: {name!r}")
    return name


def _check_size(name: str, size_bytes: int, limit_bytes: int) -> None:
    if size_bytes > limit_bytes:
        raise OversizedInput(f"{name} has {size_bytes} bytes, {limit_bytes} are allowed")


def _copy_pieces(source: _ReadsPieces, target: BinaryIO, name: str, limit_bytes: int) -> None:
    size_bytes = 0
    while piece := source.read(_PIECE_BYTES):
        size_bytes += len(piece)
        _check_size(name, size_bytes, limit_bytes)
        target.write(piece)
