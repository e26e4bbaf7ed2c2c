"""Tests of the page about the storage of the whole server, and of the rules for all projects."""

from app.core.ids import ProjectId
from tests.api.pages.test_retention import data_of
from tests.support.builders.debug_files import make_debug_file, store_debug_file
from tests.support.servers.server import Server


async def test_the_storage_page_shows_what_fills_the_server(server: Server):
    """The page lists kinds, projects, pins and holds, and foretells when the disk is full."""
    data = data_of(server)
    key = await data.add_replay(ProjectId(server.app.id), age=1)
    await server.web.post(
        f"/projects/{server.app.id}/replays/{key.replay_id}/pin", data={"pinned": "yes"}
    )
    file = make_debug_file(ProjectId(server.app.id), stored_bytes=5 * 1024**3)
    await store_debug_file(data.database, data.objects, file)
    rules = {"keep_queries": "count_rage:>0", "rest_hours": "24", "sure": "yes"}
    await server.web.post(f"/projects/{server.app.id}/retention", data=rules)
    page = (await server.web.get("/server/storage")).text
    assert "replays outside the keep rules, 24 hours after their recording ends" in page
    assert "Video" in page
    assert "Debug files" in page
    assert "5.0 GiB" in page
    assert f"/projects/{server.app.id}/retention" in page
    assert "Not full within three years" in page
    assert key.replay_id[:8] in page


async def test_a_default_for_all_projects_asks_before_it_deletes(server: Server):
    """The server's rules hold for projects without one of their own."""
    data = data_of(server)
    await data.add_replay(ProjectId(server.app.id), age=100, retention_class=3)
    fields = {"default_days": "90", "longest_days": "180"}
    question = (await server.web.post("/server/storage", data=fields)).text
    assert "This deletes about 1 replay" in question
    assert "No project keeps it longer than <strong>180 days</strong>" in question
    saved = await server.web.post("/server/storage", data=fields | {"sure": "yes"})
    assert saved.headers["location"] == "/server/storage?done=retention-running"
    page = (await server.web.get(f"/projects/{server.app.id}/retention")).text
    assert "Kept for 90 days" in page
    refused = await server.web.post("/server/storage", data={"default_days": "soon"})
    assert refused.status_code == 400
    assert "The default is a whole number such as 30." in refused.text
