"""People see no difference between a replay before and after it is sealed."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.errors import ServiceUnavailable
from app.core.ids import ReplayId
from app.playback.video.index_cache import IndexCache
from app.replays.model import ReplayKey
from app.storage.port import ObjectStore
from tests.support import sealing
from tests.support.builders import clips, envelopes, recordings
from tests.support.builders.wire import REPLAY_ID, STARTED_MS
from tests.support.recorded import contents, delivery, samples
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

REPLAYS = [name for name in samples.families() if contents.conclusions(name).get("replays")]
_VARYING_TEXT = re.compile(
    r'nonce="[^"]*"|(?s:<section class="alerts".*?</section>)'
    r"|\d+ (?:seconds?|minutes?) ago|just now"
    r"|\d{4}-\d\d-\d\d[T ][\d:]{8}(?:Z| UTC)|\d\d:\d\d UTC"
)
"""Nonces and times, which differ from one answer to the next though the page is the same."""


async def seal_all(server: Server) -> None:
    """Close and seal every replay, and remove what nothing points at any more."""
    store = server.service.page_services.store
    await sealing.seal_everything(server.database, store)
    await sealing.sweep_everything(server.database, store)


async def read_page(server: Server, replay_id: str) -> str:
    """Read the page as it is when the recording has long ended; until then it says that it goes on.

    However long sealing takes here, both pages are then from the same side of that moment.
    """
    with pytest.MonkeyPatch.context() as patch:
        later = clock.now() + timedelta(minutes=10)
        patch.setattr(clock, "now", lambda: later)
        page = await server.web.get(server.page(replay_id))
    return _VARYING_TEXT.sub("", page.text)


async def read_like_a_browser(server: Server, replay_id: str) -> dict[str, Any]:
    """Ask for everything that a browser asks for while a replay is watched."""
    index = await server.web.get(server.page(replay_id, "/index?t=1500"))
    version = index.headers["etag"].strip('"')
    answers: dict[str, Any] = {
        "page": await read_page(server, replay_id),
        "index": (version, index.content),
        "gestures": (await server.web.get(server.page(replay_id, "/gestures"))).content,
        "requests": (await server.web.get(server.page(replay_id, "/requests.har"))).content,
        "dump": await server.dump(replay_id),
    }
    for wanted in ("bytes=0-", "bytes=100-4999", "bytes=-500"):
        address = server.page(replay_id, f"/stream?v={version}")
        answer = await server.web.get(address, headers={"range": wanted})
        answers[wanted] = (answer.status_code, answer.content)
    for segment in answers["dump"]["segments"]:
        number = segment["segment_id"]
        answer = await server.web.get(server.page(replay_id, f"/segments/{number}.mp4"))
        answers[f"segment {number}"] = (answer.status_code, answer.content)
    return answers


@pytest.mark.parametrize("family", REPLAYS)
async def test_a_sealed_replay_is_read_like_before(tenant: Server, family: str):
    """Page, index, stream, gestures, requests and files of a recorded family are the same."""
    await delivery.deliver_family(tenant, family)
    (replay,) = contents.conclusions(family)["replays"]
    before = await read_like_a_browser(tenant, replay["replay_id"])
    await seal_all(tenant)
    after = await read_like_a_browser(tenant, replay["replay_id"])
    assert after.keys() == before.keys()
    for name, answer in before.items():
        assert after[name] == answer, name


async def test_a_replay_whose_clock_was_set_is_read_like_before(tenant: Server):
    """The steps of the clock are stored with segments, so sealing does not lose them."""
    for number in range(4):
        back_ms = 3_600_000 if number >= 2 else 0
        started_ms = STARTED_MS + number * 5_000 - back_ms
        await tenant.take(envelopes.replay_video_envelope(number, started_ms=started_ms))
    assert (await tenant.dump(REPLAY_ID))["replay"]["starts_ms"] == STARTED_MS
    before = await read_like_a_browser(tenant, REPLAY_ID)
    await seal_all(tenant)
    after = await read_like_a_browser(tenant, REPLAY_ID)
    assert after == before


async def test_an_open_page_goes_on_while_its_replay_is_sealed(tenant: Server):
    """The version of its index stays valid, though sealing moves the videos to another object."""
    for number in range(3):
        await tenant.take(make_segment(number))
    index = await tenant.web.get(tenant.page(REPLAY_ID, "/index?t=0"))
    address = tenant.page(REPLAY_ID, f"/stream?v={index.headers['etag'].strip(chr(34))}")
    before = await tenant.web.get(address, headers={"range": "bytes=0-"})
    await seal_all(tenant)
    after = await tenant.web.get(address, headers={"range": "bytes=0-"})
    assert before.status_code == after.status_code == 206
    assert after.content == before.content
    again = await tenant.web.get(tenant.page(REPLAY_ID, "/index?t=0"))
    assert again.headers["etag"] == index.headers["etag"]


class CountingStore:
    """Passes everything on to a store, and counts the reads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.reads: list[str] = []
        self.is_unreachable = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read, unless the store is to be unreachable."""
        if self.is_unreachable:
            raise ServiceUnavailable("no answer")
        self.reads.append(key)
        return await self._store.read(key, offset, length)


@pytest.fixture
async def counting(tenant: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CountingStore]:
    """Let the pages of the server read from a store that counts."""
    services = tenant.service.page_services
    store = CountingStore(services.store)
    object.__setattr__(services, "store", store)
    object.__setattr__(services, "index_cache", IndexCache())
    yield store
    object.__setattr__(services, "store", store._store)


def make_segment(number: int) -> bytes:
    """Make a segment of five seconds with a film and a breadcrumb."""
    begins_ms = STARTED_MS + number * 5_000
    events = [
        *recordings.segment_events(number, begins_ms),
        recordings.breadcrumb("note", begins_ms + 1_000, message=f"note {number}"),
    ]
    return envelopes.replay_video_envelope(
        number, events=events, video=clips.clip(frames=3, width=64, height=128)
    )


async def test_the_page_of_a_sealed_replay_reads_storage_twice(
    tenant: Server, counting: CountingStore
):
    """One range for its first pictures, and one for all recordings, however many there are."""
    for number in range(12):
        await tenant.take(make_segment(number))
    await seal_all(tenant)
    counting.reads.clear()
    page = await tenant.web.get(tenant.page(REPLAY_ID))
    assert page.status_code == 200
    assert "note 11" in page.text
    assert len(counting.reads) == 2


async def test_a_page_shows_the_rest_during_an_outage_of_storage(
    tenant: Server, counting: CountingStore
):
    """The page says that breadcrumbs cannot be read now, and shows them after the outage."""
    await tenant.take(make_segment(0), make_segment(1))
    await seal_all(tenant)
    counting.is_unreachable = True
    page = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert "touches of 2 segments cannot be read now" in page
    assert "note 1" not in page
    download = await tenant.web.get(tenant.page(REPLAY_ID, "/requests.har"))
    assert download.status_code == 503
    counting.is_unreachable = False
    page = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert "cannot be read now" not in page
    assert "note 1" in page


async def test_a_late_segment_is_shown_at_once_and_closes_again(tenant: Server):
    """A crash sends its last segment at the next launch, long after the replay was sealed."""
    await tenant.take(make_segment(0))
    await seal_all(tenant)
    await tenant.take(make_segment(1))
    page = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert "note 0" in page
    assert "note 1" in page
    await seal_all(tenant)
    assert (await tenant.dump(REPLAY_ID))["replay"]["segments"] == 2
    key = ReplayKey(tenant.app.id, ReplayId(REPLAY_ID))
    segments = await sealing.read_segments(tenant.database, tenant.service.page_services.store, key)
    assert len({segment.object_key for segment in segments}) == 1


async def test_a_sealed_replay_is_deleted_with_its_object(tenant: Server):
    """Nothing of it is left in storage, and the receipt says so."""
    await tenant.take(make_segment(0), make_segment(1))
    await seal_all(tenant)
    answer = await tenant.web.post(
        tenant.page(REPLAY_ID, "/delete"), data={"confirmed": "yes"}, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    store = tenant.service.page_services.store
    async with asyncio.timeout(PATIENCE_S):
        while not await _is_swept(tenant):  # the server sweeps as well, and may hold a lock
            await sealing.sweep_everything(tenant.database, store)
    folder = f"/{tenant.app.id}/{REPLAY_ID}/"
    assert [key for key in await sealing.list_objects(store) if folder in key] == []


async def _is_swept(server: Server) -> bool:
    async with server.database.reading() as connection:
        swept_at = await connection.scalar(
            text("select swept_at from tombstones where project_id = :id"), {"id": server.app.id}
        )
    return swept_at is not None


async def test_metrics_describe_closing(tenant: Server):
    """Metrics count open replays and failing ones, and tell how late closing is."""
    await tenant.take(make_segment(0))
    await tenant.service.closer._inspect_open_replays()
    metrics = (await tenant.sender.get("/metrics")).text
    assert re.search(r"^playhead_open_replays [1-9]", metrics, re.MULTILINE)
    assert "playhead_closing_failing_replays 0.0" in metrics
    assert "playhead_closing_late_seconds" in metrics
    assert "playhead_closed_replays_total" in metrics
