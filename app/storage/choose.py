"""Opens the object store that the settings name."""

import socket
from pathlib import Path
from typing import Final

from app.core.settings import Settings
from app.storage.bucket import BucketAccess, read_location
from app.storage.disk.local import LocalStore
from app.storage.port import ObjectStore

OBJECTS: Final = "objects"
"""The folder of local storage under the data folder."""


def open_store(settings: Settings, data_dir: Path) -> ObjectStore:
    """Open local storage under the data folder, or the bucket of `PLAYHEAD_STORAGE`.

    Raises:
        ReplayError: A setting cannot be used.
        ServiceUnavailable: The folder of local storage cannot be made or opened.
    """
    if settings.storage == "local":
        return LocalStore(data_dir / OBJECTS, threads=settings.storage_threads)
    location = read_location(settings.storage)
    from app.storage.s3 import S3Store  # noqa: PLC0415 - boto3 makes a start 0.5 s longer

    return S3Store(
        location,
        BucketAccess(
            endpoint_url=settings.s3_endpoint_url or None,
            region=settings.s3_region or None,
            key_id=settings.s3_access_key_id or None,
            secret=settings.s3_secret_access_key or None,
            addressing=settings.s3_addressing,
        ),
    )


def describe_store(settings: Settings) -> str:
    """Say where objects are stored, for people; without the key to the bucket."""
    if settings.storage == "local":
        return f"{settings.data_dir.resolve() / OBJECTS} on {socket.gethostname()}"
    endpoint = settings.s3_endpoint_url
    return f"{settings.storage} at {endpoint}" if endpoint else settings.storage
