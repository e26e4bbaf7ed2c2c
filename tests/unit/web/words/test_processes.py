"""What is wrong with processes is found in their rows, and said with what to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.alerts.process_problems import (
    CLOCK_AHEAD_MS,
    ProcessProblem,
    find_problems,
    list_problems,
)
from app.processes.model import ProcessState
from app.web.words.processes import (
    describe_backlog,
    describe_clock,
    describe_problem,
    describe_roles,
)
from tests.support.builders.process_records import GIB, SEEN_AT, make_record


@pytest.mark.parametrize(
    ("record", "problems"),
    [
        (make_record(), ()),
        (make_record(has_journal=False), ()),
        (make_record(state=ProcessState.LATE, silent_s=13), (ProcessProblem.LATE,)),
        (make_record(state=ProcessState.LATE, has_journal=False), ()),
        (make_record(state=ProcessState.SILENT, outage="away"), (ProcessProblem.DEAD,)),
        (make_record(state=ProcessState.STOPPED), (ProcessProblem.DEAD,)),
        (make_record(state=ProcessState.SILENT, has_journal=False), ()),
        (make_record(room_bytes=0), (ProcessProblem.REFUSING,)),
        (make_record(journal_bytes=80 * GIB, room_bytes=20 * GIB), (ProcessProblem.FILLING,)),
        (make_record(journal_bytes=79 * GIB, room_bytes=21 * GIB), ()),
        (make_record(outage="away", outage_kind="storage"), (ProcessProblem.OUTAGE,)),
        (
            make_record(oldest_received_at=SEEN_AT - timedelta(seconds=59)),
            (ProcessProblem.BEHIND,),
        ),
        (make_record(oldest_received_at=SEEN_AT - timedelta(seconds=57)), ()),
        (make_record(clock_ahead_ms=CLOCK_AHEAD_MS), ()),
        (make_record(clock_ahead_ms=-CLOCK_AHEAD_MS - 1), (ProcessProblem.CLOCK,)),
    ],
)
def test_problems_are_found_in_the_row_of_a_process(record, problems):
    """Each kind has its limit; of what is dead, nothing else is said."""
    assert list_problems(record) == problems


def test_the_age_of_a_backlog_does_not_depend_on_the_clock_of_its_process():
    """A process whose clock is an hour ahead has not waited since an hour from now."""
    received_at = SEEN_AT + timedelta(hours=1) - timedelta(seconds=10)
    record = make_record(oldest_received_at=received_at, clock_ahead_ms=3_600_000, silent_s=5)
    assert record.oldest_s == pytest.approx(15)
    assert make_record(oldest_received_at=SEEN_AT + timedelta(seconds=9)).oldest_s == 0
    assert make_record().oldest_s == 0


def test_problems_are_told_by_kind_the_worst_first():
    """Processes with the same problem share one sentence, which names three of them."""
    dead = [make_record(f"door-{number}", state=ProcessState.SILENT) for number in range(5)]
    problems = find_problems([make_record("slow", clock_ahead_ms=-12_500), *dead])
    assert [each.problem for each in problems] == [ProcessProblem.DEAD, ProcessProblem.CLOCK]
    words = describe_problem(problems[0], is_admin=True)
    assert words.tone == "bad"
    assert words.title.startswith("door-0 (4711), door-1 (4711), door-2 (4711), 2 more: stopped")
    clock = describe_problem(problems[1], is_admin=True)
    assert clock.title == "slow (4711): the clock is 12.5 s behind, compared with the database's."


@pytest.mark.parametrize(
    ("record", "title", "advice"),
    [
        (make_record(room_bytes=-5), "the disk is too full", "Phones are hung up on there"),
        (
            make_record(state=ProcessState.LATE, silent_s=13, backlog_entries=7),
            "not heard of for 13 s",
            "7 envelopes waited",
        ),
        (
            make_record(journal_bytes=90 * GIB, room_bytes=GIB),
            "the journal is filling up",
            "Nothing is lost yet",
        ),
        (
            make_record(oldest_received_at=SEEN_AT - timedelta(seconds=183)),
            "digestion is behind, the oldest envelope waits for 3 min 5 s",
            "Nothing is lost",
        ),
    ],
)
def test_each_problem_has_words_and_advice(record, title, advice):
    """A sentence says what happened, another one what to do."""
    (problem,) = find_problems([record])
    words = describe_problem(problem, is_admin=False)
    assert words.title.startswith("door-1 (4711): " + title)
    assert advice in words.what_to_do


@pytest.mark.parametrize(
    ("changes", "title", "advice"),
    [
        (
            {"state": ProcessState.LATE, "silent_s": 13, "backlog_entries": 2},
            "not heard of for up to 13 s.",
            "When they were last heard of, 4 envelopes waited in their journals.",
        ),
        (
            {"state": ProcessState.STOPPED},
            "stopped or died, and nobody owns their journals.",
            "Start a process on each of these data folders again",
        ),
        (
            {"state": ProcessState.SILENT, "has_journal": False},
            "stopped or died, and no other processes have taken their places.",
            "They kept no envelopes, so nothing is lost. Start them again.",
        ),
        (
            {"outage": "away", "outage_kind": "storage"},
            "the storage does not answer.",
            "look at the network of these. one (4711) says: away.",
        ),
        (
            {"clock_ahead_ms": 3_000},
            "the clock is 3.0 s ahead, compared with the database's.",
            "Errors and spans of backends that they receive are shown",
        ),
    ],
)
def test_several_processes_are_told_of_in_the_plural(changes, title, advice):
    """The sentences are about all that are named."""
    (problem,) = find_problems([make_record("one", **changes), make_record("two", **changes)])
    words = describe_problem(problem, is_admin=True)
    assert words.title == f"one (4711), two (4711): {title}"
    assert advice in words.what_to_do


@pytest.mark.parametrize("is_admin", [True, False])
def test_only_admins_read_what_a_process_says_of_an_outage(is_admin):
    """The reason may name hosts and buckets."""
    record = make_record(outage="bucket secret-plans: timed out", outage_kind="storage")
    (problem,) = find_problems([record])
    words = describe_problem(problem, is_admin=is_admin)
    assert words.title == "door-1 (4711): the storage does not answer."
    assert ("secret-plans" in words.what_to_do) is is_admin


def test_facts_of_a_process_are_written_for_people():
    """Clock, backlog and roles in a few words."""
    assert describe_clock(0) == "right"
    assert describe_clock(1_500) == "1.5 s ahead"
    assert describe_clock(-3_600_000) == "3,600.0 s behind"
    assert describe_backlog(make_record()) == "nothing"
    assert describe_backlog(make_record(backlog_entries=1_204, backlog_bytes=GIB)) == (
        "1,204 envelopes (1.0 GiB)"
    )
    assert describe_roles(("worker", "door", "pages")) == "all"
    assert describe_roles(("door",)) == "door"
    assert replace(make_record(), silent_s=3).has_role("door")
