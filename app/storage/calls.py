"""Runs calls that wait where they work, as boto3's do: in a bounded pool of threads, not for ever.

call ─ breaker ─ thread ─ answer
          ▲                 │ none, or one of a server in trouble
          └── a short pause ┘ tried again, as long as there is patience

boto3's own retries are off: they do not see a body that breaks off, nor keep to a time in all.
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
from app.core.errors import ReplayError, ServiceUnavailable
from app.core.log import shown
from app.storage.breaker import Breaker
from app.storage.bucket import Patience
from app.storage.port import Refusing

_R = TypeVar("_R")

_KEEPER: Final = "object storage"
_PAUSE_S: Final = 0.2
"""Before the second attempt at most; twice as long before each further one."""
_SERVER_IN_TROUBLE: Final = 500
_TOO_MANY: Final = frozenset({"SlowDown", "RequestLimitExceeded", "TooManyRequests", "Throttling"})
_WHAT_TO_DO: Final = {
    "AccessDenied": "the key lacks a right on this bucket",
    "InvalidAccessKeyId": "compare PLAYHEAD_S3_ACCESS_KEY_ID",
    "NoSuchBucket": "make the bucket, or compare PLAYHEAD_STORAGE",
    "RequestTimeTooSkewed": "set this machine's clock right, or the store's",
    "SignatureDoesNotMatch": "compare PLAYHEAD_S3_SECRET_ACCESS_KEY",
}
"""By the code of a refusal."""


class Calls:
    """One way to the store, with threads, patience and a breaker of its own."""

    def __init__(self, patience: Patience, *, threads: int, name: str) -> None:
        self._patience = patience
        self._breaker = Breaker(_KEEPER)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._is_closed = False

    async def run(self, function: Callable[[], _R]) -> _R:
        """Return what a call returns.

        Raises:
            ServiceUnavailable: The store does not answer, or refuses; trying again later is right.
        """
        until_s = monotonic_s() + (self._patience.total_s or math.inf)
        attempt = 1
        while True:
            if self._is_closed:
                raise ServiceUnavailable(f"{_KEEPER} is closed")
            self._breaker.check()
            try:
                answer = await self._ask(function, until_s)
            except ReplayError:
                self._breaker.succeeded()
                raise
            except (BotoCoreError, HTTPError, OSError, ClientError) as error:
                told = _unavailable(error)
                pause_s = random.uniform(0, _PAUSE_S * 2 ** (attempt - 1))  # noqa: S311 - jitter
                is_last = attempt == self._patience.attempts or monotonic_s() + pause_s >= until_s
                if not self._may_pass(error, told) or is_last:
                    raise told from error
            else:
                self._breaker.succeeded()
                return answer
            await asyncio.sleep(pause_s)
            attempt += 1

    async def close(self) -> None:
        """Wait for the calls that are under way; doing it twice is fine."""
        if not self._is_closed:
            self._is_closed = True
            await asyncio.to_thread(self._pool.shutdown)

    async def _ask(self, function: Callable[[], _R], until_s: float) -> _R:
        """Make one attempt. A thread that is given up on ends by its own timeouts."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, function)
        patience = asyncio.timeout(None if math.isinf(until_s) else until_s - monotonic_s())
        try:
            async with patience:
                return await future
        except TimeoutError:
            if not patience.expired():
                raise
            raise TimeoutError(f"no answer within {self._patience.total_s} s") from None

    def _may_pass(self, error: Exception, told: ServiceUnavailable) -> bool:
        """Tell the breaker; returns whether trying again may help."""
        if isinstance(error, ClientError) and not _is_in_trouble(error):
            self._breaker.succeeded()
            return False
        self._breaker.failed(str(told))
        return True


def _is_in_trouble(error: ClientError) -> bool:
    """Tell a server that cannot from one that refuses."""
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    return status >= _SERVER_IN_TROUBLE or error.response["Error"].get("Code") in _TOO_MANY


def _unavailable(error: Exception) -> ServiceUnavailable:
    """Say what the server said, or what went wrong on the way, for the person who set it up."""
    if not isinstance(error, ClientError):
        return ServiceUnavailable(f"{_KEEPER} failed: {shown(str(error))}")
    told = error.response["Error"]
    code = told.get("Code", "no code")
    words = shown(f"{error.operation_name}: {code} {told.get('Message', '')}".strip())
    advice = _WHAT_TO_DO.get(code)
    kind = ServiceUnavailable if _is_in_trouble(error) else Refusing
    return kind(f"{_KEEPER} refused: {words}{f' ({advice})' if advice else ''}")
