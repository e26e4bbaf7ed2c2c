"""Fixtures for tests of closing and sealing, on every driver of object storage."""

import pytest

from app.db.engine import Database
from app.storage.port import ObjectStore
from tests.contract.storage.conftest import s3_service, store
from tests.support.builders.stored_segments import SegmentWriter

__all__ = ["s3_service", "store"]


@pytest.fixture
def writer(database: Database, store: ObjectStore) -> SegmentWriter:
    """Store segments as digest does."""
    return SegmentWriter(database, store)
