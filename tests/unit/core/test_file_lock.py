"""Tests of locks between the processes of a machine."""

import asyncio

from app.core.file_lock import hold_file_lock, try_file_lock


async def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    """Whoever only tries is told; the folder is made when it is missing."""
    path = tmp_path / "new" / "a.lock"
    async with try_file_lock(path) as is_held:
        assert is_held
        async with try_file_lock(path) as is_held_twice:
            assert not is_held_twice
    async with try_file_lock(path) as is_held_again:
        assert is_held_again


async def test_whoever_waits_gets_the_lock_next(tmp_path):
    """Whoever waits for a lock gets it as soon as the other one releases it."""
    path = tmp_path / "a.lock"
    order: list[str] = []

    async def wait() -> None:
        async with hold_file_lock(path):
            order.append("second")

    async with hold_file_lock(path):
        waiting = asyncio.create_task(wait())
        for _ in range(3):
            await asyncio.sleep(0)
        order.append("first")
    await waiting
    assert order == ["first", "second"]
