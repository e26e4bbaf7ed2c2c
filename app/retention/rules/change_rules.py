"""Reads and changes the rules of projects and of the server, and foretells what they delete."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core import clock
from app.core.days import OLD_DAY, RetentionClass
from app.core.errors import PermissionDenied
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.db.partitions import days
from app.debug_files import queries as debug_files
from app.debug_files.model import DebugFileTotal
from app.memberships.model import ProjectAccess, Role
from app.projects import day_totals, retention_rules
from app.projects.day_totals import KindTotal
from app.projects.retention_rules import ProjectRules, ServerRules
from app.replays import queries as replays
from app.replays.keeping import holds, keep_checks, pins
from app.replays.keeping.model import ReplayHold, ReplayPin
from app.replays.model import Replay
from app.replays.totals import sizes
from app.retention import count_notice, inventory, receipts
from app.retention.inventory import RuleSet
from app.retention.preview import DayTotal, DeletionEstimate, estimate_deletion
from app.retention.receipts import DayReceipt
from app.retention.rules import keep_rules

SHOWN_KEPT: Final = 50
SHOWN_RECEIPTS: Final = 20
_JUDGED: Final = 1_000
"""The most replays that are judged to estimate what keep rules would delete."""


@dataclass(frozen=True, slots=True)
class KeepEstimate:
    """The number of replays that keep rules would delete, counted on some or all of them."""

    rejected: int
    judged: int
    is_all: bool
    """True if every replay that the rules may delete was judged."""
    later: int = 0
    """How many of the rejected ones go only when their hours are over."""
    rest_hours: int = 0
    """The hours after the end of a recording."""


@dataclass(frozen=True, slots=True)
class RulesPreview:
    """An estimate of what rules would delete at once, and keep rules within their hours."""

    estimate: DeletionEstimate
    kept: KeepEstimate

    @property
    def deletes(self) -> bool:
        """True if anything would be deleted."""
        return self.deletes_at_once or bool(self.kept.rejected)

    @property
    def deletes_at_once(self) -> bool:
        """True if anything would be deleted as soon as the rules are saved."""
        return self.estimate.deletes or self.kept.rejected > self.kept.later


@dataclass(frozen=True, slots=True)
class ProjectRetention:
    """The rules of a project, what it stores, and what was deleted lately."""

    rules: ProjectRules
    server: ServerRules
    """The rules of the server; the longest time may come from its settings."""
    kinds: Sequence[KindTotal]
    debug_files: Sequence[DebugFileTotal]
    """Its debug files by kind; rules of days or bytes do not concern them."""
    day_bytes: Mapping[date, int]
    counts_wait_until: date | None
    """The day on which counts begin to be deleted after an update; None if they are."""
    today: date
    pins: Sequence[ReplayPin]
    pinned: int
    holds: Sequence[ReplayHold]
    held: int
    receipts: Sequence[DayReceipt]
    names: Mapping[PersonId, str]


async def read_project_retention(
    database: Database, access: ProjectAccess, *, longest_days: int | None
) -> ProjectRetention:
    """Read the contents of the page of a project's rules, which every member may see."""
    project_id = access.project.id
    async with database.reading() as connection:
        rule_set = await inventory.read_rule_set(connection, longest_days=longest_days)
        shown_pins = await pins.list_pins(connection, [project_id], limit=SHOWN_KEPT)
        shown_holds = await holds.list_holds(connection, [project_id], limit=SHOWN_KEPT)
        people = {pin.pinned_by for pin in shown_pins} | {hold.held_by for hold in shown_holds}
        return ProjectRetention(
            rules=rule_set.projects.get(project_id, ProjectRules()),
            server=rule_set.server,
            kinds=await day_totals.sum_kinds(connection, project_id=project_id),
            debug_files=await debug_files.sum_debug_files(connection, [project_id]),
            day_bytes=await day_totals.sum_days_of(connection, project_id),
            counts_wait_until=await count_notice.read_first_day(connection),
            today=await days.read_today(connection),
            pins=shown_pins,
            pinned=(await pins.count_pins(connection, [project_id])).get(project_id, 0),
            holds=shown_holds,
            held=(await holds.count_holds(connection, [project_id])).get(project_id, 0),
            receipts=await receipts.list_receipts(connection, [project_id], limit=SHOWN_RECEIPTS),
            names=await accounts.read_person_names(
                connection, sorted(person for person in people if person is not None)
            ),
        )


async def preview_rules(
    database: Database, access: ProjectAccess, rules: ProjectRules, *, longest_days: int | None
) -> RulesPreview:
    """Estimate what rules would delete if they were saved.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.reading() as connection:
        rule_set = await inventory.read_rule_set(connection, longest_days=longest_days)
        return await estimate_rules(connection, access.project.id, rules, rule_set)


async def estimate_rules(
    connection: AsyncConnection, project_id: ProjectId, rules: ProjectRules, present: RuleSet
) -> RulesPreview:
    """Estimate what rules would delete of a project, from its totals and up to 1,000 replays.

    Raises:
        NotFound: There is no such project.
    """
    today = await days.read_today(connection)
    totals = await _read_day_totals(connection, project_id)
    estimate = estimate_deletion(rules, present.server, totals, today)
    counts = await inventory.read_added_counts(
        connection, RuleSet(present.server, {project_id: rules}), present, today
    )
    return RulesPreview(
        replace(estimate, counts=counts.get(project_id)),
        await _judge_some(connection, project_id, rules),
    )


async def change_rules(
    database: Database, access: ProjectAccess, rules: ProjectRules, *, longest_days: int | None
) -> None:
    """Save the rules of a project; what they no longer keep is deleted from now on.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        InvalidInput: A rule is impossible.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        await save_rules(
            connection,
            access.project.id,
            rules,
            person_id=access.person.id,
            longest_days=longest_days,
        )


async def save_rules(
    connection: AsyncConnection,
    project_id: ProjectId,
    rules: ProjectRules,
    *,
    person_id: PersonId | None,
    longest_days: int | None,
) -> None:
    """Save the rules of a project for a person or for the command line.

    Raises:
        InvalidInput: A rule is impossible.
        NotFound: There is no such project.
    """
    before = await retention_rules.read_rules(connection, project_id)
    await retention_rules.write_rules(connection, project_id, rules)
    if rules.keep_queries and (before.keep_queries, before.rest_hours) != (
        rules.keep_queries,
        rules.rest_hours,
    ):
        await keep_checks.add_all_keep_checks(connection, project_id)
    await _apply_rules(connection, longest_days)
    await audit.add_audit_line(
        connection,
        Action.RETENTION_CHANGED,
        person_id=person_id,
        project_id=project_id,
        detail=_describe_change(rules),
    )


async def change_server_rules(
    database: Database, person: Person, rules: ServerRules, *, longest_days: int | None
) -> None:
    """Save the rules of the server.

    Raises:
        PermissionDenied: The person is not an admin of the server.
        InvalidInput: A number of days is impossible.
    """
    require_server_admin(person)
    async with database.transaction() as connection:
        await retention_rules.write_server_rules(connection, rules, person_id=person.id)
        await _apply_rules(connection, longest_days)
        await audit.add_audit_line(
            connection,
            Action.SERVER_RETENTION_CHANGED,
            person_id=person.id,
            detail={"default_days": rules.default_days, "longest_days": rules.longest_days},
        )


async def preview_server_rules(
    database: Database, person: Person, rules: ServerRules, *, longest_days: int | None
) -> DeletionEstimate:
    """Estimate what rules of the server would delete in all projects if they were saved.

    Raises:
        PermissionDenied: The person is not an admin of the server.
    """
    require_server_admin(person)
    limits = [each for each in (rules.longest_days, longest_days) if each is not None]
    server = replace(rules, longest_days=min(limits, default=None))
    total = DeletionEstimate()
    async with database.reading() as connection:
        rule_set = await inventory.read_rule_set(connection, longest_days=longest_days)
        today = await days.read_today(connection)
        for project_id, of_project in rule_set.projects.items():
            totals = await _read_day_totals(connection, project_id)
            estimate = estimate_deletion(of_project, server, totals, today)
            for day in (estimate.first_day, estimate.last_day):
                if day is not None:
                    total = total.plus(day, 0, 0)
            total = replace(
                total,
                replays=total.replays + estimate.replays,
                size_bytes=total.size_bytes + estimate.size_bytes,
            )
        counts = await inventory.read_added_counts(
            connection, RuleSet(server, rule_set.projects), rule_set, today
        )
        for counted in counts.values():
            total = replace(total, counts=counted.merge(total.counts))
    return total


def require_server_admin(person: Person) -> None:
    """Make sure that a person is an admin of the server.

    Raises:
        PermissionDenied: They are not.
    """
    if not person.is_admin:
        raise PermissionDenied("this needs an admin of the server")


async def _apply_rules(connection: AsyncConnection, longest_days: int | None) -> None:
    """Set the retention class of new data by the current rules, and ask for a run."""
    rule_set: RuleSet = await inventory.read_rule_set(connection, longest_days=longest_days)
    await retention_rules.set_classes(
        connection,
        {
            project_id: RetentionClass.of_days(rules.effective_days(rule_set.server))
            for project_id, rules in rule_set.projects.items()
        },
    )
    await receipts.want_run(connection)


async def _read_day_totals(connection: AsyncConnection, project_id: ProjectId) -> list[DayTotal]:
    day_bytes = await day_totals.sum_days_of(connection, project_id)
    counts = await sizes.count_replays_by_day(connection, project_id)
    exempt: defaultdict[date, list[int]] = defaultdict(list)
    for replay in await sizes.read_exempt_replays(connection):
        if replay.key.project_id == project_id:
            exempt[replay.day].append(replay.size_bytes)
    return [
        DayTotal(day, counts.get(day, 0), day_bytes.get(day, 0), len(exempt[day]), sum(exempt[day]))
        for day in sorted({*day_bytes, *counts})
        if day != OLD_DAY or counts.get(day)
    ]


async def _judge_some(
    connection: AsyncConnection, project_id: ProjectId, rules: ProjectRules
) -> KeepEstimate:
    """Judge replays by keep rules, also young ones unless the rules in force doom them already."""
    if rules.rest_hours is None:
        return KeepEstimate(0, 0, is_all=True)
    now = clock.now().astimezone(UTC)
    due_before = now - timedelta(hours=rules.rest_hours)
    before = await retention_rules.read_rules(connection, project_id)
    are_new = (before.keep_queries, before.rest_hours) != (rules.keep_queries, rules.rest_hours)
    keys = await keep_checks.list_unkept(
        connection, project_id, limit=_JUDGED, closed_before=None if are_new else due_before
    )
    rejected: list[Replay] = []
    for first in range(0, len(keys), keep_rules.BATCH):
        found = await replays.read_replays(connection, keys[first : first + keep_rules.BATCH])
        rejected += await keep_rules.find_rejected(connection, found, rules, now=now)
    return KeepEstimate(
        len(rejected),
        len(keys),
        is_all=len(keys) < _JUDGED,
        later=sum(each.closed_at is None or each.closed_at > due_before for each in rejected),
        rest_hours=rules.rest_hours,
    )


def _describe_change(rules: ProjectRules) -> ActionDetail:
    keeps: str | int = rules.keep_days or "for ever"
    return {
        "keep_days": "as the server" if rules.follows_server else keeps,
        "limit_bytes": rules.limit_bytes,
        "at_limit": rules.at_limit.value,
        # Not their text, which may name a user of the app: lines outlive an erasure.
        "keep_rules": len(rules.keep_queries),
        "rest_hours": rules.rest_hours,
    }
