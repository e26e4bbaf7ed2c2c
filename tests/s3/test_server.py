"""The whole server with its video in a real bucket: what people and phones notice of an outage."""

import pytest

from tests.support import html_reader
from tests.support.builders import clips, envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers import s3, server as servers
from tests.support.waiting import until

OUTAGE_S = 60
"""Three attempts of 10 s and their backoff fit in."""


@pytest.fixture(scope="module")
def service():
    """The real S3 server."""
    with s3.serving() as given:
        yield given


@pytest.fixture
def location(service):
    """A place in a new bucket."""
    return service.new_location()


@pytest.fixture
def names(service, location):
    """Tell what lies in the bucket."""

    def listed():
        answer = service.owner.list_objects_v2(Bucket=location.bucket)
        return [each["Key"] for each in answer.get("Contents", [])]

    return listed


@pytest.fixture
async def server(service, location, database_url, tmp_path):
    """A server that keeps its video there."""
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


async def test_video_lies_in_the_bucket_until_it_is_deleted(server, names, location):
    """A segment is one object below the prefix; a deletion through the page removes it."""
    await server.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(1))
    beginning = f"{location.prefix}/p/{server.app.id}/r/{REPLAY_ID}/00000"
    assert [name.startswith(beginning) for name in names()] == [True, True]
    video = await server.web.get(server.page(REPLAY_ID, "/segments/0.mp4"))
    assert video.content == clips.clip()
    part = await server.web.get(
        server.page(REPLAY_ID, "/segments/0.mp4"), headers={"Range": "bytes=10-29"}
    )
    assert (part.status_code, part.content) == (206, clips.clip()[10:30])
    assert server.objects() == []
    asked = await server.web.get(server.page(REPLAY_ID, "/delete"))
    form = html_reader.parse_page(asked.text).one("form", action=server.page(REPLAY_ID, "/delete"))
    assert (await server.web.post(form["action"])).status_code == 303
    server.service.sweeper.hurry()
    await until(lambda: names() == [])


async def test_frozen_bucket_costs_no_envelope(server):
    """While S3 hangs, envelopes are answered 200 and video is 503; afterwards all is there."""
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
