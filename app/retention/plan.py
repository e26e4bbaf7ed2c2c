"""Plans what goes, as a pure function of rules and of what is stored.

    rules ─► days of projects that are due: by age, or the oldest for bytes ─┬► whole partitions
    keep rules ─► single replays ────────────────────────────────────────────┤  a project's day
    byte limits ─► single replays, the oldest first ─────────────────────────┴► single replays
    age, for counts ─► counts of sessions, outcomes and removals up to a day

Two ways lead to the end of a day. Where little outlives a partition, that little is moved out and
the partition is dropped, which costs next to nothing. Where much outlives it, the rows of the
projects whose day is due are deleted. Pinned and held replays outlive both.

Nothing is due on `OLD_DAY`: it is the day of rows whose real day is not known yet. Their replays go
one by one if a byte limit asks for it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from app.core.days import OLD_DAY, RetentionClass
from app.core.ids import ProjectId
from app.core.units import format_bytes
from app.db.counted_days import CountedDays
from app.projects.retention_rules import AtLimit, ProjectRules, ServerRules
from app.replays.model import ReplayKey
from app.replays.totals.sizes import ReplaySize

ROOM: Final = 0.02
"""The part of a byte limit that is freed in addition, so that the next replay still fits."""
_MOST_MOVED: Final = 0.25
"""If more than this part of a partition would have to be moved out, rows are deleted instead."""
SETTLED: Final = timedelta(days=2)
"""The age at which a day gets no new rows any more, so its partitions may be dropped."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Counts of what a project has in one partition, which holds a retention class of a day."""

    project_id: ProjectId
    day: date
    retention_class: int
    replays: int
    """All replays, including exempt ones."""
    rows: int
    """Rows of events, spans, logs and files, without those that name an exempt replay."""


@dataclass(frozen=True, slots=True)
class OldestReplays:
    """The oldest replays of a project that may go, or all of them."""

    replays: Sequence[ReplaySize]
    is_complete: bool = True
    """True if they are all that may be deleted. Otherwise the next plan deletes further ones."""


@dataclass(frozen=True, slots=True)
class RetentionInventory:
    """Everything that a plan depends on."""

    today: date
    """The day by the clock of Postgres (UTC)."""
    server: ServerRules
    rules: Mapping[ProjectId, ProjectRules]
    day_bytes: Mapping[tuple[ProjectId, date], int]
    """The bytes that each project stores, by day."""
    parts: Sequence[StoredPart] = ()
    """Counts of what lies in the partitions of days that may be due."""
    exempt: Sequence[ReplaySize] = ()
    """Replays that are pinned or held."""
    oldest: Mapping[ProjectId, OldestReplays] = field(default_factory=dict)
    """The oldest replays of the projects that exceed their limit."""
    rejected: Sequence[ReplaySize] = ()
    """Closed replays whose time is up and that match no keep rule of their project."""
    old_counts: Mapping[ProjectId, CountedDays] = field(default_factory=dict)
    """The counts of each project up to the last day that is due (`find_last_count_days`)."""
    counts_wait_until: date | None = None
    """The day on which counts begin to go after an update; None if it is over."""


@dataclass(frozen=True, slots=True)
class ProjectReason:
    """A project whose data ends, and the rule by which it does."""

    project_id: ProjectId
    rule: str


@dataclass(frozen=True, slots=True)
class DropPartition:
    """Move out what stays, and drop the partitions of a day and class."""

    day: date
    retention_class: int
    expiring: tuple[ProjectReason, ...]
    moved_replays: tuple[ReplayKey, ...] = ()
    """Exempt replays of the projects that expire."""
    moved_projects: tuple[ProjectId, ...] = ()
    """Projects that keep the day longer: everything of theirs is moved out."""


@dataclass(frozen=True, slots=True)
class DeleteProjectDay:
    """Delete what a project has in the partitions of a day and class, row by row."""

    project_id: ProjectId
    day: date
    retention_class: int
    rule: str
    kept_replays: tuple[ReplayKey, ...] = ()
    """Exempt replays, which stay where they are."""


@dataclass(frozen=True, slots=True)
class DeleteReplays:
    """Delete single replays of a project, the oldest first."""

    project_id: ProjectId
    keys: tuple[ReplayKey, ...]
    rule: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DeleteCounts:
    """Delete the counts of sessions, outcomes and removals of a project up to a day."""

    project_id: ProjectId
    first_day: date
    last_day: date
    rule: str
    rows: int
    waits_until: date | None = None
    """The day before which nothing is deleted (`count_notice.py`)."""


RetentionAct = DropPartition | DeleteProjectDay | DeleteReplays | DeleteCounts


def make_plan(inventory: RetentionInventory) -> list[RetentionAct]:
    """Return the acts that carry out the rules: days, oldest first, single replays, then counts."""
    planner = _Planner(inventory)
    return [*planner.end_days(), *planner.delete_single_replays(), *_delete_counts(inventory)]


def is_due(day: date, days: int | None, today: date) -> bool:
    """Tell whether a day has been kept for so many days after its end."""
    return days is not None and day != OLD_DAY and day + timedelta(days=days) < today


def find_last_due_day(days: int, today: date) -> date:
    """Return the youngest day that is due if so many days are kept."""
    return today - timedelta(days=days + 1)


def find_last_count_days(
    rules: Mapping[ProjectId, ProjectRules], server: ServerRules, today: date
) -> dict[ProjectId, date]:
    """Return the youngest day whose counts are due, by project."""
    return {
        project_id: find_last_due_day(of_project.count_days(server), today)
        for project_id, of_project in rules.items()
    }


def describe_age_rule(rules: ProjectRules, server: ServerRules) -> str:
    """Describe the rule by which a day of a project is due."""
    days = rules.effective_days(server) or 0
    counted = f"{days:,} day" if days == 1 else f"{days:,} days"
    own = server.default_days if rules.follows_server else rules.keep_days
    if own != days:
        return f"keep {counted}, the longest that this server keeps anything"
    return f"keep {counted}" + (", as this server does" if rules.follows_server else "")


def describe_limit_rule(rules: ProjectRules) -> str:
    """Describe the rule by which the oldest of a project goes."""
    return f"keep {format_bytes(rules.limit_bytes or 0)}, and let the oldest go"


def describe_keep_rule(rules: ProjectRules) -> str:
    """Describe the rule by which replays go that are not worth keeping."""
    hours = rules.rest_hours or 0
    counted = f"{hours:,} hour" if hours == 1 else f"{hours:,} hours"
    return (
        f"keep what matches {' or '.join(rules.keep_queries)}, and let the rest go {counted} later"
    )


def describe_count_rule(rules: ProjectRules, server: ServerRules) -> str:
    """Describe the rule by which counts go."""
    days = rules.count_days(server)
    return f"keep counts {days:,} day" if days == 1 else f"keep counts {days:,} days"


def _delete_counts(inventory: RetentionInventory) -> Iterator[DeleteCounts]:
    for project_id, counted in sorted(inventory.old_counts.items()):
        rule = describe_count_rule(inventory.rules[project_id], inventory.server)
        yield DeleteCounts(
            project_id, counted.first_day, counted.last_day, rule, counted.rows,
            waits_until=inventory.counts_wait_until,
        )  # fmt: skip


class _Planner:
    """Chooses the days and replays to delete, and then how to delete them."""

    def __init__(self, inventory: RetentionInventory) -> None:
        self._inventory = inventory
        self._exempt = {replay.key: replay for replay in inventory.exempt}
        self._exempt_by_day: defaultdict[tuple[ProjectId, date], list[ReplaySize]] = defaultdict(
            list
        )
        for replay in inventory.exempt:
            self._exempt_by_day[replay.key.project_id, replay.day].append(replay)
        self._due = self._find_days_due_by_age()
        self._single = self._choose_rejected()
        for project_id, rules in sorted(inventory.rules.items()):
            if rules.limit_bytes is not None and rules.at_limit is AtLimit.DELETE_OLDEST:
                self._free_room(project_id, rules, rules.limit_bytes)

    def end_days(self) -> Iterator[RetentionAct]:
        """Choose a way for each partition in which something is due."""
        by_partition: defaultdict[tuple[date, int], list[StoredPart]] = defaultdict(list)
        for part in self._inventory.parts:
            by_partition[part.day, part.retention_class].append(part)
        for _, parts in sorted(by_partition.items()):
            yield from self._end_partition(sorted(parts, key=lambda part: part.project_id))

    def delete_single_replays(self) -> Iterator[DeleteReplays]:
        """Group the replays that go one by one."""
        groups: defaultdict[tuple[ProjectId, str], list[ReplaySize]] = defaultdict(list)
        for replay, rule in self._single.values():
            groups[replay.key.project_id, rule].append(replay)
        for (project_id, rule), replays in sorted(groups.items()):
            ordered = sorted(replays, key=_age_of)
            keys = tuple(replay.key for replay in ordered)
            yield DeleteReplays(project_id, keys, rule, sum(map(_size_of, ordered)))

    def _find_days_due_by_age(self) -> dict[tuple[ProjectId, date], str]:
        inventory, due = self._inventory, {}
        days = {*inventory.day_bytes, *((part.project_id, part.day) for part in inventory.parts)}
        for project_id, day in days:
            rules = inventory.rules.get(project_id)
            if rules and is_due(day, rules.effective_days(inventory.server), inventory.today):
                due[project_id, day] = describe_age_rule(rules, inventory.server)
        return due

    def _choose_rejected(self) -> dict[ReplayKey, tuple[ReplaySize, str]]:
        """Choose what the keep rules reject, unless it goes with its day anyway."""
        inventory = self._inventory
        return {
            replay.key: (replay, describe_keep_rule(inventory.rules[replay.key.project_id]))
            for replay in inventory.rejected
            if replay.key not in self._exempt
            and replay.key.project_id in inventory.rules
            and (replay.key.project_id, replay.day) not in self._due
        }

    def _free_room(self, project_id: ProjectId, rules: ProjectRules, limit_bytes: int) -> None:
        """Choose the oldest days of a project, and the oldest replays of the next day."""
        days = sorted(day for owner, day in self._inventory.day_bytes if owner == project_id)
        left = {day: self._count_bytes_left(project_id, day) for day in days}
        if sum(left.values()) <= limit_bytes:
            return
        excess = sum(left.values()) - int(limit_bytes * (1 - ROOM))
        oldest = self._inventory.oldest.get(project_id, OldestReplays(()))
        replays_of_day = self._group_candidates(oldest.replays)
        # Not all replays are known of the last day that was read and of later days.
        last_day = max((replay.day for replay in oldest.replays), default=OLD_DAY)
        for day in days:
            is_known = oldest.is_complete or day < last_day
            if excess <= 0 or (not is_known and day > last_day):
                return
            if (project_id, day) not in self._due:
                excess -= self._free_room_of_day(
                    (project_id, day),
                    replays_of_day[day],
                    day_bytes=left[day] if is_known and day != OLD_DAY else None,
                    excess=excess,
                    rule=describe_limit_rule(rules),
                )

    def _free_room_of_day(
        self,
        project_day: tuple[ProjectId, date],
        candidates: Sequence[ReplaySize],
        *,
        day_bytes: int | None,
        excess: int,
        rule: str,
    ) -> int:
        """Choose a day, or only its oldest replays if that frees enough; return the bytes freed.

        Args:
            project_day: The project and the day.
            candidates: Replays of the day that may go, the oldest first.
            day_bytes: The bytes of the day; None if it must not be deleted as a whole.
            excess: The bytes to free.
            rule: The rule in words, for the receipt.
        """
        if day_bytes is not None and sum(map(_size_of, candidates)) < excess:
            self._due[project_day] = rule
            for key, (replay, _) in list(self._single.items()):
                if (key.project_id, replay.day) == project_day:
                    del self._single[key]
            return day_bytes - self._count_exempt_bytes(*project_day)
        freed = 0
        for replay in candidates:
            if freed >= excess:
                break
            self._single[replay.key] = replay, rule
            freed += replay.size_bytes
        return freed

    def _group_candidates(
        self, replays: Sequence[ReplaySize]
    ) -> defaultdict[date, list[ReplaySize]]:
        """Group the replays that may go one by one by their days, the oldest first."""
        groups: defaultdict[date, list[ReplaySize]] = defaultdict(list)
        for replay in sorted(replays, key=_age_of):
            if replay.key not in self._exempt and replay.key not in self._single:
                groups[replay.day].append(replay)
        return groups

    def _count_bytes_left(self, project_id: ProjectId, day: date) -> int:
        """Count what a day holds once everything that is chosen so far is gone."""
        if (project_id, day) in self._due:
            return self._count_exempt_bytes(project_id, day)
        chosen = sum(
            replay.size_bytes
            for replay, _ in self._single.values()
            if (replay.key.project_id, replay.day) == (project_id, day)
        )
        return max(0, self._inventory.day_bytes[project_id, day] - chosen)

    def _count_exempt_bytes(self, project_id: ProjectId, day: date) -> int:
        return sum(map(_size_of, self._exempt_by_day[project_id, day]))

    def _end_partition(self, parts: Sequence[StoredPart]) -> Iterator[RetentionAct]:
        expiring = [part for part in parts if self._has_due_content(part)]
        if not expiring:
            return
        day, retention_class = parts[0].day, parts[0].retention_class
        staying = [part for part in parts if part not in expiring]
        moved_rows = sum(map(_count_rows, staying))
        is_droppable = (
            retention_class != RetentionClass.KEPT
            and day != OLD_DAY
            and day + SETTLED <= self._inventory.today
            and moved_rows <= _MOST_MOVED * sum(map(_count_rows, parts))
        )
        if not is_droppable:
            for part in expiring:
                rule = self._due[part.project_id, day]
                kept = self._list_exempt(part)
                yield DeleteProjectDay(part.project_id, day, retention_class, rule, kept)
            return
        yield DropPartition(
            day,
            retention_class,
            tuple(
                ProjectReason(part.project_id, self._due[part.project_id, day]) for part in expiring
            ),
            tuple(key for part in expiring for key in self._list_exempt(part)),
            tuple(part.project_id for part in staying),
        )

    def _has_due_content(self, part: StoredPart) -> bool:
        """Tell whether anything in a part is deleted: it is due, and not all of it is exempt."""
        if (part.project_id, part.day) not in self._due:
            return False
        return bool(part.rows) or part.replays > len(self._list_exempt(part))

    def _list_exempt(self, part: StoredPart) -> tuple[ReplayKey, ...]:
        return tuple(
            sorted(
                replay.key
                for replay in self._exempt_by_day[part.project_id, part.day]
                if replay.retention_class == part.retention_class
            )
        )


def _age_of(replay: ReplaySize) -> tuple[datetime, ReplayKey]:
    return replay.first_received_at, replay.key


def _size_of(replay: ReplaySize) -> int:
    return replay.size_bytes


def _count_rows(part: StoredPart) -> int:
    return part.replays + part.rows
