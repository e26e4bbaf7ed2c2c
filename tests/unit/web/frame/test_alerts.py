"""Alerts say what is wrong with the server, the worst first, to those whom it concerns."""

from typing import Any

import pytest

from app.core.errors import DatabaseUnavailable, DatabaseUnusable, ServiceUnavailable
from app.core.process_roles import ProcessRole
from app.ingest.health import BEHIND_S, IngestHealth
from app.journal.backlog import Backlog
from app.processes.model import ProcessState
from app.replays.open_replays import OpenReplayCounts
from app.web.frame.alerts import alert
from app.web.frame.alerts.alert import ProjectQuarantine
from tests.support.builders.process_records import make_record

GIB = 2**30


def health_with(**changes: Any) -> IngestHealth:
    """Return the health of a server without problems, with details changed."""
    values: dict[str, Any] = {
        "backlog": Backlog(0, 0, None),
        "oldest_s": 0.0,
        "journal_bytes": 0,
        "room_bytes": 50 * GIB,
        "reserve_bytes": GIB,
    }
    return IngestHealth(**{**values, **changes})


def titles(health: IngestHealth, *, is_admin: bool = False) -> list[tuple[str, str]]:
    """Return the tone and the title of each alert."""
    return [
        (each.tone, each.title) for each in alert.describe_alerts(health, (), is_admin=is_admin)
    ]


def test_a_healthy_server_has_no_alert():
    """A healthy server has no alert, also while a few envelopes wait."""
    assert titles(health_with(backlog=Backlog(3, 300, 1), oldest_s=BEHIND_S)) == []


def test_a_full_disk_is_the_first_alert():
    """The alert says how much is left, and that phones keep what they have."""
    alerts = alert.describe_alerts(health_with(room_bytes=0, oldest_s=90.0), (), is_admin=False)
    assert [each.tone for each in alerts] == ["bad", "warn"]
    assert alerts[0].title.startswith("Nothing is accepted: the disk has 1.0 GiB left")
    assert "Phones keep what they have" in alerts[0].what_to_do


@pytest.mark.parametrize(("journal", "is_reported"), [(79, False), (80, True), (99, True)])
def test_a_journal_that_fills_is_reported_at_four_fifths(journal, is_reported):
    """The alert begins at 80 % of the journal's room."""
    health = health_with(journal_bytes=journal * GIB, room_bytes=(100 - journal) * GIB)
    assert health.is_filling is is_reported
    filling_titles = [title for tone, title in titles(health) if "journal is filling" in title]
    assert (len(filling_titles) == 1) is is_reported
    if is_reported:
        assert f"{journal}% of its room" in filling_titles[0]


@pytest.mark.parametrize(("room_bytes", "is_reported"), [(GIB, False), (GIB - 1, True)])
def test_a_disk_near_the_reserve_is_reported(room_bytes, is_reported):
    """The alert begins below twice the reserve of free space."""
    assert bool(titles(health_with(room_bytes=room_bytes))) is is_reported


@pytest.mark.parametrize(
    ("error", "what"),
    [(ServiceUnavailable("bucket"), "storage"), (DatabaseUnavailable("db"), "database")],
)
def test_an_outage_names_the_database_or_the_storage(error, what):
    """An outage of Postgres or storage replaces the backlog alert; only admins see the reason."""
    health = health_with(outage=error, oldest_s=1_000.0)
    assert titles(health) == [
        ("bad", f"The {what} does not answer: new replays and errors wait in the journal.")
    ]
    (database_alert,) = alert.describe_alerts(health, (), is_admin=True)
    assert f"It says: {error}." in database_alert.what_to_do
    (database_alert,) = alert.describe_alerts(health, (), is_admin=False)
    assert str(error) + "." not in database_alert.what_to_do.replace(f"the {what} runs", "")


def test_a_database_with_a_wrong_set_up_is_not_reported_as_down():
    """A database that answers with an error gets no advice to check whether it runs."""
    health = health_with(outage=DatabaseUnusable("no table segments"))
    (database_alert,) = alert.describe_alerts(health, (), is_admin=True)
    assert database_alert.title.startswith("The database is not set up correctly")
    assert "It says: no table segments." in database_alert.what_to_do
    assert "playhead doctor" in database_alert.what_to_do


def test_digestion_that_is_behind_says_how_far():
    """The alert says how many envelopes wait and how long; for a dead process only how long."""
    assert titles(health_with(backlog=Backlog(1_204, 1, 1), oldest_s=185.4)) == [
        ("warn", "Digestion is behind: 1,204 envelopes wait, the oldest for 3 min 5 s.")
    ]
    assert titles(health_with(oldest_s=61.0)) == [
        ("warn", "Digestion is behind: envelopes wait for 1 min 1 s.")
    ]


def test_each_project_with_quarantine_has_an_alert():
    """The alert leads to the page of the project."""
    (project_alert,) = alert.describe_alerts(
        health_with(), (ProjectQuarantine("Shop", 2, "/projects/1#outcomes"),), is_admin=False
    )
    assert (project_alert.title, project_alert.href) == (
        "Shop: 2 envelopes in quarantine.",
        "/projects/1#outcomes",
    )


@pytest.mark.parametrize(("projects", "lines"), [(2, 2), (3, 1)])
def test_quarantine_of_many_projects_is_one_line(projects, lines):
    """One alert counts them all and leads to the list of projects."""
    quarantines = [
        ProjectQuarantine(f"Shop {number}", 2, f"/projects/{number}") for number in range(projects)
    ]
    alerts = alert.describe_alerts(health_with(), quarantines, is_admin=False)
    assert len(alerts) == lines
    if lines == 1:
        assert alerts[0].title == "6 envelopes of 3 projects in quarantine."
        assert alerts[0].href == "/projects"


@pytest.mark.parametrize(("failing", "is_admin"), [(0, True), (3, False)])
def test_failing_steps_of_closed_replays_are_told_to_admins_only(failing, is_admin):
    """Nothing is said while none fails, nor to those who cannot do anything about it."""
    closing = OpenReplayCounts(5, failing, "no answer", 0.0)
    assert alert.describe_alerts(health_with(), (), is_admin=is_admin, closing=closing) == ()


def test_replays_that_cannot_be_sealed_are_said_with_the_reason():
    """The alert says how many there are, that they play, and what the storage says."""
    closing = OpenReplayCounts(5, 3, "object storage refused: AccessDenied", 90.0)
    (shown_alert,) = alert.describe_alerts(health_with(), (), is_admin=True, closing=closing)
    assert shown_alert.title == "3 replays could not be sealed after several tries."
    assert "They play as before" in shown_alert.what_to_do
    assert "It says: object storage refused: AccessDenied." in shown_alert.what_to_do


def test_other_processes_have_alerts_of_their_own():
    """A dead door is told to everybody, and leads admins to the list of processes."""
    others = (make_record("door-2", state=ProcessState.SILENT),)
    (shown_alert,) = alert.describe_alerts(health_with(), (), is_admin=True, processes=others)
    assert (shown_alert.tone, shown_alert.href) == ("bad", "/server/health")
    assert shown_alert.title.startswith("door-2 (4711): stopped or died")
    (shown_alert,) = alert.describe_alerts(health_with(), (), is_admin=False, processes=others)
    assert shown_alert.href is None


def test_an_outage_of_all_processes_is_told_once():
    """An outage that this process reports is not repeated for each other process."""
    others = (make_record(outage="away", outage_kind="storage"),)
    health = health_with(outage=ServiceUnavailable("away"))
    assert len(alert.describe_alerts(health, (), is_admin=True, processes=others)) == 1
    assert len(alert.describe_alerts(health_with(), (), is_admin=True, processes=others)) == 1


def test_a_process_does_not_tell_of_itself_twice():
    """What is wrong with the process that answers stands in its own alerts."""
    own = make_record(room_bytes=0)
    assert not alert.describe_alerts(
        health_with(), (), is_admin=True, processes=(own,), own_id=own.identity.process_id
    )


@pytest.mark.parametrize("role", list(ProcessRole))
def test_a_role_without_a_process_has_an_alert(role):
    """The alert says what does not happen meanwhile."""
    (told,) = alert.describe_alerts(health_with(), (), is_admin=True, unserved_roles=(role,))
    assert told.tone == "bad"
    assert told.title.startswith(f"No process with the role {role} runs: ")
    assert "Start a process with this role" in told.what_to_do
    assert told.href == "/server/health"
