"""Runs the blocking calls of boto3 in a bounded pool of threads, with timeouts and retries.

call ─ circuit breaker ─ thread ─ answer
          ▲                         │ none, or an error of the server
          └── a short pause, then the next attempt, within the time limits

boto3's own retries are off: they do not notice a truncated body, and have no limit for the total.
"""

import asyncio
import math
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from app.core.clock import monotonic_s
from app.core.errors import ReplayError, StorageUnavailable
from app.core.log import shown
from app.storage.breaker import CircuitBreaker
from app.storage.bucket import CallTimeouts
from app.storage.port import StorageRefused

_R = TypeVar("_R")

_KEEPER: Final = "object storage"
_PAUSE_S: Final = 0.2
"""The longest pause before the second attempt; twice as long before each further one."""
_SERVER_IN_TROUBLE: Final = 500
_TOO_MANY: Final = frozenset({"SlowDown", "RequestLimitExceeded", "TooManyRequests", "Throttling"})
_WHAT_TO_DO: Final = {
    "AccessDenied": "the key lacks a right on this bucket",
    "InvalidAccessKeyId": "compare PLAYHEAD_S3_ACCESS_KEY_ID",
    "NoSuchBucket": "make the bucket, or compare PLAYHEAD_STORAGE",
    "RequestTimeTooSkewed": "set this machine's clock right, or the store's",
    "SignatureDoesNotMatch": "compare PLAYHEAD_S3_SECRET_ACCESS_KEY",
}
"""Advice for the operator, by the error code of the store."""


class RetryingCalls:
    """Calls to the store that share threads, timeouts and a circuit breaker."""

    def __init__(self, patience: CallTimeouts, *, threads: int, name: str) -> None:
        self._patience = patience
        self._breaker = CircuitBreaker(_KEEPER)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._is_closed = False

    async def run(self, function: Callable[[], _R]) -> _R:
        """Run a call, again if need be, and return its result.

        Raises:
            StorageUnavailable: The store does not answer, or refuses; try again later.
        """
        until_s = monotonic_s() + (self._patience.total_s or math.inf)
        attempt = 1
        while True:
            if self._is_closed:
                raise StorageUnavailable(f"{_KEEPER} is closed")
            self._breaker.check()
            try:
                answer = await self._ask(function, until_s)
            except ReplayError:
                self._breaker.succeeded()
                raise
            except (BotoCoreError, HTTPError, OSError, ClientError) as error:
                failure = _describe_failure(error)
                pause_s = random.uniform(0, _PAUSE_S * 2 ** (attempt - 1))  # noqa: S311 - jitter
                is_last = attempt == self._patience.attempts or monotonic_s() + pause_s >= until_s
                if not self._record_failure(error, failure) or is_last:
                    raise failure from error
            else:
                self._breaker.succeeded()
                return answer
            await asyncio.sleep(pause_s)
            attempt += 1

    async def close(self) -> None:
        """Wait for the calls that are running; does nothing the second time."""
        if not self._is_closed:
            self._is_closed = True
            await asyncio.to_thread(self._pool.shutdown)

    async def _ask(self, function: Callable[[], _R], until_s: float) -> _R:
        """Make one attempt. An abandoned thread ends by the timeouts of its call."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, function)
        time_limit = asyncio.timeout(None if math.isinf(until_s) else until_s - monotonic_s())
        try:
            async with time_limit:
                return await future
        except TimeoutError:
            if not time_limit.expired():
                raise
            raise TimeoutError(f"no answer within {self._patience.total_s} s") from None

    def _record_failure(self, error: Exception, failure: StorageUnavailable) -> bool:
        """Record a failure in the circuit breaker; returns whether another attempt may help."""
        if isinstance(error, ClientError) and not _is_in_trouble(error):
            self._breaker.succeeded()
            return False
        self._breaker.failed(str(failure))
        return True


def _is_in_trouble(error: ClientError) -> bool:
    """Tell a server that cannot answer now from one that refuses."""
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    return status >= _SERVER_IN_TROUBLE or error.response["Error"].get("Code") in _TOO_MANY


def _describe_failure(error: Exception) -> StorageUnavailable:
    """Turn an error of boto3 into one with a message for the person who set the storage up."""
    if not isinstance(error, ClientError):
        return StorageUnavailable(f"{_KEEPER} failed: {shown(str(error))}")
    details = error.response["Error"]
    code = details.get("Code", "no code")
    words = shown(f"{error.operation_name}: {code} {details.get('Message', '')}".strip())
    advice = _WHAT_TO_DO.get(code)
    kind = StorageUnavailable if _is_in_trouble(error) else StorageRefused
    return kind(f"{_KEEPER} refused: {words}{f' ({advice})' if advice else ''}")
