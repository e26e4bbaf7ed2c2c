"""Several installations as cells: ids of projects that are unique over all, and a page of them."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from app.core.errors import DatabaseUnusable
from app.projects import cells, writes as project_writes
from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.servers.server import Keyed, alone, running
from tests.support.waiting import PATIENCE_S, until

ADDRESSES = {7: "https://c7.example.com", 8: "https://c8.example.com"}


async def list_ids(url: str) -> list[int]:
    """Return the ids of all projects."""
    connection = await asyncpg.connect(url)
    try:
        return [row["id"] for row in await connection.fetch("select id from projects order by id")]
    finally:
        await connection.close()


async def test_a_new_installation_begins_with_the_ids_of_its_cell(
    empty_database_url: str, tmp_path: Path
):
    """Two processes that start at once make one first project, with the first id of the cell."""
    first, second = (
        alone(empty_database_url, tmp_path, cell=7, database_owner_url=empty_database_url)
        for _ in range(2)
    )
    services = await asyncio.gather(first.__aenter__(), second.__aenter__())
    try:
        for service, _sender in services:
            await asyncio.wait_for(service.preparation.done.wait(), PATIENCE_S)
    finally:
        await asyncio.gather(*(each.__aexit__(None, None, None) for each in (first, second)))
    assert await list_ids(empty_database_url) == [7_000_001]


async def test_an_existing_installation_keeps_its_projects(database_url: str, tmp_path: Path):
    """Old ids stay and are served; new projects have ids of the cell, also after a restart."""
    async with running(database_url, tmp_path) as server:
        old = sorted((server.app.id, server.backend.id))
    for number in (1, 2):
        async with running(
            database_url, tmp_path, cell=7, database_owner_url=database_url
        ) as server:
            async with server.database.transaction() as connection:
                project = await project_writes.add_project(connection, f"New {number}")
                key = await project_writes.add_key(connection, project.id, label="tests")
            assert project.id == 7_000_000 + number
            await server.service.page_services.keys.refresh()
            new = Keyed(project.id, key.public_key)
            for to in (server.app, new):
                await server.take(envelopes.event_envelope(), project=to)
                assert (await server.web.get(f"/projects/{to.id}")).status_code == 200
    assert await list_ids(database_url) == [*old, 7_000_001, 7_000_002]


async def test_a_process_of_another_cell_is_not_served(database_url: str, tmp_path: Path):
    """A process whose settings name another cell says so and waits; one that names none serves."""
    await cells.claim_cell(database_url, 7)
    with pytest.raises(DatabaseUnusable, match="this database is cell 7, and PLAYHEAD_CELL is 8"):
        await cells.claim_cell(database_url, 8)
    async with alone(database_url, tmp_path, cell=8) as (service, sender):
        await until(lambda: "cell 7" in service.preparation.reason)
        ready = await sender.get("/health/ready")
        assert (ready.status_code, "cell 7" in ready.json()["detail"]) == (503, True)
    async with running(database_url, tmp_path) as server:
        assert (await server.web.get("/projects")).status_code == 200


@pytest.mark.parametrize(
    ("project_id", "cell"), [(1, None), (999_999, None), (1_000_001, 1), (7_999_999, 7)]
)
def test_an_id_tells_its_cell(project_id: int, cell: int | None):
    """The millions are the number of the cell."""
    assert cells.find_cell_of(project_id) == cell
    if cell is not None:
        assert cells.first_id_of(cell) <= project_id <= cells.last_id_of(cell)


async def test_the_page_lists_cells_and_finds_projects(database_url: str, tmp_path: Path):
    """Admins of the server see all cells, find the one of an id, and copy lines for nginx."""
    async with running(
        database_url, tmp_path, cell=7, cells=ADDRESSES, database_owner_url=database_url
    ) as server:
        page = html_reader.parse_page((await server.web.get("/server/cells")).text)
        assert "This is cell 7." in page.text
        assert "https://c8.example.com" in page.text
        assert "7000001 to 7999999" in page.text
        assert '"~/api/8\\d{6}/"' in page.text
        for asked, answer in (
            ("8000012", "It belongs to cell 8, https://c8.example.com."),
            ("9000001", "It belongs to cell 9, which PLAYHEAD_CELLS does not name."),
            ("42", "This id is from before there were cells."),
            ("<b>", "An id is a number"),
            ("9" * 40, "An id is a number"),
        ):
            found = await server.web.get("/server/cells", params={"project": asked})
            assert answer in html_reader.parse_page(found.text).text
        assert 'href="/server/cells"' in (await server.web.get("/server/health")).text


async def test_without_cells_the_page_says_so(server):
    """An installation alone has no tab for cells, and the page says when they are needed."""
    assert 'href="/server/cells"' not in (await server.web.get("/server/health")).text
    page = html_reader.parse_page((await server.web.get("/server/cells")).text)
    assert "This installation is not one of several." in page.text
