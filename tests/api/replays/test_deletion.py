"""A deletion by the page: nothing is left anywhere, and everybody learns who did it."""

import asyncio

import pytest

from app.core.ids import ReplayId
from app.replays import queries
from app.replays.model import ReplayKey, Tombstone
from tests.support import html_reader
from tests.support.builders import clips, envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.waiting import until

OTHER = "d" * 32
VIDEOS = (clips.clip(frames=5), clips.clip(frames=3))
OTHER_VIDEO = clips.clip(frames=2)


@pytest.fixture
async def deleted(server):
    """A server where one of two replays was deleted by its page."""
    await server.take(
        envelopes.replay_video_envelope(0, video=VIDEOS[0]),
        envelopes.replay_video_envelope(1, video=VIDEOS[1]),
        envelopes.event_envelope(),
        envelopes.replay_video_envelope(replay_id=OTHER, trace_id="e" * 32, video=OTHER_VIDEO),
    )
    asked = await server.web.get(server.page(REPLAY_ID, "/delete"))
    form = html_reader.parse_page(asked.text).one("form", action=server.page(REPLAY_ID, "/delete"))
    answer = await server.web.post(form["action"])
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/replays")
    return server


async def test_it_leaves_the_list(deleted):
    """The other replay stays."""
    listed = (await deleted.web.get("/replays")).text
    assert REPLAY_ID not in listed
    assert OTHER in listed


async def test_its_page_says_by_whom(deleted):
    """410 with the name and the time; a second deletion says the same."""
    for answer in (
        await deleted.web.get(deleted.page(REPLAY_ID)),
        await deleted.web.get(deleted.page(REPLAY_ID, "/delete")),
        await deleted.web.post(deleted.page(REPLAY_ID, "/delete")),
    ):
        assert answer.status_code == 410
        assert "Admin" in answer.text


@pytest.mark.parametrize("rest", ["/index", "/stream?v=1-0", "/segments/0.mp4", "/segments/1.mp4"])
async def test_nothing_of_it_is_served(deleted, rest):
    """Neither the index, nor the stream, nor a segment; those of the other replay are."""
    answer = await deleted.web.get(deleted.page(REPLAY_ID, rest))
    assert answer.status_code in {404, 410}
    if "stream" not in rest and "1.mp4" not in rest:
        assert (await deleted.web.get(deleted.page(OTHER, rest))).status_code == 200


async def test_its_objects_leave_the_disk(deleted):
    """After the sweep its bytes stand nowhere; those of a replay in the same pack stay."""
    deleted.service.sweeper.hurry()
    await until(lambda: not any(map(deleted.holds, VIDEOS)))
    assert deleted.holds(OTHER_VIDEO)
    found = await deleted.web.get(deleted.page(OTHER, "/segments/0.mp4"))
    assert found.content == OTHER_VIDEO


async def test_derived_pictures_leave_the_disk(server):
    """Whatever lies under the replay's prefix goes with it."""
    await server.take(envelopes.replay_video_envelope(0))
    picture = f"p/{server.app.id}/r/{REPLAY_ID}/poster-1.jpg"
    await server.service.page_services.store.put(picture, b"picture")
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    server.service.sweeper.hurry()
    await until(lambda: not server.objects())


async def test_the_last_replay_of_a_pack_takes_it_along(deleted):
    """Nothing is left on disk when every replay is deleted, and the receipts say so."""
    await deleted.web.post(deleted.page(OTHER, "/delete"))
    deleted.service.sweeper.hurry()
    await until(lambda: not deleted.objects())
    async with asyncio.timeout(20):
        while (receipt := await _receipt(deleted)).swept_at is None:  # noqa: ASYNC110 - a row has none
            await asyncio.sleep(0.01)
    assert (receipt.segments, receipt.objects) == (2, 2)


async def _receipt(server) -> Tombstone:
    async with server.database.reading() as connection:
        found = await queries.find_tombstone(
            connection, ReplayKey(server.app.id, ReplayId(REPLAY_ID))
        )
    assert found is not None
    return found


async def test_a_late_segment_is_counted_as_deleted(deleted):
    """It is answered 200, and neither stored nor shown."""
    late = clips.clip(frames=4)
    await deleted.take(envelopes.replay_video_envelope(2, video=late))
    assert (await deleted.outcomes())["replay_video", "deleted", ""] == 1
    assert (await deleted.web.get(deleted.page(REPLAY_ID))).status_code == 410
    assert await deleted.dump(REPLAY_ID) == {}
    deleted.service.sweeper.hurry()
    await until(lambda: not deleted.holds(late))


async def test_its_errors_stay(deleted):
    """Errors are records of their own: a second one of the same event is a duplicate."""
    await deleted.take(envelopes.event_envelope())
    assert (await deleted.outcomes())["event", "duplicate", ""] == 1


async def test_a_form_of_a_stranger_deletes_nothing(server):
    """A POST that comes from another site, or from nobody, is refused."""
    await server.take(envelopes.replay_video_envelope())
    path = server.page(REPLAY_ID, "/delete")
    foreign = await server.web.post(path, headers={"origin": "https://evil.example"})
    unknown = await server.sender.post(path, headers={"origin": server.base_url})
    assert foreign.status_code == 403
    assert unknown.status_code in {303, 401}
    assert (await server.web.get(server.page(REPLAY_ID))).status_code == 200
