"""The look at the store when a server starts: nothing but a plain no keeps it from starting."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.core.errors import ServiceUnavailable
from app.storage.disk.local import LocalStore
from app.storage.port import StorageRefused
from app.storage.startup_check import StartupCheck


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalStore]:
    """A store; tests change what its probe does."""
    opened = LocalStore(tmp_path / "objects", threads=1)
    yield opened
    await opened.close()


@pytest.fixture
def logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    """Return what was logged so far, whether or not a test before this one set logging up."""
    return lambda: caplog.text + capsys.readouterr().out


def probing(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, outcome: asyncio.Event | Exception | None
) -> None:
    """Let the probe end as given: an error is raised, an event is waited for."""

    async def probe() -> tuple[str, ...]:
        if isinstance(outcome, asyncio.Event):
            await outcome.wait()
            raise StorageRefused("no such bucket")
        if isinstance(outcome, Exception):
            raise outcome
        return ("it keeps versions",)

    monkeypatch.setattr(store, "probe", probe)


async def test_store_that_works_is_fine(store):
    """The start goes on if the store works."""
    look = StartupCheck(store)
    await look.begin()
    await look.stop()


async def test_warnings_do_not_hold_up(store, monkeypatch, logged):
    """Warnings are logged, and the start goes on."""
    probing(store, monkeypatch, None)
    look = StartupCheck(store)
    await look.begin()
    await look.stop()
    assert "it keeps versions" in logged()


async def test_store_that_says_no_ends_the_start(store, monkeypatch):
    """The start fails if the store refuses, because a person must correct a setting."""
    probing(store, monkeypatch, StorageRefused("no such bucket"))
    look = StartupCheck(store)
    with pytest.raises(StorageRefused, match="no such bucket"):
        await look.begin()
    await look.stop()


async def test_store_that_is_away_does_not(store, monkeypatch, logged):
    """The start goes on, since envelopes wait in the journal until the store is back."""
    probing(store, monkeypatch, ServiceUnavailable("no route"))
    look = StartupCheck(store)
    await look.begin()
    await look.stop()
    assert "no route" in logged()


async def test_store_that_hangs_is_not_waited_for(store, monkeypatch, logged):
    """The start does not wait for a store that does not answer; its result is logged later."""
    answered = asyncio.Event()
    probing(store, monkeypatch, answered)
    look = StartupCheck(store)
    await look.begin(patience_s=0.01)
    assert "has not answered yet" in logged()
    answered.set()
    await look.stop()


async def test_look_that_never_began_is_stopped(store):
    """A check can be stopped before it begins, as when the start fails earlier."""
    await StartupCheck(store).stop()
