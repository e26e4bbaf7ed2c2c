"""It is told which roles nobody has, and which dead processes nobody has replaced."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.alerts.process_problems import ProcessProblem, find_problems
from app.core.process_roles import ProcessRole
from app.processes import roles_served
from app.processes.model import ProcessRecord, ProcessState
from app.processes.roles_served import (
    UnservedRoles,
    count_processes_by_role,
    find_settled,
    find_unreplaced,
)
from tests.support.builders.process_records import SEEN_AT, make_record

WORKER, PAGES = ("worker",), ("pages",)
LATER = SEEN_AT + timedelta(seconds=3)


def dead(
    host: str = "w-1",
    roles: tuple[str, ...] = WORKER,
    *,
    died_s: int = 0,
    state: ProcessState = ProcessState.SILENT,
) -> ProcessRecord:
    """Make a process without a journal that was heard of last at a second."""
    seen_at = SEEN_AT + timedelta(seconds=died_s)
    started_at = seen_at - timedelta(seconds=1)
    return make_record(
        host, roles=roles, has_journal=False, state=state, started_at=started_at, seen_at=seen_at
    )


def alive(
    host: str = "w-1", roles: tuple[str, ...] = WORKER, *, started_at: datetime = LATER
) -> ProcessRecord:
    """Make a process without a journal that runs."""
    return make_record(host, roles=roles, has_journal=False, started_at=started_at)


def test_roles_are_counted_over_the_processes_that_run():
    """Who is late still counts; who is dead does not."""
    records = [
        make_record("door-1", roles=("door",), state=ProcessState.LATE),
        alive("p-1", PAGES),
        alive("p-2", PAGES),
        dead(),
    ]
    assert count_processes_by_role(records) == {"door": 1, "pages": 2, "worker": 0}


@pytest.mark.parametrize(
    ("records", "unreplaced"),
    [
        ([dead()], ["w-1"]),
        ([dead(state=ProcessState.LATE)], ["w-1"]),
        ([dead(), alive()], []),
        ([dead(), alive("other-host")], []),
        ([dead(), alive(roles=("pages", "worker"))], []),
        ([dead(roles=("pages", "worker")), alive()], ["w-1"]),
        ([dead(), alive(started_at=SEEN_AT - timedelta(hours=1))], ["w-1"]),
        # Crashed again and again: each start replaced the one before.
        ([dead(died_s=0), dead(died_s=5), dead(died_s=10)], ["w-1"]),
        ([dead(died_s=0), dead(died_s=5), alive(started_at=SEEN_AT + timedelta(seconds=6))], []),
        ([dead("w-1"), dead("w-2"), alive("w-2")], ["w-1"]),
        ([make_record(state=ProcessState.SILENT)], []),
    ],
)
def test_a_dead_process_counts_until_another_one_does_its_work(records, unreplaced):
    """A later process with all its roles takes its place, that of one process only."""
    assert [each.identity.host for each in find_unreplaced(records)] == unreplaced


@pytest.mark.parametrize(
    ("records", "hosts"),
    [
        ([dead("w-1"), alive("w-1")], ["w-1"]),
        ([dead("w-1")], []),
        # Without the row of w-2, its successor would pass for that of w-1.
        ([dead("w-1"), dead("w-2"), alive("w-2")], []),
        (
            [dead("w-1"), dead("w-2"), dead("p-1", PAGES), alive("w-2"), alive("p-2", PAGES)],
            ["p-1"],
        ),
        ([dead("w-1"), dead("p-1", PAGES), alive("p-2", PAGES)], ["p-1"]),
        ([dead("w-1"), dead("w-2", died_s=5), dead("w-3", died_s=10)], ["w-1", "w-2"]),
        ([make_record("d-1", state=ProcessState.SILENT), alive("d-2", ("door",))], []),
    ],
)
def test_the_row_of_a_replaced_process_is_needed_while_it_explains_its_successor(records, hosts):
    """What is told of the others stays the same without the rows that are left out."""
    old = [
        replace(
            each,
            identity=replace(each.identity, process_id=f"{number}"),
            silent_s=2.0 if each.is_running else 4_000.0,
        )
        for number, each in enumerate(records)
    ]
    settled = find_settled(old, silent_s=3_600)
    names = {each.identity.process_id: each.identity.host for each in old}
    assert sorted(names[each] for each in settled) == hosts
    left = [each for each in old if each.identity.process_id not in settled]
    assert find_unreplaced(left) == find_unreplaced(old)
    assert not find_settled(old, silent_s=4_001)


def test_processes_that_nobody_replaced_are_problems():
    """A silent one is late first, then gone; a replaced one is nothing to tell of."""
    found = find_problems([dead("w-1", state=ProcessState.LATE), dead("p-1", PAGES)])
    assert [(each.problem, each.processes[0].identity.host) for each in found] == [
        (ProcessProblem.LATE, "w-1"),
        (ProcessProblem.GONE, "p-1"),
    ]
    assert not find_problems([dead(), alive()])


def test_a_role_is_unserved_when_its_absence_lasts(monkeypatch):
    """A restart is no absence, and the time begins anew after each process that had the role."""
    now_s = 0.0
    monkeypatch.setattr(roles_served, "monotonic_s", lambda: now_s)
    roles = UnservedRoles(patience_s=60)
    door, worker = make_record(roles=("door", "pages")), alive()
    for now_s, records, lasting in (  # noqa: B007 - read by the clock
        (0, [door], ()),
        (59, [door], ()),
        (60, [door, worker], ()),
        (65, [door], ()),
        (120, [door], ()),
        (125, [door], (ProcessRole.WORKER,)),
        (126, [door, worker], ()),
    ):
        roles.note(records)
        assert roles.list_lasting() == lasting
