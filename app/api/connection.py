"""What connections are given beyond uvicorn: bodies of ingest as a whole, and an end of patience.

uvicorn hands a body on piece by piece and stops reading every 64 KiB, which costs four times what
reading on does (121 us for 120 KB against 29, measured). Here what is posted to an ingest door is
gathered, as far as memory allows, and handed on at once.

uvicorn waits for ever for the rest of a request. Here one that begins and does not go on is hung up
on, without a status line, so that a phone on a bad network keeps what it has. A connection that is
idle between two requests is uvicorn's own affair (`timeout_keep_alive`).
"""

import asyncio
from typing import ClassVar, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core import log
from app.core.limits import LIMITS

_INGEST: Final = b"/api/"
_MOST_BYTES: Final = 4 * 1024 * 1024
"""A longer body is handed on piece by piece, as uvicorn does."""
_MOST_HELD_BYTES: Final = 32 * 1024 * 1024
"""Of all connections; beyond, bodies are handed on piece by piece, and the door counts them."""
_logger: Final = log.get("api.connection")


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, with whole bodies and a look at the clock every few seconds."""

    header_s: ClassVar[float] = LIMITS.header_s
    silence_s: ClassVar[float] = LIMITS.silence_s
    request_s: ClassVar[float] = LIMITS.request_s
    look_s: ClassVar[float] = 5.0

    _held_bytes: ClassVar[int] = 0
    """What all connections have gathered and not handed on."""
    _gathered: bytearray | None = None
    """The body of the request that is being read; None: it is handed on piece by piece."""
    _began_s: float | None = None
    """When the request began that is not whole yet; None between requests."""
    _heard_s = 0.0
    _has_headers = False
    _look: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._began_s = self._heard_s = self.loop.time()
        self._look = self.loop.call_later(self.look_s, self._look_at_clock)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        super().connection_lost(exc)
        if self._look is not None:
            self._look.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        self._heard_s = self.loop.time()
        super().data_received(data)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._began_s = self._heard_s
        self._has_headers = False

    @override
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._has_headers = True
        if _INGEST in self.url and self.scope["method"] == "POST":
            self._gathered = bytearray()

    @override
    def on_body(self, body: bytes) -> None:
        gathered = self._gathered
        if gathered is None or self.cycle.response_complete:
            super().on_body(body)
            return
        gathered += body
        Connection._held_bytes += len(body)
        if len(gathered) > _MOST_BYTES or Connection._held_bytes > _MOST_HELD_BYTES:
            super().on_body(self._let_go())

    @override
    def on_message_complete(self) -> None:
        if self._gathered is not None:
            body = self._let_go()
            if not self.cycle.response_complete:
                self.cycle.body += body
        super().on_message_complete()
        self._began_s = None

    def _let_go(self) -> bytes:
        """Stop gathering; returns what was gathered."""
        gathered, self._gathered = self._gathered or b"", None
        Connection._held_bytes -= len(gathered)
        return bytes(gathered)

    def _look_at_clock(self) -> None:
        reason = self._reason()
        if reason is None:
            self._look = self.loop.call_later(self.look_s, self._look_at_clock)
            return
        _logger.info("hung up on a slow sender", reason=reason)
        self.transport.abort()

    def _reason(self) -> str | None:
        """Say why the sender has had time enough; None while it has not."""
        # While reading is paused it is us who are slow.
        if self._began_s is None or self.flow.read_paused:
            return None
        now_s = self.loop.time()
        since_s = now_s - self._began_s
        if not self._has_headers and since_s > self.header_s:
            return "headers"
        if now_s - self._heard_s > self.silence_s:
            return "silence"
        return "whole request" if since_s > self.request_s else None
