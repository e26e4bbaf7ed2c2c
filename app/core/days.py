"""Days and retention classes: by them, data that ends together lies together.

A day is a UTC date by the clock of Postgres. A replay belongs to the day on which its first row was
written, whatever the phone's clock says. Events, spans, logs and files belong to the day on which
they were stored.
"""

from datetime import date
from enum import IntEnum
from typing import Final

OLD_DAY: Final = date(1970, 1, 1)
"""The day of rows that a release before days stored, until they are moved to their own day."""
FIRST_DAY: Final = date(2000, 1, 2)
"""The earliest day that a row can have, apart from `OLD_DAY`."""
SHORT_DAYS: Final = 30
MEDIUM_DAYS: Final = 90


class RetentionClass(IntEnum):
    """How long the rows of a partition are kept, roughly, so that they are dropped together."""

    KEPT = 0
    """Something holds them: a pin, a legal hold, or a rule longer than that of their project."""
    SHORT = 1
    """Their project keeps 30 days or less."""
    MEDIUM = 2
    """Their project keeps 31 to 90 days."""
    LONG = 3
    """Their project keeps more than 90 days, or everything."""

    @classmethod
    def of_days(cls, kept_days: int | None) -> "RetentionClass":
        """Return the class of a project that keeps data for so many days; None is for ever."""
        if kept_days is None or kept_days > MEDIUM_DAYS:
            return cls.LONG
        return cls.SHORT if kept_days <= SHORT_DAYS else cls.MEDIUM
