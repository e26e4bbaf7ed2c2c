"""F1: the sender of messages is killed at every await; nothing is lost, and little comes twice."""

import asyncio
from pathlib import Path

from sqlalchemy import text

from app.alerts.composing.compose import MessageComposer
from app.alerts.model import AlertRuleSettings, RuleKind
from app.db.engine import Database
from tests.support import programme_size
from tests.support.builders.alerts import ADDRESSES, add_finding, add_rule, add_target, make_sender
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions
from tests.support.servers.receivers import WebhookReceiver, serving_webhook
from tests.support.servers.server import keyed

KILLS = programme_size.rounds(ci=6, nightly=100)
STEPS = {"alerts/": 90, "alerts/delivery/": 60}
"""About as many steps as it takes to make and send the messages of a round, and to send them."""
AT_ONCE = 4
"""Things that are found before each kill, each for two targets."""
SETTINGS = AlertRuleSettings(collect_min=0, hourly=1_000)


async def run_until_killed(
    database_url: str, folder: Path, *, within: str, step: int
) -> str | None:
    """Let a server make and send messages until it kills itself; return the place in its code."""
    options = LaunchOptions(kill_at=step, kill_within=within)
    with process.launch_server(
        database_url, folder, options, webhook_allowed_hosts="127.0.0.1"
    ) as server:
        await asyncio.to_thread(server.wait)
        return server.place


async def end_leases(database: Database) -> None:
    """Let the claims of dead processes, and the pauses after faults, be over."""
    async with database.transaction() as connection:
        await connection.execute(
            text(
                "update outbox_messages set leased_until = null, due_at = now()"
                " where state = 'waiting'"
            )
        )


async def count(database: Database, condition: str) -> int:
    """Count messages."""
    async with database.reading() as connection:
        query = text(f"select count(*) from outbox_messages where {condition}")
        return await connection.scalar(query) or 0


def count_told(receiver: WebhookReceiver) -> int:
    """Return how much a receiver was told of: a message describes some and counts the others."""
    told = {request.headers["webhook-id"]: request.json()["data"] for request in receiver.requests}
    return sum(len(data["items"]) + data["more"] for data in told.values())


async def test_a_kill_at_any_step_of_sending_loses_no_message(
    database_url: str, tmp_path: Path, report: Report
) -> None:
    """Each message arrives at least once, and no more of them come twice than senders died."""
    database = Database.open(database_url, pool_size=2)
    to = await keyed(database, "App")
    dice = programme_size.seeded_dice("alert kill steps")
    places: set[str] = set()
    async with serving_webhook() as first, serving_webhook() as second:
        targets = [await add_target(database, to.id, each.url) for each in (first, second)]
        rules = [
            await add_rule(database, to.id, RuleKind.SPIKE, *targets, settings=SETTINGS)
            for _ in range(AT_ONCE)
        ]
        found = 0
        for number in range(KILLS):
            for position, rule in enumerate(rules):
                await add_finding(database, rule, f"{number}:{position}")
                found += 1
            within = [*STEPS][number % len(STEPS)]
            if within == "alerts/delivery/":
                await MessageComposer(database, ADDRESSES).compose_due()
            step = 1 + dice.randrange(STEPS[within])
            place = await run_until_killed(database_url, tmp_path, within=within, step=step)
            assert place is not None, "the server ended by itself, before the step"
            places.add(place)
            await end_leases(database)
        await MessageComposer(database, ADDRESSES).compose_due()
        await make_sender(database).work()
        assert await count(database, "state <> 'sent'") == 0
        duplicates = 0
        for receiver in (first, second):
            keys = [request.headers["webhook-id"] for request in receiver.requests]
            assert count_told(receiver) == found
            duplicates += len(keys) - len(set(keys))
        messages = await count(database, "true")
    report.round(kills=KILLS, messages=messages, duplicates=duplicates, places=len(places))
    assert duplicates <= KILLS
    await database.close()
