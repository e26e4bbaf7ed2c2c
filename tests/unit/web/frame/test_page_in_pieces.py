"""Tests of a page whose head is sent before the rest of it is read."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import Request
from starlette.types import Message, Scope

from app.playback.video.start import PlaybackStart
from app.web.frame import answer
from app.web.frame.rendering.renderer import Renderer
from app.web.replay.page import UnfinishedPage
from tests.support.waiting import PATIENCE_S
from tests.unit.web.samples.pages import OPENING, REPLAY_PAGE

TEMPLATE = "replay/page.html"
TOP = UnfinishedPage(OPENING, top=REPLAY_PAGE.top)


class BareServices:
    """The services of an application that has nothing but a renderer."""

    renderer = Renderer()


class State:
    """An application that holds services."""

    class state:  # noqa: N801 - as Starlette calls it
        """The state of the application."""

        page_services = BareServices()


async def receive() -> Message:
    """Wait for ever: the browser stays."""
    return await asyncio.Future()


def scope_of(coding: str) -> Scope:
    """Return the ASGI scope of a request."""
    return {
        "type": "http", "method": "GET", "path": "/p", "query_string": b"", "app": State,
        "headers": [(b"accept-encoding", coding.encode())], "asgi": {"spec_version": "2.4"},
        "server": ("here", 80), "scheme": "http",
    }  # fmt: skip


async def ask(
    find: Callable[[], Awaitable[object]], coding: str, *, start: PlaybackStart | None = None
) -> asyncio.Queue[Message]:
    """Answer a request and yield the messages as they are sent."""
    scope = scope_of(coding)
    sent: asyncio.Queue[Message] = asyncio.Queue()

    async def rest() -> AsyncIterator[object]:
        yield UnfinishedPage(OPENING, start)
        yield TOP
        yield await find()

    response = await answer.stream_page(Request(scope), TEMPLATE, UnfinishedPage(OPENING), rest())
    scope["task"] = asyncio.create_task(response(scope, receive, sent.put))
    return sent


async def rest_of(sent: asyncio.Queue[Message]) -> bytes:
    """Read all messages to the end."""
    body = b""
    while True:
        message = await asyncio.wait_for(sent.get(), PATIENCE_S)
        body += bytes(message["body"])
        if not message.get("more_body"):
            return body


async def test_the_head_goes_before_the_rest_is_found():
    """The head has script and style; the pieces together are the whole page."""
    is_ready = asyncio.Event()

    async def find() -> object:
        await is_ready.wait()
        return REPLAY_PAGE

    sent = await ask(find, "identity", start=PlaybackStart("1-a", 4, b"\0\0\0\1i<"))
    begin, head, picture, top = [await asyncio.wait_for(sent.get(), PATIENCE_S) for _ in range(4)]
    assert begin["status"] == 200
    assert f'data-index-url="{OPENING.index_href}"' in head["body"].decode()
    assert BareServices.renderer.inlined.script in head["body"].decode()
    start = '<meta name="replay-start" data-version="1-a" data-gop="4" content="AAAAAWk8">'
    assert start in picture["body"].decode()
    assert picture["body"].decode().rstrip().endswith("</head>")
    assert "data-stage-host" in top["body"].decode()
    is_ready.set()
    whole = (head["body"] + picture["body"] + top["body"] + await rest_of(sent)).decode()
    frame = await answer.build_chrome(Request(scope_of("identity")))
    page = BareServices.renderer.render_page(TEMPLATE, REPLAY_PAGE, chrome=frame)
    assert whole.replace(f"{start}\n", "") == page.replace("<!-- The rest follows. -->", "")


async def test_each_piece_is_packed_so_that_it_can_be_read():
    """A browser can decompress the head before more arrives."""
    is_ready = asyncio.Event()

    async def find() -> object:
        await is_ready.wait()
        return REPLAY_PAGE

    sent = await ask(find, "br, gzip")
    start = await asyncio.wait_for(sent.get(), PATIENCE_S)
    assert (b"content-encoding", b"gzip") in start["headers"]
    unpacker = zlib.decompressobj(wbits=31)
    head = unpacker.decompress((await asyncio.wait_for(sent.get(), PATIENCE_S))["body"])
    assert BareServices.renderer.inlined.script.encode() in head
    is_ready.set()
    rest = unpacker.decompress(await rest_of(sent))
    assert rest.endswith(b"</html>")
    assert unpacker.eof


async def test_what_fails_behind_the_head_is_told_in_the_page():
    """The status is sent by then; the page says so without the error's text."""

    async def find() -> object:
        raise RuntimeError("secret detail")

    sent = await ask(find, "identity")
    await sent.get()
    text = (await rest_of(sent)).decode()
    assert "The rest of this page could not be loaded" in text
    assert "secret" not in text
