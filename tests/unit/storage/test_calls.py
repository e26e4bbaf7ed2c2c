"""Calls to a store that fails: tried again with pauses, given up in time, spared for a while."""

import threading
from collections.abc import AsyncIterator

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from app.core.errors import NotFound, ServiceUnavailable
from app.storage import breaker
from app.storage.breaker import CircuitBreaker
from app.storage.bucket import READING, CallTimeouts
from app.storage.calls import RetryingCalls

PATIENCE = CallTimeouts(connect_s=1, read_s=1, attempts=3)


def refusal(code: str, status: int) -> ClientError:
    """Make the error that boto3 raises for an answer with an error status."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": "told"},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        "GetObject",
    )


class Store:
    """Fails as it is told to, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.asked = 0

    def ask(self) -> str:
        self.asked += 1
        if self._failures:
            raise self._failures.pop(0)
        return "answer"


@pytest.fixture
async def calls() -> AsyncIterator[RetryingCalls]:
    """A way to some store."""
    made = RetryingCalls(PATIENCE, threads=2, name="test")
    yield made
    await made.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The breaker's clock: one number that tests move."""
    now = [1_000.0]
    monkeypatch.setattr(breaker, "monotonic_s", lambda: now[0])
    return now


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionClosedError(endpoint_url="http://x"),
        OSError("the answer ended"),
        refusal("InternalError", 500),
        refusal("SlowDown", 503),
        refusal("TooManyRequests", 429),
    ],
    ids=str,
)
async def test_what_may_pass_is_tried_again(calls: RetryingCalls, failure: Exception):
    """A broken connection, and a server in trouble, are worth further attempts."""
    store = Store(failure, failure)
    assert await calls.run(store.ask) == "answer"
    assert store.asked == 3


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDenied", "lacks a right"),
        ("NoSuchBucket", "PLAYHEAD_STORAGE"),
        ("RequestTimeTooSkewed", "clock"),
        ("SignatureDoesNotMatch", "PLAYHEAD_S3_SECRET_ACCESS_KEY"),
        ("SomethingNew", "told"),
    ],
)
async def test_refusal_is_told_at_once(calls: RetryingCalls, code: str, advice: str):
    """Asking again does not change it; the words say what to do."""
    store = Store(refusal(code, 403))
    with pytest.raises(ServiceUnavailable, match=f"{code}.*{advice}"):
        await calls.run(store.ask)
    assert store.asked == 1


async def test_missing_object_passes_through(calls: RetryingCalls):
    """A missing object is an answer, not an outage, however often it comes."""
    store = Store(*[NotFound("no object")] * 9)
    for _ in range(9):
        with pytest.raises(NotFound):
            await calls.run(store.ask)


async def test_last_failure_is_told(calls: RetryingCalls):
    """When patience ends, the caller hears what went wrong."""
    store = Store(*[OSError("cable cut")] * 3)
    with pytest.raises(ServiceUnavailable, match="cable cut"):
        await calls.run(store.ask)
    assert store.asked == 3


async def test_hanging_call_is_given_up():
    """The caller gets an error after the total time, whatever the thread does."""
    hurried = RetryingCalls(
        CallTimeouts(connect_s=1, read_s=1, attempts=9, total_s=0.05), threads=1, name="t"
    )
    released = threading.Event()
    with pytest.raises(ServiceUnavailable, match=r"no answer within 0\.05 s"):
        await hurried.run(released.wait)
    released.set()
    await hurried.close()


async def test_closed_way_is_unavailable(calls: RetryingCalls):
    """After closing, nothing is asked."""
    await calls.close()
    with pytest.raises(ServiceUnavailable, match="is closed"):
        await calls.run(Store().ask)


def test_somebody_who_watches_is_told_within_five_seconds():
    """All attempts at a read and the pauses between them take less than five seconds."""
    assert READING.total_s is not None
    assert READING.total_s < 5
    assert READING.read_s * READING.attempts < READING.total_s


def test_third_failure_in_a_row_opens(clock: list[float]):
    """Until the pause is over, callers get an error with the reason at once."""
    store = CircuitBreaker("the store")
    for _ in range(2):
        store.failed("no route")
    store.check()
    store.failed("no route")
    assert store.is_open
    with pytest.raises(ServiceUnavailable, match=r"the store has not answered 3 times .* no route"):
        store.check()


def test_answer_in_between_starts_the_count_anew(clock: list[float]):
    """Only failures in a row count."""
    store = CircuitBreaker("the store")
    for _ in range(9):
        store.failed("x")
        store.failed("x")
        store.succeeded()
    store.check()
    assert not store.is_open


def test_one_call_looks_after_the_pause(clock: list[float]):
    """Others wait for what it finds; an answer lets all through."""
    store = CircuitBreaker("the store")
    for _ in range(3):
        store.failed("x")
    clock[0] += 60
    store.check()
    with pytest.raises(ServiceUnavailable):
        store.check()
    store.succeeded()
    store.check()
    store.check()


def test_pauses_grow_to_a_limit(clock: list[float]):
    """A store that stays away is asked ever more rarely, but every few seconds all the same."""
    store = CircuitBreaker("the store")
    for _ in range(20):
        store.failed("x")
        clock[0] += breaker._LONGEST_PAUSE_S
        store.check()
