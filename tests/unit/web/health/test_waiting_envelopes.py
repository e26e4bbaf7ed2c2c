"""The list of quarantine says what an envelope waits for that somebody wants read again."""

import pytest

from app.administration.server.server_health import ServerCounts, ServerHealth
from app.core import clock
from app.core.ids import ProjectId
from app.db.list_slices import ListSlice
from app.ingest.health import IngestHealth
from app.journal.backlog import Backlog
from app.processes.model import ProcessRecord, ProcessState
from app.projects.model import QuarantinedEnvelope
from app.web.health.build import build_health_page
from tests.support.builders.process_records import GIB, make_record

DOOR = make_record("door", roles=("door",))
DEAD_DOOR = make_record("door", roles=("door",), state=ProcessState.SILENT)
ASKED = QuarantinedEnvelope(
    7, ProjectId(1), clock.now(), ("event",), "a fault", None, None, 12, retry_asked_at=clock.now()
)


@pytest.mark.parametrize(
    ("processes", "waiting"),
    [
        ((DOOR,), "within some seconds"),
        ((), "within some seconds"),
        ((DEAD_DOOR, make_record("pages", has_journal=False)), "No process with the role door"),
    ],
)
def test_an_envelope_waits_for_a_door(processes: tuple[ProcessRecord, ...], waiting: str):
    """A wait of some seconds is promised only where a door runs."""
    health = ServerHealth(
        ingest=IngestHealth(Backlog(0, 0, None), 0.0, 0, 50 * GIB, GIB),
        own_id="pages",
        processes=processes,
        counts=ServerCounts(),
        refused={},
        quarantined=ListSlice((ASKED,), 0, 1, 50),
        project_names={},
    )
    page = build_health_page(
        health, is_storage_remote=True, draws_pictures=True, untrusted_proxy=None
    )
    (row,) = page.quarantine
    assert row.asked_at == ASKED.retry_asked_at
    assert waiting in row.waiting
