"""Tests of the list, the replay page, its bytes and its deletion, over HTTP."""

import base64
import re
import struct

import pytest

from app.audit import queries as audit
from app.core.ids import ReplayId
from app.formats.stored import packed_json
from app.memberships.model import Role
from app.playback.recording import recorded_segments
from app.replays import queries
from app.replays.model import ReplayKey
from app.replays.segments import segment_queries
from tests.support import html_reader
from tests.support.browsers import signed_in, stranger
from tests.support.builders import clips, envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.servers.server import Server

OTHER_ID = "b" * 32


async def take_two_segments(server: Server) -> None:
    """Send a replay of ten seconds, an error of the app and one of a backend."""
    await server.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(1),
        envelopes.event_envelope(),
    )
    backend = envelopes.event_envelope("c" * 32, replay_id=None, platform="python")
    await server.take(backend, project=server.backend)


def links_to_replays(html: str) -> list[str]:
    """Return the links to replays in the rows of a list."""
    return re.findall(r'class="replay-link" href="([^"]+)"', html)


async def test_a_replay_is_listed_and_opens(server: Server):
    """The list and the page show the same numbers of errors of the app and of the backend."""
    await take_two_segments(server)
    list_html = (await server.web.get("/replays")).text
    assert links_to_replays(list_html) == [server.page(REPLAY_ID)]
    page = await server.web.get(server.page(REPLAY_ID))
    assert page.status_code == 200
    for html in (list_html, page.text):
        assert "1 app" in html
        assert "1 backend" in html
    assert 'data-duration-ms="10000"' in page.text
    assert f'id="error-{EVENT_ID}"' in page.text


async def test_a_row_of_the_list_marks_where_its_errors_are(server: Server):
    """The marks of the errors stand at the times that the page of the replay shows."""
    await take_two_segments(server)
    list_html = (await server.web.get("/replays")).text
    page = (await server.web.get(server.page(REPLAY_ID))).text
    (at_ms,) = re.findall(rf'id="error-{EVENT_ID}"[^>]*data-at-ms="(\d+)"', page)
    marks = re.findall(r'<use href="#mark-(\w+)" data-mark="(\w+)" x="([\d.]+)%"', list_html)
    positions = {(shape, source): float(x) for shape, source, x in marks}
    assert positions.keys() == {("crash", "app"), ("crash", "backend")}
    assert positions["crash", "app"] == float(at_ms) / 100


async def test_a_bare_replay_id_leads_to_its_page(server: Server):
    """The redirect keeps the moment, and an unknown id is said to be unknown."""
    await take_two_segments(server)
    redirect = await server.web.get(f"/replays/{REPLAY_ID}?t=3.5")
    assert (redirect.status_code, redirect.headers["location"]) == (
        303,
        f"{server.page(REPLAY_ID)}?t=3.5",
    )
    unknown = await server.web.get(f"/replays/{OTHER_ID}")
    assert unknown.status_code == 404
    assert "no such replay" in unknown.text


async def test_a_view_is_logged_once_for_the_person_who_opens_the_page(server: Server):
    """The script that looks whether the replay has grown is no viewer."""
    await take_two_segments(server)
    await server.web.get(server.page(REPLAY_ID))
    await server.web.get(server.page(REPLAY_ID), headers={"sec-fetch-dest": "empty"})
    async with server.database.reading() as connection:
        views = await audit.list_replay_views(connection, server.app.id)
    assert [view.replay_id for view in views] == [REPLAY_ID]


async def test_a_page_says_what_it_leaves_out_of_large_recordings(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    """The page names the time and the number of segments left out; reading stops at its limit."""
    await take_two_segments(server)
    whole_html = (await server.web.get(server.page(REPLAY_ID))).text
    assert "are not shown" not in whole_html
    key = ReplayKey(server.app.id, ReplayId(REPLAY_ID))
    async with server.database.reading() as connection:
        replay = await queries.find_replay(connection, key)
        assert replay is not None
        first, _ = await recorded_segments.read_rows(connection, replay)
        assert first.recording is not None
        monkeypatch.setattr(recorded_segments, "MOST_BYTES", len(first.recording))
        segments = await recorded_segments.read_rows(connection, replay)
        assert [segment.recording for segment in segments] == [first.recording, None]
        bare_segments = await segment_queries.read_segments(connection, key, day=replay.day)
        assert [segment.recording for segment in bare_segments] == [None, None]
    monkeypatch.setattr(
        recorded_segments, "MOST_BYTES", packed_json.read_first_text_bytes(first.recording)
    )
    page = (await server.web.get(server.page(REPLAY_ID))).text
    assert "Recordings from 0:05 on are not shown" in page
    assert "touches of 1 segment." in page
    assert 0 < page.count('class="row"') < whole_html.count('class="row"')


async def test_a_page_names_who_has_opened_it(server: Server):
    """Each viewer is named once, the last one first, the person who reads the page among them."""
    await take_two_segments(server)
    await server.web.get(server.page(REPLAY_ID))
    person = await make_person(server.database, "ben@example.com")
    async with signed_in(server, person, role=Role.VIEWER) as browser:
        await browser.get(server.page(REPLAY_ID))
        page = await browser.get(server.page(REPLAY_ID))
    seen_by = page.text.partition('aria-label="Seen by"')[2].partition("</ul>")[0]
    assert re.findall("<bdi>(.*?)</bdi>", seen_by) == ["ben", "Admin"]


async def test_the_index_contains_the_first_pictures(server: Server):
    """One answer holds the index and the record due at `t`; ranges of the stream hold the same."""
    await take_two_segments(server)
    answer = await server.web.get(server.page(REPLAY_ID, "/index?t=7000"))
    (length,) = struct.unpack(">I", answer.content[:4])
    record = answer.content[4 + length :]
    version = answer.headers["etag"].strip('"')
    assert answer.content[4:8] == b"PHI1"
    assert answer.headers["x-gop"] == "1"
    stream = server.page(REPLAY_ID, f"/stream?v={version}")
    whole_stream = await server.web.get(stream)
    part = await server.web.get(stream, headers={"range": f"bytes=-{len(record)}"})
    assert (whole_stream.status_code, part.status_code) == (200, 206)
    assert whole_stream.content.endswith(record)
    assert part.content == record
    size = len(whole_stream.content)
    assert part.headers["content-range"] == f"bytes {size - len(record)}-{size - 1}/{size}"


async def test_the_page_contains_what_the_index_answers(server: Server):
    """The player need not ask; a script that looks for news does not get it again."""
    await take_two_segments(server)
    page = await server.web.get(f"{server.page(REPLAY_ID)}?t=7")
    start = re.search(
        r'<meta name="replay-start" data-version="(.+)" data-gop="1" content="(.+)">', page.text
    )
    assert start
    index = await server.web.get(server.page(REPLAY_ID, "/index?t=7000"))
    assert f'"{start[1]}"' == index.headers["etag"]
    assert base64.b64decode(start[2]) == index.content
    script = {"sec-fetch-dest": "empty"}
    reloaded_page = await server.web.get(server.page(REPLAY_ID), headers=script)
    assert "replay-start" not in reloaded_page.text


async def test_gestures_have_the_times_of_the_player(server: Server):
    """An unchanged replay gets 304, and a grown one is read anew."""
    await server.take(envelopes.replay_video_envelope(0))
    path = server.page(REPLAY_ID, "/gestures")
    first = await server.web.get(path)
    (tap,) = first.json()
    assert [at_ms for at_ms, _, _ in tap["points"]] == [200, 280]
    assert (tap["kind"], tap["finger"], tap["taps"], tap["dead"]) == ("tap", 0, 1, False)
    conditional = {"if-none-match": first.headers["etag"]}
    assert (await server.web.get(path, headers=conditional)).status_code == 304
    await server.take(envelopes.replay_video_envelope(1))
    assert len((await server.web.get(path, headers=conditional)).json()) == 2
    assert (await server.web.get(server.page(OTHER_ID, "/gestures"))).status_code == 404


async def test_a_range_outside_of_the_stream_is_refused(server: Server):
    """Ranges past the end, reversed ranges and several at once get 416 with the size."""
    await take_two_segments(server)
    index = await server.web.get(server.page(REPLAY_ID, "/index"))
    stream = server.page(REPLAY_ID, f"/stream?v={index.headers['etag'].strip(chr(34))}")
    for byte_range in ("bytes=99999999-", "bytes=5-4", "bytes=0-1,3-4", "bytes=-0", "lines=1-2"):
        answer = await server.web.get(stream, headers={"range": byte_range})
        assert answer.status_code == 416
        assert answer.headers["content-range"].startswith("bytes */")


async def test_an_old_version_stays_good_while_the_replay_grows(server: Server):
    """A segment at the end changes nothing before it; one at the front makes the version stale."""
    await server.take(envelopes.replay_video_envelope(1))
    index = await server.web.get(server.page(REPLAY_ID, "/index"))
    version = index.headers["etag"].strip('"')
    stream = server.page(REPLAY_ID, f"/stream?v={version}")
    before = await server.web.get(stream)
    await server.take(envelopes.replay_video_envelope(2))
    assert (await server.web.get(stream)).content == before.content
    await server.take(envelopes.replay_video_envelope(0))
    assert (await server.web.get(stream)).status_code == 409


async def test_the_video_of_a_segment_is_sent_as_it_came(server: Server):
    """The video has a fixed type and a sandbox; other sites get 403, and a download is logged."""
    await take_two_segments(server)
    path = server.page(REPLAY_ID, "/segments/1.mp4")
    whole_video = await server.web.get(path)
    assert whole_video.headers["content-type"] == "video/mp4"
    assert whole_video.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert whole_video.headers["cache-control"] == "private, no-store"
    assert whole_video.content[4:8] == b"ftyp"
    part = await server.web.get(path, headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    foreign = await server.web.get(path, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert (await server.web.get(server.page(REPLAY_ID, "/segments/9.mp4"))).status_code == 404
    async with server.database.reading() as connection:
        lines = await audit.list_audit_lines(connection, project_id=server.app.id)
    assert [line.detail for line in lines if line.action == "replay_downloaded"] == [{"segment": 1}]


async def test_a_replay_without_a_playable_video_has_an_empty_stream(server: Server):
    """The page waits for video, and the index is answered as usual."""
    await server.take(envelopes.replay_video_envelope(0, video=b"no video at all"))
    page = (await server.web.get(server.page(REPLAY_ID))).text
    index = await server.web.get(server.page(REPLAY_ID, "/index"))
    assert "Waiting for video" in page
    assert index.content[4:8] == b"PHI1"
    stream = server.page(REPLAY_ID, f"/stream?v={index.headers['etag'].strip(chr(34))}")
    assert (await server.web.get(stream)).content == b""


async def test_a_deleted_replay_is_gone_everywhere_at_once(server: Server):
    """No cache serves the deleted replay, and its page says who deleted it."""
    await take_two_segments(server)
    index = await server.web.get(server.page(REPLAY_ID, "/index"))
    question = await server.web.get(server.page(REPLAY_ID, "/delete"))
    assert "Delete replay" in question.text
    deletion = await server.web.post(server.page(REPLAY_ID, "/delete"))
    assert (deletion.status_code, deletion.headers["location"]) == (
        303,
        "/replays?done=replay-deleted",
    )
    version = index.headers["etag"].strip('"')
    for below in ("/index", f"/stream?v={version}", "/segments/0.mp4"):
        assert (await server.web.get(server.page(REPLAY_ID, below))).status_code == 404
    for answer in (
        await server.web.get(server.page(REPLAY_ID)),
        await server.web.get(server.page(REPLAY_ID, "/delete")),
        await server.web.post(server.page(REPLAY_ID, "/delete")),
    ):
        assert answer.status_code == 410
        assert "By <strong>Admin</strong>" in answer.text
    assert "Replay deleted." in (await server.web.get(deletion.headers["location"])).text


async def test_a_replay_that_never_came_is_not_found(server: Server):
    """Unknown and malformed ids get 404; the page of an unknown replay says that it is not here."""
    page = await server.web.get(server.page(OTHER_ID))
    assert page.status_code == 404
    assert "There is no such replay here" in page.text
    assert (await server.web.get(server.page("nothing"))).status_code == 404


async def test_a_viewer_watches_a_replay_and_may_not_delete_it(server: Server):
    """A viewer sees no error of a project they are not in, and gets 403 for the deletion."""
    await take_two_segments(server)
    person = await make_person(server.database)
    async with signed_in(server, person, role=Role.VIEWER) as browser:
        page = await browser.get(server.page(REPLAY_ID))
        list_html = (await browser.get("/replays")).text
        assert page.status_code == 200
        assert links_to_replays(list_html) == [server.page(REPLAY_ID)]
        assert "Delete replay" not in page.text
        for html in (page.text, list_html):
            assert "1 app" in html
            assert "1 backend" not in html
        for answer in (
            await browser.get(server.page(REPLAY_ID, "/delete")),
            await browser.post(server.page(REPLAY_ID, "/delete")),
        ):
            assert answer.status_code == 403


async def test_a_replay_does_not_exist_for_people_of_other_projects(server: Server):
    """People of other projects get 404 for page, bytes and deletion; a stranger gets 401."""
    await take_two_segments(server)
    person = await make_person(server.database)
    async with signed_in(server, person) as browser:
        for below in ("", "/index", "/stream", "/segments/0.mp4", "/delete"):
            assert (await browser.get(server.page(REPLAY_ID, below))).status_code == 404
        assert (await browser.post(server.page(REPLAY_ID, "/delete"))).status_code == 404
        assert (await browser.get(f"/replays/{REPLAY_ID}")).status_code == 404
        assert links_to_replays((await browser.get("/replays")).text) == []
    async with stranger(server) as browser:
        scripts = {"accept": "*/*"}
        answer = await browser.get(server.page(REPLAY_ID, "/index"), headers=scripts)
        assert answer.status_code == 401


async def test_pages_of_the_list_of_replays_lead_both_ways(server: Server):
    """Two pages have all 51 replays, each once, and link to each other."""
    for number in range(51):
        body = envelopes.replay_video_envelope(0, replay_id=f"{number + 1:032x}", video=None)
        assert (await server.post(body)).status_code == 200
    await server.settled()
    first = (await server.web.get("/replays")).text
    (older,) = re.findall(r'href="([^"]+)" rel="next"', first)
    last = (await server.web.get(older)).text
    (newer,) = re.findall(r'href="([^"]+)" rel="prev"', last)
    assert 'rel="next"' not in last
    assert 'rel="prev"' not in first
    hrefs = links_to_replays(first) + links_to_replays(last)
    assert (len(hrefs), len(set(hrefs))) == (51, 51)
    assert links_to_replays((await server.web.get(newer)).text) == links_to_replays(first)


async def test_the_list_of_replays_can_be_limited_to_a_project(server: Server):
    """A project without replays says so, and an unknown project gets 404."""
    await take_two_segments(server)
    app_list = await server.web.get(f"/replays?project={server.app.id}")
    assert links_to_replays(app_list.text) == [server.page(REPLAY_ID)]
    backend_list = await server.web.get(f"/replays?project={server.backend.id}")
    assert "No replay matches" in backend_list.text
    assert (await server.web.get("/replays?project=999")).status_code == 404
    assert (await server.web.get("/replays?before=nowhere")).status_code == 400


async def test_list_page_and_player_show_the_same_length(server: Server):
    """The video of the last segment is longer than its phone says, as with uneven frame times."""
    await server.take(envelopes.replay_video_envelope(0, video=clips.clip(frames=7)))
    list_page = html_reader.parse_page((await server.web.get("/replays")).text)
    html = (await server.web.get(server.page(REPLAY_ID))).text
    index = (await server.web.get(server.page(REPLAY_ID, "/index"))).content
    assert 'data-duration-ms="7000"' in html
    assert "0:07" in html_reader.parse_page(html).one("p", class_="when").text
    assert "0:07" in list_page.one("td", class_="length end").text
    assert index[4:8] + bytes([0xD8, 0x36]) == index[4:10]  # 7,000 as LEB128
