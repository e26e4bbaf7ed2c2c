"""A deletion through the page: gone from every place, for good, and everybody is told by whom."""

import pytest

from tests.support import envelopes, reading
from tests.support.waiting import until
from tests.support.wire import REPLAY_ID

OTHER = "d" * 32


@pytest.fixture
async def deleted(server):
    """A server where one of two replays was deleted by its page."""
    await server.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(1),
        envelopes.event_envelope(),
        envelopes.replay_video_envelope(replay_id=OTHER, trace_id="e" * 32),
    )
    asked = await server.web.get(server.page(REPLAY_ID, "/delete"))
    form = reading.read(asked.text).one("form", action=server.page(REPLAY_ID, "/delete"))
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
    """After the sweep only the other replay's video is there, and no folder of the deleted one."""
    deleted.service.sweeper.hurry()
    await until(lambda: len(deleted.objects()) == 1)
    assert OTHER in str(deleted.objects()[0])
    folder = deleted.folder / "objects" / "p" / str(deleted.app.id) / "r" / REPLAY_ID
    await until(lambda: not folder.exists())


async def test_a_late_segment_is_counted_as_deleted(deleted):
    """It is answered 200, and neither stored nor shown."""
    await deleted.take(envelopes.replay_video_envelope(2))
    assert (await deleted.outcomes())["replay_video", "deleted", ""] == 1
    assert (await deleted.web.get(deleted.page(REPLAY_ID))).status_code == 410
    assert await deleted.dump(REPLAY_ID) == {}
    deleted.service.sweeper.hurry()
    await until(lambda: len(deleted.objects()) == 1)


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
