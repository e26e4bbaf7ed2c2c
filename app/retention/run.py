"""Runs retention: plans, carries out, and plans again until nothing is due.

One process does it at a time, by a lease that each step renews. It may stop at any point: the next
run plans from what is stored then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.issues.deletion import expire as issue_expiry
from app.replays.model import ReplayKey
from app.replays.totals import sizes
from app.replays.totals.sizes import ReplaySize
from app.retention import count_notice, execute, inventory, plan, receipts
from app.retention.inventory import RuleSet
from app.retention.plan import DeleteCounts, RetentionAct, RetentionInventory
from app.retention.rules import keep_rules

_MOST_ROUNDS: Final = 1_000
"""The most plans of one run; the next run deletes what is left then."""
_MARKS_KEPT_FOR: Final = timedelta(days=365)
"""The time for which the pages of expired issues and the receipts of days are kept."""

_logger: Final = log.get_logger("retention")


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """The acts of a plan, and what they were planned from."""

    acts: Sequence[RetentionAct]
    inventory: RetentionInventory


async def plan_now(
    connection: AsyncConnection,
    *,
    longest_days: int | None,
    rule_set: RuleSet | None = None,
) -> RetentionPlan:
    """Make the plan that would be carried out now, without keep rules, which take long to judge.

    Args:
        connection: The connection to read with.
        longest_days: The most days that the settings of the server allow.
        rule_set: Rules that somebody considers; None for the current ones.
    """
    rules = rule_set or await inventory.read_rule_set(connection, longest_days=longest_days)
    stored = await inventory.read_inventory(connection, rules)
    return RetentionPlan(plan.make_plan(stored), stored)


async def run_retention(database: Database, *, longest_days: int | None) -> int | None:
    """Delete everything that is due.

    Returns:
        The number of acts that were carried out; None if another process is running.

    Raises:
        ServiceUnavailable: Postgres does not answer; the next run goes on.
    """
    async with database.transaction() as connection:
        if not await receipts.take_lease(connection):
            return None
    try:
        done = await _run_until_done(database, longest_days)
    except BaseException as error:
        await _note_failure(database, error)
        raise
    async with database.transaction() as connection:
        await receipts.end_run(connection)
    return done


async def _run_until_done(database: Database, longest_days: int | None) -> int:
    done = 0
    before: list[RetentionAct] = []
    for _ in range(_MOST_ROUNDS):
        acts, is_judging = await _plan_round(database, longest_days)
        if acts and acts == before:
            _logger.warning("retention makes no progress", acts=str(acts)[:1_000])
            break
        before = acts
        for act in acts:
            _logger.info("retention", act=str(act)[:500])
            await execute.carry_out(database, act)
        done += len(acts)
        if not acts and not is_judging:
            break
    async with database.transaction() as connection:
        oldest = clock.now() - _MARKS_KEPT_FOR
        await issue_expiry.delete_old_issue_tombstones(connection, oldest)
        await receipts.delete_old_receipts(connection, oldest)
    return done


async def _plan_round(
    database: Database, longest_days: int | None
) -> tuple[list[RetentionAct], bool]:
    """Make the next plan; return also whether any replays were judged by keep rules."""
    async with database.transaction() as connection:
        await receipts.renew_lease(connection)
        rule_set = await inventory.read_rule_set(connection, longest_days=longest_days)
        rejected, is_judging = await _judge_replays(connection, rule_set)
    async with database.reading() as connection:
        stored = await inventory.read_inventory(connection, rule_set, rejected=rejected)
    acts = plan.make_plan(stored)
    waiting = [act for act in acts if isinstance(act, DeleteCounts) and act.waits_until]
    if waiting:
        async with database.transaction() as connection:
            await count_notice.announce(connection, waiting)
    return [act for act in acts if act not in waiting], is_judging


async def _judge_replays(
    connection: AsyncConnection, rule_set: RuleSet
) -> tuple[list[ReplaySize], bool]:
    """Judge the next replays of each project with keep rules."""
    going: list[ReplayKey] = []
    is_judging = False
    for project_id, rules in rule_set.projects.items():
        rejected, staying = await keep_rules.judge_replays(
            connection, ProjectId(project_id), rules, now=clock.now()
        )
        going += rejected
        is_judging = is_judging or bool(rejected or staying)
    return await sizes.read_replay_sizes(connection, going), is_judging


async def _note_failure(database: Database, error: BaseException) -> None:
    """Give the lease back and say why the run ended, if Postgres answers."""
    try:
        async with database.transaction() as connection:
            await receipts.end_run(connection, problem=str(error) or type(error).__name__)
    except ServiceUnavailable:
        _logger.warning("the lease of retention ends by itself")
