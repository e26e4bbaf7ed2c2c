"""Lets the tests of shares open more of them than one network may."""

import pytest

from app.sharing.limiter import ShareLimiter


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one network, and open dozens of pages within a minute."""
    monkeypatch.setattr(ShareLimiter, "count_request", lambda *_args, **_options: None)
    monkeypatch.setattr(ShareLimiter, "count_unknown", lambda *_args: None)
