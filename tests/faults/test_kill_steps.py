"""F1: the server is killed at every await of its own code, while eight phones send."""

import asyncio
from pathlib import Path

from app.db.engine import Database
from tests.support import programme_size
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions
from tests.support.servers.server import Keyed, keyed, running

KILLS = programme_size.rounds(ci=100, nightly=2_400)
LIVES = 10
"""Kills in a row before everything is checked; each server adopts what the last one left."""
STEPS = 500
"""About as many steps as it takes to start, adopt, accept and digest what eight phones send."""


async def run_until_killed(
    database_url: str, folder: Path, to: Keyed, ledger: Ledger, step: int
) -> str:
    """Let a server take traffic until it kills itself at a step; return the place in its code."""
    with process.launch_server(database_url, folder, LaunchOptions(kill_at=step)) as server:
        if await asyncio.to_thread(server.listens):
            await traffic.send_as_phones(
                server.base_url, to, ledger, is_over=lambda: not server.is_alive()
            )
        server.wait()
        assert server.place is not None, "the server ended by itself, before the step"
        return server.place


async def test_a_kill_at_any_step_loses_nothing(
    database_url: str, tmp_path: Path, report: Report
) -> None:
    """Whatever a server does when it is killed, each 200 is kept once and whole."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    dice = programme_size.seeded_dice("kill steps")
    steps = [
        1 + (number * STEPS // KILLS + dice.randrange(STEPS)) % STEPS for number in range(KILLS)
    ]
    places: set[str] = set()
    ledger = Ledger(dice)
    for first in range(0, KILLS, LIVES):
        chain = steps[first : first + LIVES]
        for step in chain:
            places.add(await run_until_killed(database_url, tmp_path, to, ledger, step))
        async with running(
            database_url, tmp_path, **invariant.SETTINGS_OF_CHECKED_SERVER
        ) as server:
            findings = await invariant.check_invariant(server, ledger)
        report.round(kills=len(chain), **findings.facts())
        ledger = Ledger(dice)
    report.facts["places"] = len(places)
