"""Serves the pages of `tests/unit/web/samples` with the policy that the real server sends."""

import json
import mimetypes
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, override
from urllib.parse import quote, unquote, urlsplit

from app.web.frame.rendering import assets
from app.web.frame.rendering.renderer import Renderer
from app.web.urls import list_urls
from tests.support.waiting import PATIENCE_S
from tests.unit.web.samples import pages
from tests.unit.web.samples.pages import SAMPLES, Sample

RENDERER: Final = Renderer()
_MARK: Final = b"<!-- The rest follows. -->"
POLICY: Final = RENDERER.inlined.policy.partition("; report-uri")[0]


class _PageServer(ThreadingHTTPServer):
    """A server that lets a browser open all its connections at once.

    Of more than five that wait, Linux drops what comes next, and the browser tries again after 1,
    2, 4 … seconds.
    """

    request_queue_size = 128


class Site:
    """A server in a thread; tests may change `pages` and `gestures`, and `posts` collects paths."""

    def __init__(self) -> None:
        self.pages: dict[str, Sample] = dict(SAMPLES)
        self.posts: list[str] = []
        self.gestures: list[dict[str, object]] = []
        self.new_replays: list[str] | int = []
        """New replays that a list gets, or the status with which its request is refused."""
        self.asked_for_new = 0
        self.late_s = 0.0
        """Seconds between one part of a page and the next."""
        self.may_continue = threading.Event()
        """Cleared, it holds back the last part of a page."""
        self.may_continue.set()
        self._server = _PageServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def address(self, name: str, query: str = "") -> str:
        """Return the address of a sample page."""
        return f"http://127.0.0.1:{self._server.server_port}/{quote(name)}{query}"

    def stop(self) -> None:
        """End the thread and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _html(self, name: str) -> str:
        sample = self.pages[name]
        return RENDERER.render_page(sample.template, sample.page, chrome=sample.chrome)

    def _find_answer(self, path: str, query: str) -> tuple[int, str, bytes]:
        name = unquote(path.strip("/"))
        file = assets.read_asset(path.removeprefix("/static/"), query)
        if path.startswith("/static/") and file is not None:
            return 200, mimetypes.guess_type(path)[0] or "text/plain", file
        name = {
            pages.HEADER.href: "replay",
            pages.HEADER.hand_on_href: "hand on",
            list_urls.REPLAYS: "list",
        }.get(path, name)
        if path.startswith("/traces/"):
            name = "trace, the rest"
        if name in self.pages:
            return 200, "text/html; charset=utf-8", self._html(name).encode()
        return self._find_data(path)

    def _find_data(self, path: str) -> tuple[int, str, bytes]:
        """Answer the data that scripts request."""
        if path == list_urls.NEW_REPLAYS:
            return self._answer_new_replays()
        data: dict[str, object] = {
            "/gestures": self.gestures,
            "/served": {"served": []},
            "/pictures": {"state": "none", "fault": None},
        }
        for ending, value in data.items():
            if path.endswith(ending):
                return 200, "application/json", json.dumps(value).encode()
        return (200 if path.endswith("/index") else 404), "application/octet-stream", b""

    def _answer_new_replays(self) -> tuple[int, str, bytes]:
        self.asked_for_new += 1
        if isinstance(self.new_replays, int):
            return self.new_replays, "text/html", b""
        body = json.dumps({"replays": self.new_replays, "has_more": False})
        return 200, "application/json", body.encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            @override
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                self._answer(
                    *site._find_answer(urlsplit(self.path).path, urlsplit(self.path).query)
                )

            def do_POST(self) -> None:
                site.posts.append(self.path)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(200, "text/html", b"<!doctype html><title>Posted</title>")

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Security-Policy", POLICY)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                first, *later_pieces = body.split(_MARK)
                self.wfile.write(first)
                for number, piece in enumerate(later_pieces, 1):
                    self.wfile.flush()
                    time.sleep(site.late_s)
                    if number == len(later_pieces):
                        site.may_continue.wait(PATIENCE_S)
                    self.wfile.write(_MARK + piece)

        return Handler
