"""A deletion takes the rows that digest takes too in the same order, so that neither is refused."""

import asyncio

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.ids import ReplayId
from app.erasure.replay import erase_replay
from app.replays.model import ReplayKey
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server
from tests.support.waiting import until_asked

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_deletion_waits_for_counts_of_links_before_it_changes_totals(tenant: Server):
    """Digest adds to the counts of links first and to the totals of storage last."""
    await tenant.take(envelopes.replay_video_envelope(0), envelopes.event_envelope())
    project = {"project": tenant.app.id}

    async def is_deletion_waiting() -> bool:
        async with tenant.database.reading() as connection:
            return bool(
                await connection.scalar(
                    text(
                        "select exists (select from pg_stat_activity where wait_event_type = 'Lock'"
                        " and datname = current_database() and query like '%issue_link_counts%')"
                    )
                )
            )

    async with tenant.database.transaction() as connection:
        counts = "select replays from issue_link_counts where project_id = :project for update"
        assert await connection.scalar(text(counts), project) == 1
        key = ReplayKey(tenant.app.id, ReplayId(REPLAY_ID))
        deletion = asyncio.create_task(
            erase_replay(tenant.database, key, person_id=None, at=clock.now())
        )
        await until_asked(is_deletion_waiting)
        totals = "update storage_days set items = items where project_id = :project"
        assert (await connection.execute(text(totals), project)).rowcount
    await deletion
