"""Symcaches of small debug files, made by the real child."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from app.symbolicator.child import NativeDeriver
from app.symbolicator.finder import AddressFinder, Symcache

MakeSymcache = Callable[[bytes], Awaitable[Symcache]]


@pytest.fixture
async def finder() -> AsyncIterator[AddressFinder]:
    """A finder whose children end with the test."""
    finder = AddressFinder()
    yield finder
    await finder.close()


@pytest.fixture
async def make_symcache(tmp_path: Path) -> AsyncIterator[MakeSymcache]:
    """Make the symcache of a debug file with one object."""
    opened: list[int] = []

    async def make(data: bytes) -> Symcache:
        source, target = tmp_path / f"{len(opened)}.debug", tmp_path / f"{len(opened)}.symcache"
        source.write_bytes(data)
        files = (
            os.open(source, os.O_RDONLY),
            os.open(target, os.O_WRONLY | os.O_CREAT),
        )
        (item,) = await NativeDeriver(tmp_path / "lock").derive(*files)
        for file in files:
            os.close(file)
        opened.append(os.open(target, os.O_RDONLY))
        return Symcache(opened[-1], item.size_bytes)

    yield make
    for file in opened:
        os.close(file)
