"""One name for two cells: a proxy finds the cell of an envelope by the id of its project."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.servers import proxies
from tests.support.servers.ports import find_free_port
from tests.support.servers.server import exchange


@asynccontextmanager
async def cell(name: str) -> AsyncIterator[str]:
    """Run a server that answers every request with its name; gives its `host:port`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(name)}\r\n\r\n"
        writer.write(f"{head}{name}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.close()


async def ask(proxy: str, path: str) -> str:
    """Return the name of the cell that answers, the address it leads to, or an empty string."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    head, _, body = (await exchange(proxy, request.encode())).decode().partition("\r\n\r\n")
    moved = [line for line in head.splitlines() if line.lower().startswith("location: ")]
    return moved[0].partition(" ")[2] if moved else body


@pytest.mark.parametrize("kind", ["caddy", "nginx"])
async def test_envelopes_reach_the_cell_of_their_project(tmp_path: Path, kind: str):
    """Ids lead to cells, old ids and addresses without one to the first; people are led on."""
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(cell(name)) for name in ("first", "second")
        ]
        proxy = await stack.enter_async_context(
            proxies.before_cells(first, second, folder=tmp_path, kind=kind)
        )
        for path, name in (
            ("/api/1000001/envelope/", "first"),
            ("/api/2000001/envelope/", "second"),
            ("/api/2999999/store/", "second"),
            ("/prefix/api/2000001/envelope/", "second"),
            ("/api/2000001/integration/otlp/v1/traces", "second"),
            ("/api/42/envelope/", "first"),
            ("/api/20000010/envelope/", "first"),
            ("/api/envelope/", "first"),
        ):
            assert await ask(proxy, path) == name, path
        assert (await ask(proxy, "/replays?a=b")).endswith("/replays?a=b")


@pytest.mark.parametrize("kind", ["caddy", "nginx"])
async def test_a_cell_that_is_down_takes_only_its_own(tmp_path: Path, kind: str):
    """Phones of a cell that does not answer are hung up on, and those of the other are served."""
    nobody = f"127.0.0.1:{find_free_port()}"
    async with (
        cell("first") as first,
        proxies.before_cells(first, nobody, folder=tmp_path, kind=kind) as proxy,
    ):
        assert await ask(proxy, "/api/2000001/envelope/") == ""
        assert await ask(proxy, "/api/1000001/envelope/") == "first"
