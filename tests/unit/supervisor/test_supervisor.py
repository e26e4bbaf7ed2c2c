"""The decisions of the parent of workers."""

import pytest

from app.core import clock
from app.db.server.postmaster import SETTINGS
from app.supervisor.postgres import share_connections
from app.supervisor.supervisor import _WorkerSlot
from app.supervisor.worker_process import describe_exit


def test_a_worker_that_keeps_dying_starts_later_and_later():
    """The first start is at once, the next after half a second, and none after more than 30 s."""
    slot = _WorkerSlot(1)
    pauses = [slot.plan_restart(lived_s=1.0) for _ in range(12)]
    assert pauses[:5] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert pauses[-1] == 30.0
    assert slot.start_at_s > clock.monotonic_s() + 29


def test_a_worker_that_ran_for_long_starts_at_once():
    """A death after a minute of work is no sign that the next one dies, too."""
    slot = _WorkerSlot(1)
    for _ in range(8):
        slot.plan_restart(lived_s=1.0)
    assert slot.plan_restart(lived_s=61.0) == 0.0
    assert slot.plan_restart(lived_s=1.0) == 0.5


@pytest.mark.parametrize("workers", range(1, 65))
def test_workers_fit_into_the_embedded_postgres(workers: int):
    """Whatever the settings say, nobody waits for a connection that others keep."""
    share = share_connections(workers, 20)
    assert 5 <= share <= 20
    assert share * workers + 15 <= max(int(SETTINGS["max_connections"]), 5 * workers + 15)


def test_fewer_connections_are_shared_out_if_the_settings_say_so():
    """PLAYHEAD_DATABASE_CONNECTIONS stays the most that one process opens."""
    assert share_connections(2, 7) == 7
    assert share_connections(2, 1_000) == 22


@pytest.mark.parametrize(
    ("status", "words"),
    [(3, "ended with status 3"), (-9, "killed by SIGKILL"), (-99, "killed by signal 99")],
)
def test_the_log_says_in_words_how_a_worker_ended(status: int, words: str):
    """A signal has its name; an unknown one its number."""
    assert describe_exit(status) == words
