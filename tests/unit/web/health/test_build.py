"""The page of the server's health speaks for all processes, whichever of them answers."""

import pytest

from app.administration.server.server_health import ServerCounts, ServerHealth
from app.db.list_slices import ListSlice
from app.ingest.health import IngestHealth
from app.journal.backlog import Backlog
from app.processes.model import ProcessRecord, ProcessState
from app.web.health.build import build_health_page
from app.web.health.page import HealthCheck
from tests.support.builders.process_records import GIB, make_record

DOOR = make_record("door", roles=("door",), backlog_entries=7)
PAGES = make_record("pages", has_journal=False)


def build_checks(
    *processes: ProcessRecord, own: ProcessRecord, room_bytes: int = 50 * GIB
) -> dict[str, HealthCheck]:
    """Return each part of the server by its name, as a process says that answers."""
    health = ServerHealth(
        ingest=IngestHealth(Backlog(2, 10, None), 0.0, 0, room_bytes, GIB),
        own_id=own.identity.process_id,
        processes=processes,
        counts=ServerCounts(accepted=12),
        refused={},
        quarantined=ListSlice((), 0, 0, 50),
        project_names={},
    )
    page = build_health_page(
        health, is_storage_remote=True, draws_pictures=True, untrusted_proxy=None
    )
    return {check.name: check for check in page.checks}


def describe_parts(*processes: ProcessRecord, own: ProcessRecord) -> dict[str, str]:
    """Return the text of each part of the server by its name."""
    return {name: check.text for name, check in build_checks(*processes, own=own).items()}


def test_a_process_with_a_journal_tells_of_its_disk():
    """What waits is added up over all processes."""
    parts = describe_parts(DOOR, make_record("door-2", backlog_entries=3), own=DOOR)
    assert parts["Disk"].startswith("51 GiB free on the disk")
    assert parts["Digest"] == "5 envelopes wait to become rows."
    assert parts["Accepting"] == "12 envelopes accepted since the start."


def test_a_process_without_a_journal_has_no_disk_to_tell_of():
    """The table of the processes has the disks of the others."""
    parts = describe_parts(DOOR, PAGES, own=PAGES)
    assert "Disk" not in parts
    assert parts["Digest"] == "9 envelopes wait to become rows."
    assert "Accepting" in parts


def test_nothing_is_said_to_be_accepted_where_no_door_runs():
    """The part about the processes names the missing role."""
    dead = make_record("door", roles=("door",), state=ProcessState.SILENT)
    parts = describe_parts(dead, PAGES, own=PAGES)
    assert "Accepting" not in parts
    assert describe_parts(own=PAGES)["Accepting"]


@pytest.mark.parametrize(
    ("rooms", "own", "state"),
    [
        ((GIB, GIB), PAGES, "works"),
        ((0, GIB), PAGES, "in part"),
        ((0, 0), PAGES, "stopped"),
        ((0,), PAGES, "stopped"),
        ((GIB, GIB), DOOR, "in part"),  # its own row is older than what it knows
        ((GIB, 0), DOOR, "stopped"),
    ],
)
def test_it_says_which_part_of_the_doors_accepts_envelopes(rooms, own, state):
    """The disk of the process that answers counts only if it accepts envelopes itself."""
    hosts = ("door", "door-2")
    doors = [make_record(host, room_bytes=room) for host, room in zip(hosts, rooms, strict=False)]
    check = build_checks(*doors, PAGES, own=own, room_bytes=0)["Accepting"]
    assert check.state == state
    assert check.tone == {"works": "good", "in part": "warn", "stopped": "bad"}[state]
