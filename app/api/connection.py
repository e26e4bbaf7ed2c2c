"""What connections are given beyond uvicorn: ingest without ASGI, and an end of patience.

A request to an ingest door becomes an `Exchange` in place of uvicorn's cycle; every other request
goes to the pages as uvicorn does it. Both take turns on a connection, in the order they came.

uvicorn waits for ever for the rest of a request. Here one that begins and does not go on is hung up
on, without a status line, so that a phone on a bad network keeps what it has. The same look at the
clock closes what is idle between two requests, where uvicorn sets a timer with every answer. A
connection is not idle while its last answer is still being read, however slowly.
"""

import asyncio
from typing import Any, ClassVar, Final, override

import httptools
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.api import heads, target
from app.api.bounds import BoundedProtocol
from app.api.door import Door
from app.api.exchange import Exchange
from app.api.heads import Cut, Head, Headers
from app.core import log
from app.core.limits import LIMITS
from app.ingest.request import IngestRequest

_logger: Final = log.get_logger("api.connection")


class Connection(BoundedProtocol):
    """The bounded protocol, with exchanges, and a look at the clock every few seconds."""

    header_s: ClassVar[float] = LIMITS.header_s
    silence_s: ClassVar[float] = LIMITS.silence_s
    request_s: ClassVar[float] = LIMITS.request_s
    look_s: ClassVar[float] = 5.0
    linger_s: ClassVar[float] = 5.0

    _began_s: float | None = None
    """When the request began that is not whole yet; None between requests."""
    _heard_s = 0.0
    _answered_s = 0.0
    _unread_bytes = 0
    """Bytes of answers that waited in the write buffer at the last look at the clock."""
    _progress_s = 0.0
    """Time of the last look that found the write buffer changed, so the other end reads."""
    _missing_bytes = 0
    """Of the body of a request that goes past the parser."""
    _cut: Cut | None = None
    """The head that the parser reads now, if it is a usual one."""
    _look: asyncio.TimerHandle | None = None
    _linger: asyncio.TimerHandle | None = None
    _held_back: Exchange | None = None
    """Its turn has come, but its sender does not read what was answered before."""

    def __init__(self, door: Door, *uvicorn: Any, **uvicorns: Any) -> None:
        """Make one for a new connection.

        Args:
            door: Where exchanges lead.
            uvicorn: What uvicorn gives its protocols, by place,
            uvicorns: and by name.
        """
        super().__init__(door, *uvicorn, **uvicorns)
        self.exchanges: set[Exchange] = set()
        """Those that are neither answered nor lost."""
        # uvicorn wraps the application in this if there are proxies to trust.
        proxied = isinstance(self.app, ProxyHeadersMiddleware)
        self._trusted = self.app.trusted_hosts if proxied else None

    @override
    def end(self, *, is_read: bool) -> None:
        """Close the connection after its last answer.

        Args:
            is_read: Whether the request was read to its end. What is closed with bytes unread is
                reset, and the answer with it; so they are let go for a moment.
        """
        if is_read or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._ignores_input = True
        self._began_s = None
        self._give_up()
        self.transport.write_eof()
        self.flow.resume_reading()
        self._linger = self.loop.call_later(self.linger_s, self.transport.abort)

    def _give_up(self) -> None:
        """Let what was begun write nothing more: the last answer is given."""
        for exchange in list(self.exchanges):
            exchange.lose()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        host = self.client[0] if self.client else None
        is_trusted = self._trusted is not None and host in self._trusted
        self.door.connections.add(self, None if is_trusted else host)
        self._began_s = self._heard_s = self.loop.time()
        self._look = self.loop.call_later(self.look_s, self._look_at_clock)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        for exchange in list(self.exchanges):
            exchange.lose()
        super().connection_lost(exc)
        self.door.connections.remove(self)
        for timer in (self._look, self._linger):
            if timer is not None:
                timer.cancel()

    @override
    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Go on writing for a sender that has sent all it will, and waits for the answer."""
        last = self.cycle
        if isinstance(last, Exchange) and last.is_whole and not last.is_over:
            last.keep_alive = False
            return True
        return False

    def has_unfinished_head(self) -> bool:
        """Tell whether nothing or not a whole head has come of its request."""
        return self._began_s is not None and not self._has_headers

    def is_between_requests(self) -> bool:
        """Tell whether all answers are handed to the system and no request has begun."""
        return self._is_answered() and self.transport.get_write_buffer_size() == 0

    def is_not_reading(self) -> bool:
        """Tell whether answers wait for the other end to read them."""
        if self.flow.write_paused:
            return True
        return self._is_answered() and self.transport.get_write_buffer_size() > 0

    def drop(self) -> None:
        """Close the connection at once, without an answer to what has come of a request."""
        # A transport that is closed while answers wait stays open as long as nobody reads them.
        if self.is_between_requests():
            self.transport.close()
        else:
            self.transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        if self._ignores_input:
            return
        self._heard_s = self.loop.time()
        rest = self._read_known(data)
        if rest:
            self.parse(rest)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._began_s = self._heard_s

    @override
    def on_headers_complete(self) -> None:
        if self._is_asking_to_upgrade():
            return
        self.check_head()
        cut, self._cut = self._cut, None
        found = target.find(self.url)
        if found is None:
            super().on_headers_complete()
            return
        head, declared_bytes = heads.read(
            self.headers,
            found,
            method=self.parser.get_method(),
            keep_alive=self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive(),
            client_ip=self._client_ip(self.headers),
        )
        if cut is not None:
            self.door.heads.remember(cut, head)
        before = self.cycle
        exchange = self._exchange(
            head, head.request, declared_bytes, is_expecting=self.expect_100_continue
        )
        if before is None or before.response_complete:  # type: ignore[redundant-expr]  # at first None
            self._begin(exchange)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))

    @override
    def on_body(self, body: bytes) -> None:
        self._overhead_bytes = -self._piece_bytes
        if isinstance(self.cycle, Exchange):
            self.cycle.feed(body)
        else:
            super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if self._is_asking_to_upgrade():
            return
        if isinstance(self.cycle, Exchange):
            self.cycle.end()
        else:
            super().on_message_complete()
        self.finish_reading()

    @override
    def finish_reading(self) -> None:
        super().finish_reading()
        self._began_s = None

    @override
    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._answered_s = self.loop.time()
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if self.pipeline or self._unparsed:
            # uvicorn reads on; somebody who never waits for answers would fill the memory.
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()
        if self._held_bytes:
            self._count_held_bytes()
        if self._unparsed and not self.pipeline:
            # In a turn of its own, as the next of a pipeline.
            self.loop.call_soon(self.parse_waiting)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        held_back, self._held_back = self._held_back, None
        if held_back is not None:
            self.flow.resume_reading()
            held_back.begin()

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start the next request of a pipeline."""
        if isinstance(cycle, Exchange):
            # In a turn of its own: one may be answered at once, and so the next, and the next.
            self.loop.call_soon(self._begin, cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def _is_asking_to_upgrade(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    @override
    def decline_upgrade(self, rest: bytes) -> None:
        """Read a request again as if it did not ask for another protocol.

        Java's client asks for HTTP/2 with the first envelope it sends. The parser takes the body of
        such a request for the other protocol's and drops it.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            return
        version = self.parser.get_http_version().encode()
        head = [b"%b %b HTTP/%b\r\n" % (method, self.url, version)]
        head += [b"%b: %b\r\n" % pair for pair in self.headers if pair[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parse(b"".join((*head, b"\r\n", rest)))

    def _read_known(self, data: bytes) -> bytes:
        """Read a request whose head is known past the parser; return what is left for it."""
        view = memoryview(data)
        if not self._missing_bytes:
            is_cut = self._is_between and not self._unparsed and self._is_free()
            cut = heads.cut(data) if is_cut else None
            head = None if cut is None else self.door.heads.find(cut)
            if cut is None or head is None:
                self._cut = cut
                return data
            self._began_s = self._heard_s
            self._has_headers = True
            request = head.request_of(self._client_ip(head.headers))
            self._begin(self._exchange(head, request, cut.length_bytes, is_expecting=False))
            self._missing_bytes = cut.length_bytes
            view = view[cut.end :]
        assert isinstance(self.cycle, Exchange)  # noqa: S101 - made above, now or before
        body = view[: self._missing_bytes]
        self._missing_bytes -= len(body)
        self.cycle.feed(body)
        if self._missing_bytes:
            return b""
        self.cycle.end()
        self.finish_reading()
        return bytes(view[len(body) :])

    def _is_answered(self) -> bool:
        """Tell whether every request is answered and no other has begun."""
        return self._began_s is None and self._is_free()

    def _is_free(self) -> bool:
        """Whether everything before is answered."""
        last = self.cycle
        return last is None or last.response_complete  # type: ignore[redundant-expr]  # at first None

    def _exchange(
        self, head: Head, request: IngestRequest, declared_bytes: int, *, is_expecting: bool
    ) -> Exchange:
        exchange = self.cycle = Exchange(
            self,
            self.door,
            head,
            request,
            declared_bytes=declared_bytes,
            is_expecting=is_expecting,
        )
        self.exchanges.add(exchange)
        return exchange

    def _client_ip(self, headers: Headers) -> str | None:
        """Return who sends a request, a trusted proxy's word included."""
        host = self.client[0] if self.client else None
        if self._trusted is None or host not in self._trusted:
            return host
        said = [value for name, value in headers if name == b"x-forwarded-for"]
        if not said:
            return host
        client, _ = self._trusted.get_trusted_client_address(b", ".join(said).decode("latin-1"))
        return client or host

    def _begin(self, exchange: Exchange) -> None:
        if self.flow.write_paused:
            self.flow.pause_reading()
            self._held_back = exchange
        else:
            exchange.begin()

    def _look_at_clock(self) -> None:
        reason = self._reason()
        if reason is None and self._is_idle():
            self.drop()
        elif reason is None:
            self._look = self.loop.call_later(self.look_s, self._look_at_clock)
        else:
            _logger.info("hung up on a slow sender", reason=reason)
            self.door.connections.hang_ups[reason.replace(" ", "_")] += 1
            self.transport.abort()

    def _is_idle(self) -> bool:
        """Tell whether all is answered, and nothing was read, sent or answered for long."""
        if not self._is_answered():
            return False
        now_s = self.loop.time()
        # The answer may wait in the buffer for minutes while a slow reader takes it. The buffer
        # only grows with another answer, so any other size than before means progress.
        unread_bytes = self.transport.get_write_buffer_size()
        if unread_bytes != self._unread_bytes:
            self._unread_bytes = unread_bytes
            self._progress_s = now_s
        return now_s - max(self._answered_s, self._progress_s) > self.timeout_keep_alive

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
