"""Fixtures for tests of accounts: a held clock, and passwords that are quick to check."""

import argon2
import pytest

from app.accounts import passwords
from app.core import clock
from tests.support.held_clock import HeldClock


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> HeldClock:
    """Hold the clock, which a test may move."""
    held = HeldClock()
    monkeypatch.setattr(clock, "now", held.now)
    return held


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the hashing of passwords cheap, for tests that are not about its cost."""
    quick = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", quick)
