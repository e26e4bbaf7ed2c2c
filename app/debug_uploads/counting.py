"""Counts the uploads that a process takes at once, so that the next one is told to come again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.core.errors import BusyService
from app.debug_files.model import ApiTokenId
from app.debug_uploads.limits import MOST_ARCHIVES, MOST_CONCURRENT
from app.debug_uploads.services import UploadServices

BUSY_S: Final = 2


@contextmanager
def counting_request(services: UploadServices, token_id: ApiTokenId) -> Iterator[None]:
    """Count a request of a token as long as it is answered.

    Raises:
        BusyService: The token has too many already.
    """
    counts = services.open_requests
    if counts.get(token_id, 0) >= MOST_CONCURRENT:
        raise BusyService(
            f"this token uploads {MOST_CONCURRENT} requests at once already", wait_s=BUSY_S
        )
    counts[token_id] = counts.get(token_id, 0) + 1
    try:
        yield
    finally:
        counts[token_id] -= 1
        if not counts[token_id]:
            del counts[token_id]


@contextmanager
def counting_archive(services: UploadServices, token_id: ApiTokenId) -> Iterator[None]:
    """Count a request with a whole archive, also among those of its token.

    Raises:
        BusyService: The token has too many requests already, or the process too many archives.
    """
    with counting_request(services, token_id):
        # Without waiting: whoever waits would hold a connection, and sentry-cli comes again.
        if len(services.open_archives) >= MOST_ARCHIVES:
            raise BusyService(
                f"{MOST_ARCHIVES} archives are uploaded at once already", wait_s=BUSY_S
            )
        services.open_archives.append(token_id)
        try:
            yield
        finally:
            services.open_archives.remove(token_id)
