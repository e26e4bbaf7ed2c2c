"""One fixture, every driver: a new object store adds a line to DRIVERS and runs all tests here."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.storage.local import LocalStore
from app.storage.port import ObjectStore


def local(folder: Path) -> ObjectStore:
    """Open the driver for local disk."""
    return LocalStore(folder / "objects", threads=4)


DRIVERS: dict[str, Callable[[Path], ObjectStore]] = {"local": local}


@pytest.fixture(params=sorted(DRIVERS))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    """An empty object store, closed afterwards."""
    opened = DRIVERS[request.param](tmp_path)
    yield opened
    await opened.close()
