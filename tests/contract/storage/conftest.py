"""A fixture opens every driver: a new object store adds a line to DRIVERS."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from app.storage.disk.local import LocalStore
from app.storage.port import ObjectStore
from app.storage.s3 import S3Store
from tests.support.servers import s3


@pytest.fixture(scope="session")
def s3_service() -> Iterator[s3.Service]:
    """Run a server that speaks S3."""
    with s3.serving() as service:
        yield service


def open_local_store(request: pytest.FixtureRequest) -> ObjectStore:
    """Open the driver for local disk."""
    folder: Path = request.getfixturevalue("tmp_path")
    return LocalStore(folder / "objects", threads=4)


def open_bucket(request: pytest.FixtureRequest) -> ObjectStore:
    """Open the driver for S3, below a prefix of a new bucket."""
    service: s3.Service = request.getfixturevalue("s3_service")
    return S3Store(service.new_location(), service.access)


DRIVERS: dict[str, Callable[[pytest.FixtureRequest], ObjectStore]] = {
    "local": open_local_store,
    "s3": open_bucket,
}


@pytest.fixture(params=sorted(DRIVERS))
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    """Open an empty object store, and close it afterwards."""
    object_store = DRIVERS[request.param](request)
    yield object_store
    await object_store.close()
