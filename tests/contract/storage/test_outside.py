"""Tests of files that others have put into a folder or a bucket."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import OversizedInput, ReplayError, ServiceUnavailable
from app.core.settings import Settings
from app.storage.outside import BucketFiles, FolderFiles, OutsideFiles, open_outside_files
from app.storage.s3 import S3Store
from tests.support.servers import s3

KEY = "p/1/e/" + "0a" * 16 + "/" + "0b" * 8
"""A key of our own, which is a name of the form that others have."""
CONTENT = b"x" * 100_000


@pytest.fixture(params=["folder", "bucket"])
async def outside(
    request: pytest.FixtureRequest, tmp_path: Path, s3_service: s3.Service
) -> AsyncIterator[OutsideFiles]:
    """A folder and a bucket with one file."""
    if request.param == "folder":
        path = tmp_path / KEY
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT)
        files: OutsideFiles = FolderFiles(tmp_path)
    else:
        location = s3_service.new_location()
        store = S3Store(location, s3_service.access)
        await store.put(KEY, CONTENT)
        await store.close()
        files = BucketFiles(location, s3_service.access)
    yield files
    await files.close()


async def test_files_of_others(outside):
    """A file is copied whole; one byte too many is refused; a missing file is no error."""
    target = io.BytesIO()
    assert await outside.copy(KEY, target, limit_bytes=len(CONTENT))
    assert target.getvalue() == CONTENT
    target = io.BytesIO()
    with pytest.raises(OversizedInput, match="100000 bytes, 99999 are allowed"):
        await outside.copy(KEY, target, limit_bytes=len(CONTENT) - 1)
    # Missing, and below a file as if it were a folder.
    for name in ("ab/cd/debuginfo", f"{KEY}/debuginfo"):
        assert not await outside.copy(name, target, limit_bytes=1)
    assert target.getvalue() == b""


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a//b", "", "a/..", "A", "a\n", "a/"])
async def test_other_names_are_a_mistake(tmp_path, name):
    """Names never leave the folder."""
    with pytest.raises(ValueError, match="no name of a file"):
        await FolderFiles(tmp_path).copy(name, io.BytesIO(), limit_bytes=1)


async def test_a_place_that_cannot_be_read(tmp_path, s3_service):
    """A folder in place of a file, or a server that is away, makes the place unavailable."""
    (tmp_path / "a").mkdir()
    access = replace(s3_service.access, endpoint_url="http://127.0.0.1:9")
    for files in (FolderFiles(tmp_path), BucketFiles(s3_service.new_location(), access)):
        with pytest.raises(ServiceUnavailable):
            await files.copy("a", io.BytesIO(), limit_bytes=1)
        await files.close()


async def test_which_places_there_are(tmp_path):
    """A setting names a folder by its whole path, or a bucket."""
    settings = Settings(s3_region="eu-central-1")
    assert isinstance(open_outside_files(str(tmp_path), settings), FolderFiles)
    bucket = open_outside_files("s3://symbols/ios", settings)
    assert isinstance(bucket, BucketFiles)
    await bucket.close()
    for place in ("symbols/ios", "s3://", "https://symbols.example"):
        with pytest.raises(ReplayError, match="PLAYHEAD_SYSTEM_SYMBOLS"):
            open_outside_files(place, settings)
