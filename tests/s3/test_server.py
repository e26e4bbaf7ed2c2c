"""The whole server keeps its video in a real bucket that freezes."""

import pytest

from tests.support import html_reader
from tests.support.builders import clips, envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers import s3, server as servers
from tests.support.waiting import until

OUTAGE_S = 60
"""Long enough for three attempts of 10 s and their backoff."""


@pytest.fixture(scope="module")
def service():
    """Start the real S3 server."""
    with s3.serving() as s3_service:
        yield s3_service


@pytest.fixture
def location(service):
    """Return a location in a new bucket."""
    return service.new_location()


@pytest.fixture
def list_packs(service, location):
    """Return a function that lists the names of the packs in the bucket."""

    def listed():
        answer = service.owner.list_objects_v2(Bucket=location.bucket)
        names = [entry["Key"] for entry in answer.get("Contents", [])]
        return [name for name in names if name.split("/")[3] == "v"]

    return listed


@pytest.fixture
async def server(service, location, database_url, tmp_path):
    """Start a server that keeps its video in the bucket."""
    access = service.access
    async with servers.running(
        database_url,
        tmp_path,
        storage=f"s3://{location.bucket}/{location.prefix}",
        s3_endpoint_url=access.endpoint_url,
        s3_region=access.region,
        s3_access_key_id=access.key_id,
        s3_secret_access_key=access.secret,
        s3_addressing="path",
    ) as started:
        yield started


async def test_video_is_in_the_bucket_until_it_is_deleted(server, list_packs, location):
    """A batch is one object below the prefix, and a deletion through the page removes it."""
    for segment_id in range(2):
        await server.take(envelopes.replay_video_envelope(segment_id))
    assert [name.startswith(f"{location.prefix}/") for name in list_packs()] == [True, True]
    video = await server.web.get(server.page(REPLAY_ID, "/segments/0.mp4"))
    assert video.content == clips.clip()
    part = await server.web.get(
        server.page(REPLAY_ID, "/segments/0.mp4"), headers={"Range": "bytes=10-29"}
    )
    assert (part.status_code, part.content) == (206, clips.clip()[10:30])
    assert server.objects() == []
    confirmation = await server.web.get(server.page(REPLAY_ID, "/delete"))
    form = html_reader.parse_page(confirmation.text).one(
        "form", action=server.page(REPLAY_ID, "/delete")
    )
    assert (await server.web.post(form["action"])).status_code == 303
    server.service.sweeper.hurry()
    await until(lambda: list_packs() == [])


async def test_a_frozen_bucket_costs_no_envelope(server):
    """While S3 hangs, envelopes are answered 200 and video 503; later all of it is there."""
    await server.take(envelopes.replay_video_envelope(0))
    path = server.page(REPLAY_ID, "/segments/0.mp4")
    with s3.frozen():
        for segment_id in range(1, 4):
            answer = await server.post(envelopes.replay_video_envelope(segment_id))
            assert answer.status_code == 200
        assert (await server.web.get(path, timeout=OUTAGE_S)).status_code == 503
        assert server.service.ingest.journal.backlog().entries == 3
    await server.settled()
    assert await server.outcomes() == {("replay_video", "kept", ""): 4}
    assert (await server.web.get(path)).content == clips.clip()
