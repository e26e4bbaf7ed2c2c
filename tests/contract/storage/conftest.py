"""One fixture, every driver: a new object store adds a line to DRIVERS and runs all tests here."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from app.storage.local import LocalStore
from app.storage.port import ObjectStore
from app.storage.s3 import S3Store
from tests.support.servers import s3


@pytest.fixture(scope="session")
def s3_service() -> Iterator[s3.Service]:
    """A server that speaks S3."""
    with s3.serving() as service:
        yield service


def local(request: pytest.FixtureRequest) -> ObjectStore:
    """Open the driver for local disk."""
    folder: Path = request.getfixturevalue("tmp_path")
    return LocalStore(folder / "objects", threads=4)


def bucket(request: pytest.FixtureRequest) -> ObjectStore:
    """Open the driver for S3, below a prefix of a new bucket."""
    service: s3.Service = request.getfixturevalue("s3_service")
    return S3Store(service.new_location(), service.access)


DRIVERS: dict[str, Callable[[pytest.FixtureRequest], ObjectStore]] = {
    "local": local,
    "s3": bucket,
}


@pytest.fixture(params=sorted(DRIVERS))
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    """An empty object store, closed afterwards."""
    opened = DRIVERS[request.param](request)
    yield opened
    await opened.close()
