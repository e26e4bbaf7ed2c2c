"""F1: the server is killed at every await of closing and sealing; nothing is lost or doubled."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.db.engine import Database
from tests.support import programme_size, sealing
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant
from tests.support.report import Report
from tests.support.servers import process, s3
from tests.support.servers.process import LaunchOptions
from tests.support.servers.server import Keyed, keyed, running

KILLS = programme_size.rounds(ci=10, nightly=400)
LIVES = 10
"""Kills in a row before everything is checked; each server goes on with what the last one left."""
STEPS = {"closing/sealing/": 240, "closing/": 1_200}
"""About as many steps as it takes to seal a few replays, and to close them with all the waiting for
the next one."""
QUIET_S = 0.05
"""Replays close so soon that late segments reopen them all the time, and they are sealed anew."""


async def run_until_killed(
    database_url: str,
    folder: Path,
    to: Keyed,
    ledger: Ledger,
    *,
    within: str,
    step: int,
    storage: dict[str, Any],
) -> str:
    """Let a server take traffic and seal until it kills itself; return the place in its code."""
    options = LaunchOptions(kill_at=step, kill_within=within)
    settings = {**storage, "replay_quiet_s": QUIET_S}
    with process.launch_server(database_url, folder, options, **settings) as server:
        if await asyncio.to_thread(server.listens):
            await traffic.send_as_phones(
                server.base_url, to, ledger, is_over=lambda: not server.is_alive(), pause_s=0.01
            )
        server.wait()
        assert server.place is not None, "the server ended by itself, before the step"
        return server.place


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Offer settings for local disk, and for a bucket."""
    if request.param == "local":
        yield {}
        return
    with s3.serving() as service:
        access = service.access
        yield {
            "storage": f"s3://{service.new_bucket()}",
            "s3_endpoint_url": access.endpoint_url,
            "s3_region": access.region,
            "s3_access_key_id": access.key_id,
            "s3_secret_access_key": access.secret.get_secret_value() if access.secret else None,
            "s3_addressing": "path",
        }


async def test_a_kill_at_any_step_of_sealing_loses_nothing(
    database_url: str, tmp_path: Path, report: Report, storage: dict[str, Any]
) -> None:
    """Whatever sealing does when its process is killed, each segment is there once and whole."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    dice = programme_size.seeded_dice("sealing kill steps")
    places: set[str] = set()
    ledger = Ledger(dice)
    for first in range(0, KILLS, LIVES):
        for number in range(first, min(first + LIVES, KILLS)):
            within = "closing/" if number % 5 == 0 else "closing/sealing/"
            place = await run_until_killed(
                database_url,
                tmp_path,
                to,
                ledger,
                within=within,
                step=1 + dice.randrange(STEPS[within]),
                storage=storage,
            )
            places.add(place)
            await sealing.end_leases(database)
        async with running(database_url, tmp_path, replay_quiet_s=3_600, **storage) as server:
            findings = await invariant.check_invariant(server, ledger)
            async with database.reading() as connection:
                sealed = await connection.scalar(
                    text("select count(*) from replays where sealed_at is not null")
                )
        assert sealed, "nothing was sealed"
        report.round(kills=LIVES, sealed=sealed, **findings.facts())
        ledger = Ledger(dice)
    report.facts["places"] = len(places)
    await database.close()
