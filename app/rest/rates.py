"""Bounds how often a token is used and how often an address tries tokens that do not work.

A request over a rate is answered with 503 and `Retry-After`: sentry-cli tries that five times, and
gives up at once after 429.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.core.clock import monotonic_s
from app.core.errors import BusyService
from app.core.ids import ProjectId
from app.ingest.admission.token_buckets import TokenBuckets

_PER_S: Final = 50.0
_BURST: Final = 1_000
"""An upload of an app with 500 files asks twice for each in the worst case."""
_FAILURES_PER_S: Final = 1.0
_MOST_FAILURES: Final = 60
"""A build server whose token was revoked asks a few times for each build."""

MOST_OF_A_TOKEN: Final = 16
"""Requests of one token at once, so that slow ones leave the process to others. sentry-cli sends up
to four for each build."""
_OPEN_WAIT_S: Final = 2

_NOTE_EVERY_S: Final = 3_600.0
_MOST_NOTES: Final = 10_000


class RequestRates:
    """The rates of one process."""

    def __init__(self) -> None:
        """Begin with full buckets."""
        self._requests: TokenBuckets[int] = TokenBuckets(_PER_S, _BURST)
        self._failures: TokenBuckets[str] = TokenBuckets(_FAILURES_PER_S, _MOST_FAILURES)

        self._worked: set[bytes] = set()
        """Hashes of tokens that have worked: builds with one go on while others of their network
        try tokens that do not."""

    def count_request(self, token_id: int, token_sha256: bytes) -> None:
        """Count a request with a token that works.

        Raises:
            BusyService: It comes too soon after the others.
        """
        if len(self._worked) >= _MOST_NOTES:
            self._worked.clear()
        self._worked.add(token_sha256)
        _take_token(self._requests, token_id, "this token is used for too many requests at once")

    def check_failures(self, network: str, token_sha256: bytes) -> None:
        """Make sure that a network has not just tried many tokens that do not work.

        Args:
            network: The network of the client.
            token_sha256: The hash of its token; nothing is wrong if that has worked before.

        Raises:
            BusyService: It has.
        """
        if token_sha256 in self._worked:
            return
        bucket = self._failures.refill(network, monotonic_s())
        if bucket.tokens < 1:
            wait_s = self._failures.seconds_until(bucket, 1)
            raise BusyService("too many requests with tokens that do not work", wait_s=wait_s)

    def count_failure(self, network: str, token_sha256: bytes) -> None:
        """Count a token that does not work, or does no more."""
        self._worked.discard(token_sha256)
        self._failures.refill(network, monotonic_s()).tokens -= 1


def _take_token[Sender: (int, str)](
    buckets: TokenBuckets[Sender], sender: Sender, message: str
) -> None:
    bucket = buckets.refill(sender, monotonic_s())
    if bucket.tokens < 1:
        raise BusyService(message, wait_s=buckets.seconds_until(bucket, 1))
    bucket.tokens -= 1


class OpenRequests:
    """The requests that a process answers now, by token."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: dict[int, int] = {}

    @contextmanager
    def counting(self, token_id: int) -> Iterator[None]:
        """Count a request as long as it is answered.

        Raises:
            BusyService: Its token has too many already.
        """
        count = self._counts.get(token_id, 0)
        if count >= MOST_OF_A_TOKEN:
            raise BusyService(
                f"{MOST_OF_A_TOKEN} requests with this token are open already", wait_s=_OPEN_WAIT_S
            )
        self._counts[token_id] = count + 1
        try:
            yield
        finally:
            self._counts[token_id] -= 1
            if not self._counts[token_id]:
                del self._counts[token_id]


class ReadingNotes:
    """Remembers who read events lately, so that the log has a line an hour and not one for each."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._noted_at_s: dict[tuple[int, ProjectId], float] = {}

    def is_first(self, token_id: int, project_id: ProjectId) -> bool:
        """Tell whether a token has read no event of a project for an hour, and note that it did."""
        now_s, key = monotonic_s(), (token_id, project_id)
        noted_at_s = self._noted_at_s.get(key)
        if noted_at_s is not None and now_s - noted_at_s < _NOTE_EVERY_S:
            return False
        if len(self._noted_at_s) >= _MOST_NOTES:
            self._noted_at_s.clear()
        self._noted_at_s[key] = now_s
        return True
