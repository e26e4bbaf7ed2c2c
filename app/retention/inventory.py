"""Reads what a plan depends on: rules, totals, what lies in the partitions of days that may be due.

Days are looked at closely only where something may be due: by age, or because a project exceeds
its limit. Of those, only the partitions in which something of such a project is left.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import OLD_DAY
from app.core.ids import ProjectId
from app.db.counted_days import CountedDays
from app.db.partitions import day_rows, days
from app.db.partitions.days import Partition
from app.issues.deletion import expire as issue_expiry
from app.projects import day_totals, old_counts, retention_rules
from app.projects.retention_rules import AtLimit, ProjectRules, ServerRules
from app.releases import expire as session_expiry
from app.replays.totals import sizes
from app.replays.totals.sizes import ReplaySize
from app.retention import count_notice
from app.retention.plan import (
    OldestReplays,
    RetentionInventory,
    StoredPart,
    find_last_count_days,
    find_last_due_day,
)

MOST_OLDEST: Final = 2_000
"""The most replays of one project that one plan deletes singly."""
_SEGMENTS: Final = "segments"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of the server and of all projects."""

    server: ServerRules
    projects: Mapping[ProjectId, ProjectRules]


@dataclass(frozen=True, slots=True)
class Exemptions:
    """The replays that are pinned or held, and the events that name them."""

    replays: tuple[ReplaySize, ...]
    event_ids: tuple[str, ...]

    @property
    def replay_ids(self) -> list[str]:
        """The ids of the replays."""
        return [replay.key.replay_id for replay in self.replays]

    def of_family(self, family: str) -> Sequence[str]:
        """Return the ids whose rows in a table are spared: of events, or of replays."""
        return self.event_ids if day_rows.OWNERS[family] == "event_id" else self.replay_ids


async def read_rule_set(connection: AsyncConnection, *, longest_days: int | None = None) -> RuleSet:
    """Read all rules.

    Args:
        connection: The connection to read with.
        longest_days: The most days that the settings of the server allow; None for no such limit.
    """
    server = await retention_rules.read_server_rules(connection)
    limits = [days for days in (server.longest_days, longest_days) if days is not None]
    server = replace(server, longest_days=min(limits, default=None))
    return RuleSet(server, await retention_rules.read_all_rules(connection))


async def read_exemptions(connection: AsyncConnection) -> Exemptions:
    """Read what is pinned or held."""
    replays = tuple(await sizes.read_exempt_replays(connection))
    event_ids = await issue_expiry.find_events_of_replays(
        connection, [replay.key.replay_id for replay in replays]
    )
    return Exemptions(replays, tuple(event_ids))


async def read_inventory(
    connection: AsyncConnection,
    rule_set: RuleSet,
    *,
    rejected: Sequence[ReplaySize] = (),
    exemptions: Exemptions | None = None,
) -> RetentionInventory:
    """Read everything that a plan depends on.

    Args:
        connection: The connection to read with.
        rule_set: The current rules, or rules that somebody considers.
        rejected: Replays that no keep rule matches.
        exemptions: The pinned and held replays, if they are known already.
    """
    today = await days.read_today(connection)
    exempt = exemptions or await read_exemptions(connection)
    day_bytes = await day_totals.sum_days(connection)
    oldest = await _read_oldest(connection, rule_set, day_bytes)
    candidates = await _find_candidates(connection, rule_set, day_bytes, oldest, today)
    parts = await _read_parts(connection, candidates, exempt)
    return RetentionInventory(
        today=today,
        server=rule_set.server,
        rules=rule_set.projects,
        day_bytes=day_bytes,
        parts=parts,
        exempt=exempt.replays,
        oldest=oldest,
        rejected=rejected,
        old_counts=await read_old_counts(connection, rule_set, today),
        counts_wait_until=await count_notice.read_first_day(connection),
    )


async def read_old_counts(
    connection: AsyncConnection, rule_set: RuleSet, today: date
) -> dict[ProjectId, CountedDays]:
    """Read what projects counted on days that are due; projects without such days are left out."""
    last_days = find_last_count_days(rule_set.projects, rule_set.server, today)
    counted = await old_counts.count_old_counts(connection, last_days)
    sessions = await session_expiry.count_old_sessions(connection, last_days)
    for project_id, of_sessions in sessions.items():
        counted[project_id] = of_sessions.merge(counted.get(project_id))
    return counted


async def read_added_counts(
    connection: AsyncConnection, considered: RuleSet, present: RuleSet, today: date
) -> dict[ProjectId, CountedDays]:
    """Read the counts that rules would delete and the present ones do not.

    Every night some are due by the present rules until the next run. These are not what a change
    deletes, even of a rule that has nothing to do with them.

    Args:
        connection: The connection to read with.
        considered: Rules of some projects that somebody considers.
        present: The current rules of all projects.
        today: The day from which ages count.
    """
    due = find_last_count_days(present.projects, present.server, today)
    due_now = await read_old_counts(connection, present, today)
    return {
        project_id: counted.leave_out(due.get(project_id, date.min), due_now.get(project_id))
        for project_id, counted in (await read_old_counts(connection, considered, today)).items()
        if counted.last_day > due.get(project_id, date.min)
    }


async def find_exceeding_projects(connection: AsyncConnection) -> list[ProjectId]:
    """Return the projects that exceed their limit and delete the oldest data at it."""
    limits = await retention_rules.list_deleting_limits(connection)
    totals = await day_totals.sum_projects(connection, list(limits))
    return [project_id for project_id in limits if totals.get(project_id, 0) > limits[project_id]]


async def _read_oldest(
    connection: AsyncConnection,
    rule_set: RuleSet,
    day_bytes: Mapping[tuple[ProjectId, date], int],
) -> dict[ProjectId, OldestReplays]:
    totals: defaultdict[ProjectId, int] = defaultdict(int)
    for (project_id, _), size_bytes in day_bytes.items():
        totals[project_id] += size_bytes
    oldest = {}
    for project_id, rules in rule_set.projects.items():
        limit_bytes = rules.limit_bytes
        if limit_bytes is None or rules.at_limit is not AtLimit.DELETE_OLDEST:
            continue
        if totals[project_id] > limit_bytes:
            replays = await sizes.read_oldest_replays(connection, project_id, limit=MOST_OLDEST)
            oldest[project_id] = OldestReplays(replays, is_complete=len(replays) < MOST_OLDEST)
    return oldest


async def _find_candidates(
    connection: AsyncConnection,
    rule_set: RuleSet,
    day_bytes: Mapping[tuple[ProjectId, date], int],
    oldest: Collection[ProjectId],
    today: date,
) -> set[tuple[ProjectId, date]]:
    """Find the days of projects that may be due; other days are not read, so nothing goes there."""
    last_days = {}
    for project_id, rules in rule_set.projects.items():
        kept_days = rules.effective_days(rule_set.server)
        if kept_days is not None:
            last_days[project_id] = find_last_due_day(kept_days, today)
    counts = await sizes.count_replays_until(connection, last_days)
    candidates = {(count.project_id, count.day) for count in counts}
    for project_id, day in day_bytes:
        last_day = last_days.get(project_id)
        if day != OLD_DAY and (project_id in oldest or (last_day is not None and day <= last_day)):
            candidates.add((project_id, day))
    return candidates


async def _read_parts(
    connection: AsyncConnection, candidates: Collection[tuple[ProjectId, date]], exempt: Exemptions
) -> list[StoredPart]:
    """Count replays and rows in each partition in which a candidate has something deletable."""
    if not candidates:
        return []
    by_day: defaultdict[date, set[ProjectId]] = defaultdict(set)
    for project_id, day in candidates:
        by_day[day].add(project_id)
    partitions = [
        partition for partition in await days.list_partitions(connection) if partition.day in by_day
    ]
    replays = await _count_replays(connection, by_day)
    chosen = _find_parts_with_replays(replays, by_day, exempt)
    for partition in partitions:
        if partition[1:] not in chosen and await _has_rows(
            connection, partition, by_day[partition.day], exempt
        ):
            chosen.add((partition.day, partition.retention_class))
    rows: Counter[tuple[ProjectId, date, int]] = Counter()
    for partition in partitions:
        if partition[1:] in chosen:
            counted = await _count_rows(connection, partition, by_day[partition.day], exempt)
            for project_id, quantity in counted.items():
                rows[project_id, partition.day, partition.retention_class] += quantity
    return [
        StoredPart(*part, replays=replays[part], rows=rows[part])
        for part in sorted({*replays, *rows})
        if part[1:] in chosen and (replays[part] or rows[part])
    ]


async def _has_rows(
    connection: AsyncConnection,
    partition: Partition,
    project_ids: Collection[ProjectId],
    exempt: Exemptions,
) -> bool:
    """Tell whether candidates have deletable rows in a partition."""
    if partition.family == _SEGMENTS:
        return bool(await _count_rows(connection, partition, project_ids, exempt))
    spared = exempt.of_family(partition.family)
    return await day_rows.has_rows(connection, partition, project_ids, spared=spared)


async def _count_rows(
    connection: AsyncConnection,
    partition: Partition,
    project_ids: Collection[ProjectId],
    exempt: Exemptions,
) -> dict[ProjectId, int]:
    """Count the rows of a partition by project; segments only if their replay is gone."""
    if partition.family == _SEGMENTS:
        return await sizes.count_orphaned_segments(
            connection, partition.day, partition.retention_class, project_ids
        )
    spared = exempt.of_family(partition.family)
    return await day_rows.count_rows(connection, partition, spared=spared)


async def _count_replays(
    connection: AsyncConnection, days_of_interest: Collection[date]
) -> Counter[tuple[ProjectId, date, int]]:
    counts = await sizes.count_replays_on_days(connection, days_of_interest)
    return Counter(
        {(count.project_id, count.day, count.retention_class): count.replays for count in counts}
    )


def _find_parts_with_replays(
    replays: Mapping[tuple[ProjectId, date, int], int],
    by_day: Mapping[date, Collection[ProjectId]],
    exempt: Exemptions,
) -> set[tuple[date, int]]:
    """Find the days and classes in which a candidate has a replay that nothing keeps."""
    kept = Counter(
        (replay.key.project_id, replay.day, replay.retention_class) for replay in exempt.replays
    )
    return {
        (day, retention_class)
        for (project_id, day, retention_class), quantity in replays.items()
        if project_id in by_day[day] and quantity > kept[project_id, day, retention_class]
    }
