"""Bounds how much memory a connection can take and how long one read can block the event loop.

uvicorn collects heads and trailers of any size, and parses everything that one read brings, so a
few megabytes of tiny headers or pipelined requests become hundreds of megabytes of objects.

    read ─► pieces of 64 KiB ─► parser ─► head: at most 64 KiB and 200 lines, else 431
                                     ├─► body: passed on, and limited by the exchange or page
                                     └─► trailers and framing of chunks: dropped, at most 64 KiB

Bytes that are body by Content-Length are one piece of any size, so that they become one object.
While many pipelined requests wait to be answered, later pieces stay unparsed. Unfinished heads and
unparsed bytes count as memory of the `IngestEndpoint`, as bodies do.
"""

from typing import Any, Final, override

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.api.endpoint import IngestEndpoint
from app.core.errors import ServiceUnavailable
from app.core.limits import LIMITS

_FULL_READ_BYTES: Final = 250_000
"""A read of this size filled uvloop's buffer. After it other connections are served first: libuv
would read up to 32 times in a row, 8 MB."""
_HEAD_END: Final = b"\r\n\r\n"
_WAITING_REQUESTS: Final = 64
"""Pipelined requests of a connection that may wait before parsing stops."""
_WAITING_REQUEST_BYTES: Final = 4 * 1024
"""Memory counted for each of them; the smallest takes a hundred times its bytes on the wire."""
_UNPARSED_BYTES: Final = 1024 * 1024
"""One read is at most 256 KiB; pages that wait for a disconnect may cause a few more reads."""
_NO_HTTP: Final = "Invalid HTTP request received."


class _BadRequest(Exception):
    """The head is refused, although the parser can read it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds on heads, trailers, framing and pipelined requests."""

    _has_headers = False
    """True if the head of the request that is being read is complete."""
    _is_between = True
    """True if the parser waits for a request to begin."""
    _ignores_input = False
    """True if the last request is read or refused, so that later bytes are dropped."""
    _hosts = 0
    """Number of `Host` lines in the head."""
    _body_bytes_left = 0
    """Bytes of the body that are still to come, by Content-Length; 0 if it comes in chunks."""
    _overhead_bytes = 0
    """Bytes since the last request or head ended, or the last piece of a body came."""
    _piece_bytes = 0
    """Size of the piece that the parser reads now."""
    _unparsed = b""
    """Bytes that wait to be parsed, since too many pipelined requests wait before them."""
    _held_bytes = 0
    """Memory that the endpoint counts for this connection beside bodies."""

    def __init__(self, endpoint: IngestEndpoint, *args: Any, **kwargs: Any) -> None:
        """Make a protocol for a new connection.

        Args:
            endpoint: State that the connections of a process share.
            args: Positional arguments that uvicorn gives its protocols.
            kwargs: Keyword arguments that uvicorn gives them.
        """
        super().__init__(*args, **kwargs)
        self.endpoint = endpoint

    def parse(self, data: bytes) -> None:
        """Give bytes to the parser."""
        is_short = len(data) + self._overhead_bytes <= LIMITS.head_bytes
        if is_short and not (self._unparsed or self.pipeline):
            self._parse_piece(data)
        else:
            self._parse_in_pieces(data)
        if self._held_bytes or self.pipeline or not (self._has_headers or self._is_between):
            self._count_held_bytes()

    def parse_waiting(self) -> None:
        """Go on with the bytes that waited, once the requests before them are answered."""
        data, self._unparsed = self._unparsed, b""
        if data and self.parser is not None:
            self.parse(data)
            self._read_on()

    def refuse(self, status: int, message: str) -> None:
        """Answer a request that cannot be read, unless an earlier one still awaits its answer."""
        if self._owes_answer():
            self.transport.abort()
            return
        lines = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            lines.append(b"%b: %b\r\n" % (name, value))
        lines.append(b"content-type: text/plain; charset=utf-8\r\n")
        lines.append(b"content-length: %d\r\nconnection: close\r\n\r\n" % len(message))
        self.transport.write(b"".join((*lines, message.encode("ascii"))))
        self.end(is_read=False)

    def end(self, *, is_read: bool) -> None:
        """Close the connection after its last answer.

        Args:
            is_read: True if the last request was read to its end.
        """
        raise NotImplementedError

    def decline_upgrade(self, remaining: bytes) -> None:
        """Handle a request that asks for another protocol.

        Args:
            remaining: Bytes after its head.
        """
        raise NotImplementedError

    @override
    def send_400_response(self, msg: str) -> None:
        self.refuse(400, msg)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # A cycle of references would keep all this until the garbage collector looks at its
        # oldest generation, which may be never.
        self.pipeline.clear()
        self.headers, self.url, self._unparsed = [], b"", b""
        self.scope = self.cycle = None  # type: ignore[assignment]  # nobody reads them any more
        self._is_between = True
        self._count_held_bytes()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._has_headers = self._is_between = False
        self._hosts = self._body_bytes_left = 0

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        # This repeats what uvicorn's method does, because a call for each line would be measurable.
        if self._has_headers:
            return  # It is a trailer, which nobody reads.
        headers = self.headers
        if len(headers) >= LIMITS.head_lines:
            raise _BadRequest(431, "The head of the request has too many lines.")
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        elif name == b"content-length":
            # The parser refuses a head in which it stands twice, or beside Transfer-Encoding.
            self._body_bytes_left = int(value)
        headers.append((name, value))

    def check_head(self) -> None:
        """Check a head that is complete.

        Raises:
            _BadRequest: The head is refused.
        """
        self._has_headers = True
        self._overhead_bytes = -self._piece_bytes
        # RFC 9112, section 3.2: of two hosts, a proxy may have used the other one.
        if self._hosts != 1 and (self._hosts or self.parser.get_http_version() == "1.1"):
            raise _BadRequest(400, "The request needs exactly one Host line.")

    def finish_reading(self) -> None:
        """Prepare for the next request, now that one was read to its end."""
        self._is_between = True
        self._overhead_bytes = -self._piece_bytes
        if not self.cycle.keep_alive:
            self._ignores_input = True

    def _parse_in_pieces(self, data: bytes) -> None:
        view, at = memoryview(data), 0
        while at < len(view) and not self._ignores_input and not self.transport.is_closing():
            if self._unparsed or len(self.pipeline) > _WAITING_REQUESTS:
                self._unparsed += view[at:]
                self.flow.pause_reading()
                break
            size_bytes = self._find_piece_size(data, at)
            if size_bytes <= 0:
                self.refuse(431, "The head or the framing of the request is too long.")
                break
            piece = view[at : at + size_bytes]
            at += len(piece)
            self._parse_piece(piece)
        if len(data) >= _FULL_READ_BYTES and not self.flow.read_paused:
            self.flow.pause_reading()
            self.loop.call_soon(self._read_on)

    def _find_piece_size(self, data: bytes, start: int) -> int:
        """Return how many bytes the parser may read next; 0 or less if it has read too many."""
        if self._has_headers and self._body_bytes_left > 0:
            return self._body_bytes_left
        room = LIMITS.head_bytes - self._overhead_bytes
        if self._has_headers and not self._is_between:
            return room
        head_end = data.find(_HEAD_END, start, start + max(room, 0))
        return room if head_end < 0 else head_end + len(_HEAD_END) - start

    def _parse_piece(self, piece: bytes | memoryview) -> None:
        after_upgrade: bytes | None = None
        self._piece_bytes = size_bytes = len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            after_upgrade = bytes(piece[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse_error(error)
        self._overhead_bytes += size_bytes
        if after_upgrade is not None:
            self._piece_bytes = self._overhead_bytes = 0
            self.decline_upgrade(after_upgrade)

    def _refuse_error(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__
        if self._ignores_input:
            return  # These bytes come after the last request.
        if isinstance(cause, _BadRequest):
            self.refuse(cause.status, str(cause))
        else:
            self.logger.warning(_NO_HTTP)
            self.refuse(400, _NO_HTTP)

    def _read_on(self) -> None:
        """Resume reading, unless requests, bytes or answers are still waiting."""
        if not (self.pipeline or self._unparsed or self.flow.write_paused):
            self.flow.resume_reading()

    def _count_held_bytes(self) -> None:
        """Update what the endpoint counts for this connection beside bodies."""
        held_bytes = len(self._unparsed) + len(self.pipeline) * _WAITING_REQUEST_BYTES
        if not (self._has_headers or self._is_between):
            held_bytes += max(self._overhead_bytes, self._piece_bytes)
        if held_bytes == self._held_bytes:
            return
        added_bytes, self._held_bytes = held_bytes - self._held_bytes, held_bytes
        is_too_much = len(self._unparsed) > _UNPARSED_BYTES
        try:
            self.endpoint.hold(added_bytes)
        except ServiceUnavailable:
            is_too_much = True
        if is_too_much:
            self.endpoint.connections.hang_ups["memory"] += 1
            self.transport.abort()

    def _owes_answer(self) -> bool:
        """Tell whether a request before the one that is being read waits for its answer."""
        last_request: Any = self.cycle
        if last_request is None or last_request.response_complete or last_request.disconnected:
            return False
        return bool(self.pipeline) or last_request.response_started or not last_request.more_body
