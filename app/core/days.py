"""Days and retention classes: by them, data that ends together lies together.

A day is a UTC date by the clock of Postgres. A replay belongs to the day on which its first row was
written, whatever the phone's clock says. Events, spans, logs and files belong to the day on which
they were stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Final, NamedTuple

from app.core import clock
from app.core.ids import ProjectId, ReplayId

OLD_DAY: Final = date(1970, 1, 1)
"""The day of rows that a release before days stored, until they are moved to their own day."""
FIRST_DAY: Final = date(2000, 1, 2)
"""The earliest day that a row can have, apart from `OLD_DAY`."""
SHORT_DAYS: Final = 30
MEDIUM_DAYS: Final = 90


class RetentionClass(IntEnum):
    """The rough time for which the rows of a partition are kept, so they are dropped together."""

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


class DaySlot(NamedTuple):
    """A day and a retention class: rows of a table that share both lie in one partition."""

    day: date
    retention_class: int


OLD_SLOT: Final = DaySlot(OLD_DAY, RetentionClass.LONG)
"""The slot of rows that a release before days stored."""


@dataclass(frozen=True, slots=True)
class BatchDays:
    """The days and classes that the rows of one batch get."""

    today: date
    """The day by Postgres' clock on which the transaction began."""
    class_by_project: Mapping[ProjectId, int] = field(default_factory=dict)
    slot_by_replay: Mapping[tuple[ProjectId, ReplayId], DaySlot] = field(default_factory=dict)
    """The slots of the replays of its segments: of their rows, or of today if they have none."""
    since: date | None = None
    """The day before which nothing was stored that belongs to the replays of the batch; None if
    that is not known."""

    def slot_of(self, project_id: ProjectId) -> DaySlot:
        """Return the slot of what a project stores now."""
        return DaySlot(self.today, self.class_by_project.get(project_id, RetentionClass.LONG))

    @property
    def recent(self) -> list[date]:
        """The days on which a row may have been stored that comes again now.

        A sender repeats within hours. What a release before days stored is among them.
        """
        return [OLD_DAY, self.today - timedelta(days=1), self.today]


class DayClock:
    """Tells the day by Postgres' clock without asking it, for names of objects."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def set_time(self, now: datetime) -> None:
        """Note what Postgres' clock shows now."""
        self._ahead = now - clock.now()

    def today(self) -> date:
        """Return the day; before `set_time` was called it is that of this machine's clock."""
        return (clock.now() + self._ahead).date()
