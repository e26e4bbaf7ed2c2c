"""A journal for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.journal.writer import Journal
from tests.support.builders.journals import FILE_BYTES


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where journals make their folders."""
    return tmp_path / "journal"


@pytest.fixture
async def journal(root: Path) -> AsyncIterator[Journal]:
    """An open journal, closed afterwards."""
    opened = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0)
    yield opened
    await opened.close()
