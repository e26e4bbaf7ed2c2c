"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime


class HeldClock:
    """The server's time, moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time as `app.core.clock.now` does."""
        return self.at
