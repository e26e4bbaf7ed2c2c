"""The strip of small pictures of a shared part, which shows the part and nothing beside it."""

import io
from dataclasses import replace

import pytest
from PIL import Image

from app.media.strip import TILE_SIDE_PX, fit_size
from app.web.replay.shares import public_routes, visitors
from tests.api.sharing.test_share_links import share, take_replay
from tests.support.builders.shared_replays import SEGMENTS
from tests.support.builders.wire import SEGMENT_MS
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(autouse=True)
def drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server draw pictures, which those of tests do not."""
    monkeypatch.setattr(
        public_routes,
        "make_strip_drawer",
        lambda request: replace(visitors.make_strip_drawer(request), is_on=True),
    )


def find_tile_size(number: int) -> list[int]:
    """Return the size of the tiles of a segment, whose video is as wide as no other."""
    return list(fit_size(128 + 16 * number, 256, TILE_SIDE_PX))


async def test_the_strip_of_a_part_shows_no_other_part(tenant: Server):
    """Tiles are of the two segments of the part only, and count from its beginning."""
    await take_replay(tenant)
    begin_ms, end_ms = 2 * SEGMENT_MS + 700, 4 * SEGMENT_MS - 900
    path = await share(tenant, "errors", **{"from": str(begin_ms), "to": str(end_ms)})
    strip = (await tenant.sender.get(f"{path}/pictures")).json()
    assert strip["state"] == "made"
    of_segment = {0: find_tile_size(2), 1: find_tile_size(3)}
    assert {tile[0] // SEGMENT_MS: tile[1:] for tile in strip["tiles"]} == of_segment
    assert all(tile[1:] == of_segment[tile[0] // SEGMENT_MS] for tile in strip["tiles"])

    place = f"{path}/pictures/sheet-0.webp?v={strip['version']}"
    sheet = await tenant.sender.get(place)
    assert sheet.headers["content-type"] == "image/webp"
    with Image.open(io.BytesIO(sheet.content)) as picture:
        # As large as its tiles need: there is no room for another one.
        rows = -(-len(strip["tiles"]) // strip["columns"])
        assert picture.height == rows * strip["cell_px"][1]
    assert (await tenant.sender.get(f"{path}/pictures/sheet-1.webp")).status_code == 404
    assert (await tenant.sender.get(f"{path}/pictures/sheet-0.webp?v=older")).status_code == 409


async def test_a_kept_strip_ends_with_its_link(tenant: Server):
    """What was drawn and is still in memory is not shown by a link that was taken back."""
    await take_replay(tenant)
    last_ms = (SEGMENTS - 1) * SEGMENT_MS
    path = await share(tenant, **{"from": str(last_ms), "to": str(last_ms + 1_000)})
    strip = (await tenant.sender.get(f"{path}/pictures")).json()
    assert {tuple(tile[1:]) for tile in strip["tiles"]} == {tuple(find_tile_size(SEGMENTS - 1))}
    await tenant.web.post(f"/projects/{tenant.app.id}/open-shares/revoke", data={"kind": "link"})
    for below in ("/pictures", f"/pictures/sheet-0.webp?v={strip['version']}"):
        assert (await tenant.sender.get(path + below)).status_code == 410
