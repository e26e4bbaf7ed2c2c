"""A small server for the player: its files, a bare page, and the two endpoints it requests."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from app.core.errors import NotFound
from app.playback.video import index as playback, stream
from app.playback.video.index import PlaybackIndex
from app.storage.port import ObjectStore
from tests.browser.player.replays import Replay

STATIC: Final = Path(__file__).resolve().parents[3] / "static"
"""The files of the checkout: a bundle has no file for each module of the player."""
_MODULES: Final = sorted(
    str(path.relative_to(STATIC / "player"))
    for path in (STATIC / "player").rglob("*.js")
    if path.stem not in {"types", "file"}
)
_PAGE: Final = """<!doctype html>
<meta charset="utf-8">
<title>Player</title>
<link rel="preload" as="fetch" crossorigin href="{path}/index?t={at_ms}">
{modules}
<link rel="icon" href="data:,">
<style>body {{ margin: 0 }} #stage {{ inline-size: 100vw; block-size: 95vh }}</style>
<div id="stage"></div>
<script>for (const name of "{without}".split(",")) delete window[name];</script>
<script type="module">
import {{ createPlayer }} from "/static/player/player.js";
window.player = createPlayer({{
  host: document.getElementById("stage"),
  indexUrl: "{path}/index", streamUrl: "{path}/stream", startAtMs: {at_ms},
}});
</script>
"""


class Server:
    """Holds replays by name, counts its answers, and can be told to misbehave."""

    def __init__(self) -> None:
        self.replays: dict[str, Replay] = {}
        self.ranges: list[str] = []
        self.refuse_stream_with: int | None = None
        self._built: dict[str, PlaybackIndex] = {}
        self._sent = {"n": 0, "bytes": 0}

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/replay/{name}", self.page),
                Route("/replay/{name}/index", self.index),
                Route("/replay/{name}/stream", self.stream),
                Route("/stats", self.stats),
                Mount("/static", StaticFiles(directory=STATIC)),
            ]
        )

    async def page(self, request: Request) -> Response:
        """Answer with a page of only the player, without the globals that `without` names."""
        modules = "\n".join(
            f'<link rel="modulepreload" href="/static/player/{name}">' for name in _MODULES
        )
        at_ms = int(request.query_params.get("t", "0"))
        without = re.sub(r"[^A-Za-z,]", "", request.query_params.get("without", ""))
        text = _PAGE.format(path=request.url.path, at_ms=at_ms, modules=modules, without=without)
        return HTMLResponse(text)

    async def index(self, request: Request) -> Response:
        """Answer with the index and the GOP due at `t`."""
        replay = self._replay(request)
        index = self._index_of(replay, playback.make_version(replay.segments))
        assert index is not None
        head = playback.encode_index(index)
        due, gop = b"", 0
        if index.gops:
            gop = index.gop_at(int(request.query_params["t"]))
            record = index.gops[gop]
            span = (record.offset, record.offset + record.size_bytes)
            try:
                due = b"".join(
                    [part async for part in stream.read_stream(_store(replay), index, *span)]
                )
            except NotFound:
                due = b""
        self._sent["n"] += 1
        self._sent["bytes"] += len(head) + len(due)
        headers = {"ETag": f'"{index.version}"', "X-Gop": str(gop), "Cache-Control": "no-cache"}
        body = len(head).to_bytes(4, "big") + head + due
        return Response(body, headers=headers, media_type="application/octet-stream")

    async def stream(self, request: Request) -> Response:
        """Answer with a byte range of the virtual stream."""
        range_header = request.headers["range"]
        self.ranges.append(range_header)
        replay = self._replay(request)
        index = self._index_of(replay, request.query_params["v"])
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", range_header)
        assert match
        first, last = int(match[1]), int(match[2])
        if self.refuse_stream_with or index is None:
            headers = {"X-Waits-For": "database"} if self.refuse_stream_with == 503 else {}
            return Response(status_code=self.refuse_stream_with or 409, headers=headers)
        parts = stream.read_stream(_store(replay), index, first, last + 1)
        try:
            first_part = await anext(parts)
        except NotFound:
            return Response(status_code=404)

        async def body() -> AsyncIterator[bytes]:
            self._sent["bytes"] += len(first_part)
            yield first_part
            async for part in parts:
                self._sent["bytes"] += len(part)
                yield part

        self._sent["n"] += 1

        headers = {
            "Content-Range": f"bytes {first}-{last}/{index.size_bytes}",
            "Content-Length": str(last - first + 1),
            "Cache-Control": "no-store",
        }
        return StreamingResponse(body(), 206, headers, "application/octet-stream")

    async def stats(self, request: Request) -> Response:
        """Answer with this process's CPU seconds, and answers and bytes since the last reset."""
        answer = {"cpu": time.process_time(), **self._sent}
        if "reset" in request.query_params:
            self._sent = {"n": 0, "bytes": 0}
        return JSONResponse(answer)

    def _replay(self, request: Request) -> Replay:
        return self.replays[request.path_params["name"]]

    def _index_of(self, replay: Replay, version: str) -> PlaybackIndex | None:
        segments = playback.find_segments_of_version(replay.segments, version)
        if segments is None:
            return None
        if version not in self._built:
            self._built[version] = playback.build_index(segments)
        return self._built[version]


def _store(replay: Replay) -> ObjectStore:
    """Cast a replay to an object store, of which playback needs only `read`."""
    return cast("ObjectStore", replay)
