"""Settings come from the environment."""

from datetime import UTC

import pytest
from pydantic import ValidationError

from app.core import clock
from app.core.settings import Settings


def test_defaults_need_nothing():
    """Without any variable there is a server on localhost."""
    settings = Settings()
    assert settings.base_url == "http://localhost:8000"
    assert settings.database_url is None


def test_the_environment_decides(monkeypatch):
    """A variable of our prefix beats the default; secrets do not show."""
    monkeypatch.setenv("PLAYHEAD_PUBLIC_URL", "https://replay.example.net/")
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", "postgresql://u:hunter2@db/x")
    settings = Settings()
    assert settings.base_url == "https://replay.example.net"
    assert "hunter2" not in repr(settings)


def test_nonsense_is_refused(monkeypatch):
    """A port beyond 65535 is no port."""
    monkeypatch.setenv("PLAYHEAD_PORT", "65536")
    with pytest.raises(ValidationError):
        Settings()


def test_the_clock_is_aware_and_goes_on():
    """Times carry their zone; milliseconds and datetimes agree."""
    assert clock.now().tzinfo is UTC
    assert abs(clock.now_ms() - clock.now().timestamp() * 1000) < 60_000
    assert clock.monotonic_s() <= clock.monotonic_s()
