"""The pictures of single moments, which reports of a range name."""

from datetime import timedelta

import pytest

from app.core.errors import MalformedInput
from app.playback.pictures import moment, schedule
from tests.api.replays.test_pictures import PARTS, draw_replay, is_similar, read_colour
from tests.support.builders import envelopes
from tests.support.builders.clips import colour_of
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers import server as servers

MOMENT = "/pictures/moment.webp"


@pytest.fixture(autouse=True)
def draw_at_once(monkeypatch):
    """Draw replays at once, instead of waiting until they have been quiet."""
    monkeypatch.setattr(schedule, "QUIET", timedelta(0))


async def test_a_moment_shows_what_was_on_the_screen_then(server, monkeypatch):
    """Times before, after and beside a number count as the start or the end of the replay."""
    await server.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(1))
    path = server.page(REPLAY_ID, MOMENT)
    assert (await server.web.get(f"{path}?t=1")).status_code == 404  # neither drawn nor a poster
    monkeypatch.setitem(vars(server.service.page_services.settings), "pictures", True)
    shown = {"0": 0, "1.2": 1, "3.9": 3, "8": 8, "-7": 0, "nan": 0, "x": 0, "1e9": 9, "": 0}
    shown["1e308"] = 0  # finite in seconds, and not in milliseconds
    for text, second in shown.items():
        picture = (await server.web.get(path, params={"t": text})).content
        assert is_similar(read_colour(picture, (20, 20)), colour_of(second % 5)), text


async def test_a_moment_that_cannot_be_drawn_shows_the_poster(server, monkeypatch):
    """A child tries it once, also where many ask."""
    await server.take(envelopes.replay_video_envelope(0))
    await draw_replay(server)
    monkeypatch.setitem(vars(server.service.page_services.settings), "pictures", True)
    tries = []

    async def fail(_store: object, _index: object, at_ms: int) -> bytes:
        tries.append(at_ms)
        raise MalformedInput("it cannot be decoded")

    monkeypatch.setattr(moment, "draw_still", fail)
    poster = (await server.web.get(server.page(REPLAY_ID, PARTS[0]))).content
    for _ in range(3):
        answer = await server.web.get(server.page(REPLAY_ID, f"{MOMENT}?t=1.057"))
        assert answer.content == poster
    assert tries == [1_057]


async def test_a_link_on_another_site_opens_a_picture_and_nothing_else_shows_it(server):
    """Reports are pasted into trackers, where browsers say that another site leads here."""
    await server.take(envelopes.replay_video_envelope(0))
    await draw_replay(server)
    for part in (MOMENT, PARTS[0]):
        for site in ("cross-site", "same-site"):
            statuses = {}
            for mode, use in (
                ("navigate", "document"),
                ("navigate", "iframe"),
                ("navigate", "object"),
                ("no-cors", "image"),
                ("cors", "empty"),
            ):
                headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": use}
                answer = await server.web.get(server.page(REPLAY_ID, part), headers=headers)
                statuses[use] = answer.status_code
                assert answer.headers["content-security-policy"].startswith(
                    "sandbox" if use == "document" else "default-src 'none'"
                )
            expected = dict.fromkeys(statuses, 403) | {"document": 200}
            assert statuses == expected


async def test_only_people_who_may_see_a_replay_get_its_moments(server):
    """Strangers, members of other projects and other sites get none; a deleted replay has none.

    A picture is sent with headers that forbid storing, sniffing and scripts.
    """
    await server.take(envelopes.replay_video_envelope(0))
    await draw_replay(server)
    path = server.page(REPLAY_ID, MOMENT)
    answer = await server.web.get(path)
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await server.sender.get(path)).status_code in {303, 401}
    cross = {"sec-fetch-site": "cross-site"}
    assert (await server.web.get(path, headers=cross)).status_code == 403
    elsewhere = path.replace(f"/{server.app.id}/", f"/{server.backend.id}/", 1)
    assert (await server.web.get(elsewhere)).status_code == 404
    async with servers.tenant(server) as other_tenant:
        assert (await other_tenant.web.get(path)).status_code == 404
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    for replay_id in (REPLAY_ID, "9" * 32):
        assert (await server.web.get(server.page(replay_id, MOMENT))).status_code == 404
