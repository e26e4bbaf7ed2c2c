"""Tests of the screenshots of an event on its page."""

import io

from PIL import Image

from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.builders.wire import EVENT_ID
from tests.support.servers import server as servers
from tests.support.servers.server import Server


def png() -> bytes:
    """Make a green screenshot with a script behind its last pixel."""
    buffer = io.BytesIO()
    Image.new("RGB", (60, 120), (10, 200, 90)).save(buffer, "PNG")
    return buffer.getvalue() + b"<script>alert(1)</script>"


async def send_screenshots(server: Server) -> list[str]:
    """Send an event with three files; return the addresses of the pictures on its page."""
    files = [
        envelopes.item("attachment", png(), filename="a.png", content_type="image/png"),
        envelopes.item("attachment", b"<svg/>", filename="b.png", content_type="image/png"),
        envelopes.attachment_item(),
    ]
    await server.take(envelopes.event_envelope(more_items=files))
    path = f"/projects/{server.app.id}/events/{EVENT_ID}"
    page = html_reader.parse_page((await server.web.get(path, follow_redirects=True)).text)
    return [image["src"] for image in page.all("img") if "/files/" in image["src"]]


async def test_a_screenshot_is_shown_as_a_newly_encoded_picture(database_url, tmp_path):
    """The page never shows the original bytes; a file that only claims to be a picture gets 404."""
    async with servers.running(database_url, tmp_path, pictures=True) as server:
        screenshot_href, svg_href = await send_screenshots(server)
        answer = await server.web.get(screenshot_href)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["cache-control"] == "private, no-store"
        assert b"script" not in answer.content
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert (picture.format, picture.size) == ("WEBP", (60, 120))
        assert (await server.web.get(svg_href)).status_code == 404
        assert (await server.web.get(screenshot_href.replace("/0/", "/2/"))).status_code == 404
        assert (await server.web.get(screenshot_href.replace("/0/", "/9/"))).status_code == 404
        cross = {"sec-fetch-site": "cross-site"}
        assert (await server.web.get(screenshot_href, headers=cross)).status_code == 403
        assert (await server.sender.get(screenshot_href)).status_code in {303, 401}


async def test_without_pictures_the_files_of_an_event_are_not_decoded(server):
    """A server that makes no pictures shows no screenshot, and offers the file as it was sent."""
    assert await send_screenshots(server) == []
    path = f"/projects/{server.app.id}/events/{EVENT_ID}/files/0"
    assert (await server.web.get(f"{path}/picture.webp")).status_code == 404
    assert (await server.web.get(path)).content == png()
