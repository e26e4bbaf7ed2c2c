"""Tests of work that ends before whoever awaits it does."""

import asyncio
import threading

import pytest

from app.core.running.finishing import finish_first
from tests.support.waiting import PATIENCE_S


async def test_a_cancelled_caller_waits_for_its_thread():
    """However often it is cancelled, and then it is cancelled."""
    begun, may_end = threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> None:
        begun.set()
        ended.append(may_end.wait(PATIENCE_S))

    caller = asyncio.create_task(finish_first(asyncio.to_thread(work)))
    await asyncio.to_thread(begun.wait, 20)
    for _ in range(2):
        caller.cancel()
        await asyncio.wait([caller], timeout=0)
        assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended == [True]


async def test_the_result_or_the_fault_of_the_work_is_that_of_the_call():
    """As if it had been awaited."""
    assert await finish_first(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(OSError, match="full"):
        await finish_first(asyncio.to_thread(_fail))


def _fail() -> None:
    raise OSError("full")
