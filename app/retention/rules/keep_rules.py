"""Judges closed replays by the keep rules of their project.

    a replay closes ─► a check on the list ─► hours later: does a query match? ─► stays
                                                                             └─► goes

A replay is judged late, since errors of a backend may come after it. A late segment closes it
again, and then it is judged again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.closing.step import ClosedReplay
from app.core.errors import NotFound
from app.core.ids import ProjectId
from app.db.engine import Database
from app.playback.replay_search import check_query, match_replays
from app.projects import queries as projects, retention_rules
from app.projects.retention_rules import ProjectRules
from app.replays import queries as replays
from app.replays.keeping import keep_checks
from app.replays.model import Replay, ReplayKey

BATCH: Final = 200
"""Replays that are judged together: one query counts their errors."""


class KeepRuleStep:
    """The closing step that lists a replay for later judgement if its project has keep rules."""

    name = "keep rules"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, replay: ClosedReplay) -> None:
        """Put the replay on the list of those that are judged once their time is up.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        async with self._database.transaction() as connection:
            try:
                rules = await retention_rules.read_rules(connection, replay.key.project_id)
            except NotFound:
                return
            if rules.rest_hours is not None:
                await keep_checks.add_keep_check(connection, replay.key, closed_at=replay.closed_at)


async def judge_replays(
    connection: AsyncConnection, project_id: ProjectId, rules: ProjectRules, *, now: datetime
) -> tuple[list[ReplayKey], list[ReplayKey]]:
    """Judge the next replays of a project whose time is up.

    Those that stay are taken off the list; those that go leave it with their rows.

    Returns:
        The replays that go, and those that stay.
    """
    if rules.rest_hours is None:
        return [], []
    closed_before = now - timedelta(hours=rules.rest_hours)
    due = await keep_checks.find_due_checks(
        connection, project_id, closed_before=closed_before, limit=BATCH
    )
    found = await replays.read_replays(connection, due)
    rejected = await find_rejected(connection, found, rules, now=now)
    rejected_keys = {replay.key for replay in rejected}
    staying = [key for key in due if key not in rejected_keys]
    await keep_checks.finish_checks(connection, staying, closed_before=closed_before)
    return sorted(rejected_keys), staying


async def find_rejected(
    connection: AsyncConnection, found: Sequence[Replay], rules: ProjectRules, *, now: datetime
) -> list[Replay]:
    """Return the replays that no keep rule matches, in their order."""
    left = list(found)
    readable = await projects.list_all_project_ids(connection) if left else []
    for query_text in rules.keep_queries:
        if left:
            matching = await match_replays(
                connection, left, check_query(query_text), readable=readable, now=now
            )
            left = [replay for replay in left if replay.key not in matching]
    return left
