"""A process takes so many uploads at once, and no more."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import BusyService
from app.debug_files.model import ApiTokenId
from app.debug_uploads.counting import counting_archive, counting_request
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.limits import MOST_ARCHIVES, MOST_CONCURRENT, UploadLimits
from app.debug_uploads.services import UploadServices

ONE, OTHER = ApiTokenId(1), ApiTokenId(2)


@pytest.fixture
def services(tmp_path: Path) -> UploadServices:
    """Provide the services of uploads, of which only the counts are used."""
    nothing: Any = None
    folder = UploadFolder(tmp_path, reserve_bytes=0)
    return UploadServices(nothing, nothing, folder, nothing, UploadLimits())


def test_archives_of_all_tokens_have_one_limit(services: UploadServices):
    """One more is refused whoever sends it, and taken when another has ended."""
    with ExitStack() as stack:
        for _ in range(MOST_ARCHIVES):
            stack.enter_context(counting_archive(services, ONE))
        with pytest.raises(BusyService, match="archives"):
            stack.enter_context(counting_archive(services, OTHER))
        stack.enter_context(counting_request(services, OTHER))
    with counting_archive(services, OTHER):
        pass
    assert not services.open_requests
    assert not services.open_archives


def test_archives_count_among_the_requests_of_a_token(services: UploadServices):
    """A token that sends chunks in all its requests sends no archive beside them."""
    with ExitStack() as stack:
        for _ in range(MOST_CONCURRENT):
            stack.enter_context(counting_request(services, ONE))
        with pytest.raises(BusyService, match="token"):
            stack.enter_context(counting_archive(services, ONE))
        stack.enter_context(counting_archive(services, OTHER))
