"""Workers with nothing to do cost Postgres little.

A connection takes megabytes of Postgres for as long as it is used now and then.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.alerts.judge import judge_signals
from app.closing.closer import Closer
from app.db.engine import Database
from app.erasure.log.file import ErasureLog
from app.erasure.sweep import Sweeper
from app.symbolication.redo.worker import SymbolicationRedoer
from tests.support.builders import alerts
from tests.support.statements import noted_statements

Look = Callable[[Database], Awaitable[Any]]
_UNUSED: Any = None


def look_for_messages(database: Database) -> Awaitable[None]:
    """Look for messages to send."""
    return alerts.make_sender(database).work()


def look_for_signals(database: Database) -> Awaitable[int]:
    """Look for what alerts are about."""
    return judge_signals(database)


def look_for_events(database: Database) -> Awaitable[None]:
    """Look for stored events to make readable."""
    return SymbolicationRedoer(database, _UNUSED).work()


def look_for_replays(database: Database) -> Awaitable[int]:
    """Look for replays to close."""
    return Closer(database, [], quiet=timedelta(minutes=10)).close_due_replays()


def look_for_objects(database: Database) -> Awaitable[None]:
    """Look for objects to remove."""
    return Sweeper(database, _UNUSED).work()


def look_for_erasures(database: Database) -> Awaitable[None]:
    """Look for erasures whose lines are not in their log yet."""
    return ErasureLog(Path()).append_waiting_lines(database)


@pytest.mark.parametrize(
    ("look", "most"),
    [
        (look_for_messages, 1),
        (look_for_signals, 1),
        (look_for_events, 2),
        (look_for_replays, 1),
        (look_for_objects, 3),
        (look_for_erasures, 1),
    ],
)
async def test_a_look_at_nothing_takes_one_connection(database: Database, look: Look, most: int):
    """An idle worker asks whether there is anything to do, and claims nothing."""
    async with database.reading():
        pass  # opening a connection has statements of its own
    async with noted_statements(database) as statements:
        await look(database)
    assert 1 <= len(statements) <= most, statements
    assert database.count_connections() == (0, 1)
