"""Tests of a page whose head is sent before the rest of it is found."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.types import Message, Scope

from app.web import answer
from app.web.render import Renderer
from app.web.view.replay import Opened
from tests.unit.web.samples import OPENING, REPLAY_PAGE

TEMPLATE = "replay/page.html"


class Bare:
    """A house with nothing but a renderer."""

    renderer = Renderer()


class State:
    """An application that holds a house."""

    class state:  # noqa: N801 - as Starlette calls it
        """Where the house is."""

        house = Bare()


async def receive() -> Message:
    """Wait for ever: the browser stays."""
    return await asyncio.Future()


def scope_of(coding: str) -> Scope:
    """Return what a server hands on of a request."""
    return {
        "type": "http", "method": "GET", "path": "/p", "query_string": b"", "app": State,
        "headers": [(b"accept-encoding", coding.encode())], "asgi": {"spec_version": "2.4"},
        "server": ("here", 80), "scheme": "http",
    }  # fmt: skip


async def ask(find: Callable[[], Awaitable[object]], coding: str) -> asyncio.Queue[Message]:
    """Answer a request; gives what is sent as it is sent."""
    scope = scope_of(coding)
    sent: asyncio.Queue[Message] = asyncio.Queue()
    response = await answer.page_in_two(Request(scope), TEMPLATE, Opened(OPENING), find)
    scope["task"] = asyncio.create_task(response(scope, receive, sent.put))
    return sent


async def rest_of(sent: asyncio.Queue[Message]) -> bytes:
    """Read what is sent until the end."""
    body = b""
    while True:
        message = await asyncio.wait_for(sent.get(), 10)
        body += bytes(message["body"])
        if not message.get("more_body"):
            return body


async def test_the_head_goes_before_the_rest_is_found():
    """It names script, style and first picture; together the pieces are the page."""
    found = asyncio.Event()

    async def find() -> object:
        await found.wait()
        return REPLAY_PAGE

    sent = await ask(find, "identity")
    start = await asyncio.wait_for(sent.get(), 10)
    head = (await asyncio.wait_for(sent.get(), 10))["body"].decode()
    assert start["status"] == 200
    assert f'href="{OPENING.index_href}?t=44000"' in head
    assert "begin.js" in head
    assert head.rstrip().endswith("</head>")
    found.set()
    whole = head + (await rest_of(sent)).decode()
    frame = answer.frame(Request(scope_of("identity")))
    page = Bare.renderer.page(TEMPLATE, REPLAY_PAGE, chrome=frame)
    assert whole == page.replace("<!-- The rest follows. -->", "")


async def test_each_piece_is_packed_so_that_it_can_be_read():
    """A browser unpacks the head without waiting for more."""
    found = asyncio.Event()

    async def find() -> object:
        await found.wait()
        return REPLAY_PAGE

    sent = await ask(find, "br, gzip")
    start = await asyncio.wait_for(sent.get(), 10)
    assert (b"content-encoding", b"gzip") in start["headers"]
    unpacker = zlib.decompressobj(wbits=31)
    head = unpacker.decompress((await asyncio.wait_for(sent.get(), 10))["body"])
    assert b"</head>" in head
    found.set()
    rest = unpacker.decompress(await rest_of(sent))
    assert rest.endswith(b"</html>")
    assert unpacker.eof


async def test_what_fails_behind_the_head_is_told_in_the_page():
    """The status is gone by then; nothing of the error is shown."""

    async def find() -> object:
        raise RuntimeError("secret detail")

    sent = await ask(find, "identity")
    await sent.get()
    text = (await rest_of(sent)).decode()
    assert "The rest of this page did not come" in text
    assert "secret" not in text
