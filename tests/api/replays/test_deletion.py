"""A deletion by the page: nothing is left anywhere, and everybody learns who did it."""

import asyncio

import pytest

from app.core.ids import ReplayId
from app.replays import queries
from app.replays.model import ReplayKey, Tombstone
from tests.support import html_reader
from tests.support.builders import clips, envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.waiting import PATIENCE_S, until

OTHER = "d" * 32
VIDEOS = (clips.clip(frames=5), clips.clip(frames=3))
OTHER_VIDEO = clips.clip(frames=2)


@pytest.fixture
async def deleted_replay(server):
    """Send two replays, and delete one of them by its page."""
    await server.take(
        envelopes.replay_video_envelope(0, video=VIDEOS[0]),
        envelopes.replay_video_envelope(1, video=VIDEOS[1]),
        envelopes.event_envelope(),
        envelopes.replay_video_envelope(replay_id=OTHER, trace_id="e" * 32, video=OTHER_VIDEO),
    )
    question = await server.web.get(server.page(REPLAY_ID, "/delete"))
    form = html_reader.parse_page(question.text).one(
        "form", action=server.page(REPLAY_ID, "/delete")
    )
    answer = await server.web.post(form["action"])
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/replays")


@pytest.mark.usefixtures("deleted_replay")
async def test_a_deleted_replay_leaves_the_list(server):
    """The list still has the other replay."""
    list_html = (await server.web.get("/replays")).text
    assert REPLAY_ID not in list_html
    assert OTHER in list_html


@pytest.mark.usefixtures("deleted_replay")
async def test_the_page_of_a_deleted_replay_says_who_deleted_it(server):
    """The page answers 410 with the name of the person, and so does a second deletion."""
    for answer in (
        await server.web.get(server.page(REPLAY_ID)),
        await server.web.get(server.page(REPLAY_ID, "/delete")),
        await server.web.post(server.page(REPLAY_ID, "/delete")),
    ):
        assert answer.status_code == 410
        assert "Admin" in answer.text


@pytest.mark.parametrize("below", ["/index", "/stream?v=1-0", "/segments/0.mp4", "/segments/1.mp4"])
@pytest.mark.usefixtures("deleted_replay")
async def test_no_bytes_of_a_deleted_replay_are_served(server, below):
    """Index, stream and segments are not found, while those of the other replay are served."""
    answer = await server.web.get(server.page(REPLAY_ID, below))
    assert answer.status_code in {404, 410}
    if "stream" not in below and "1.mp4" not in below:
        assert (await server.web.get(server.page(OTHER, below))).status_code == 200


@pytest.mark.usefixtures("deleted_replay")
async def test_the_sweep_removes_the_bytes_of_a_deleted_replay(server):
    """The bytes are in no object, and those of another replay in the same pack stay."""
    server.service.sweeper.hurry()
    await until(lambda: not any(map(server.holds, VIDEOS)))
    assert server.holds(OTHER_VIDEO)
    answer = await server.web.get(server.page(OTHER, "/segments/0.mp4"))
    assert answer.content == OTHER_VIDEO


async def test_the_sweep_removes_the_pictures_of_a_deleted_replay(server):
    """Every object with the prefix of the replay is removed."""
    await server.take(envelopes.replay_video_envelope(0))
    picture = f"p/{server.app.id}/r/{REPLAY_ID}/poster-1.jpg"
    await server.service.page_services.store.put(picture, b"picture")
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    server.service.sweeper.hurry()
    await until(lambda: not server.objects())


@pytest.mark.usefixtures("deleted_replay")
async def test_a_pack_is_removed_with_its_last_replay(server):
    """Nothing is left on disk when every replay is deleted, and the receipt says so."""
    await server.web.post(server.page(OTHER, "/delete"))
    server.service.sweeper.hurry()
    await until(lambda: not server.objects())
    async with asyncio.timeout(PATIENCE_S):
        while (receipt := await _read_receipt(server)).swept_at is None:  # noqa: ASYNC110 - a row has none
            await asyncio.sleep(0.01)
    assert (receipt.segments, receipt.objects) == (2, 2)


async def _read_receipt(server) -> Tombstone:
    async with server.database.reading() as connection:
        tombstone = await queries.find_tombstone(
            connection, ReplayKey(server.app.id, ReplayId(REPLAY_ID))
        )
    assert tombstone is not None
    return tombstone


@pytest.mark.usefixtures("deleted_replay")
async def test_a_late_segment_of_a_deleted_replay_counts_as_deleted(server):
    """The segment is answered with 200, and is neither stored nor shown."""
    late = clips.clip(frames=4)
    await server.take(envelopes.replay_video_envelope(2, video=late))
    assert (await server.outcomes())["replay_video", "deleted", ""] == 1
    assert (await server.web.get(server.page(REPLAY_ID))).status_code == 410
    assert await server.dump(REPLAY_ID) == {}
    server.service.sweeper.hurry()
    await until(lambda: not server.holds(late))


@pytest.mark.usefixtures("deleted_replay")
async def test_the_errors_of_a_deleted_replay_stay(server):
    """Events outlive the replay, so one that is sent again is a duplicate."""
    await server.take(envelopes.event_envelope())
    assert (await server.outcomes())["event", "duplicate", ""] == 1


async def test_a_form_of_another_site_or_a_stranger_deletes_nothing(server):
    """A POST from another site, or without a sign-in, is refused."""
    await server.take(envelopes.replay_video_envelope())
    path = server.page(REPLAY_ID, "/delete")
    foreign = await server.web.post(path, headers={"origin": "https://evil.example"})
    unsigned = await server.sender.post(path, headers={"origin": server.base_url})
    assert foreign.status_code == 403
    assert unsigned.status_code in {303, 401}
    assert (await server.web.get(server.page(REPLAY_ID))).status_code == 200
