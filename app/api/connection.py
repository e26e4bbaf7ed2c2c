"""The protocol of a connection: uvicorn's, with ingest beside ASGI and with timeouts.

    data_received ─► parser ─► on_headers_complete ─┬ ingest ─► IngestExchange
                                 on_body            │
                                 on_message_complete└ pages ──► uvicorn's cycle ─► ASGI

A request to an ingest endpoint becomes an `IngestExchange` in place of uvicorn's cycle; uvicorn
handles every other request. The requests of a connection are answered in the order they came.

uvicorn waits for ever for the rest of a request. Here a connection whose request began and does not
go on is closed without a status line, so that a phone on a bad network keeps what it has. The same
check closes connections that are idle between two requests, where uvicorn sets a timer with every
answer. A connection is not idle while its last answer is still being read, however slowly.
"""

import asyncio
from typing import Any, ClassVar, Final, NoReturn, override

import httptools
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.api import target
from app.api.bounded_protocol import BoundedProtocol
from app.api.endpoint import IngestEndpoint
from app.api.exchange import IngestExchange
from app.api.heads import Headers, read_head
from app.core import log
from app.core.errors import ServiceUnavailable
from app.core.limits import LIMITS

_logger: Final = log.get_logger("api.connection")


class HttpConnection(BoundedProtocol):
    """The bounded protocol with ingest exchanges, and with timeouts that are checked regularly."""

    header_s: ClassVar[float] = LIMITS.header_s
    silence_s: ClassVar[float] = LIMITS.silence_s
    request_s: ClassVar[float] = LIMITS.request_s
    check_interval_s: ClassVar[float] = 5.0
    parting_s: ClassVar[float] = 0.5
    """Time that an idle connection stays open when the server stops."""
    linger_s: ClassVar[float] = 5.0
    """Time during which unread bytes are still received after the last answer."""

    _request_began_s: float | None = None
    """Time at which the request began that is not whole yet, or None between requests."""
    _last_received_s = 0.0
    _last_answered_s = 0.0
    _unread_bytes = 0
    """Bytes of answers that waited in the write buffer when the timeouts were last checked."""
    _last_read_s = 0.0
    """Time of the last check that found the write buffer changed, so the other end reads."""
    _check_timer: asyncio.TimerHandle | None = None
    _linger_timer: asyncio.TimerHandle | None = None
    _is_parting = False
    """True if the server stops, so that the next answer is the last."""
    _delayed_exchange: IngestExchange | None = None
    """Exchange that is next but waits, because its sender does not read the answers before."""

    def __init__(self, endpoint: IngestEndpoint, *args: Any, **kwargs: Any) -> None:
        """Make a protocol for a new connection.

        Args:
            endpoint: State that the connections of a process share.
            args: Positional arguments that uvicorn gives its protocols.
            kwargs: Keyword arguments that uvicorn gives them.
        """
        super().__init__(endpoint, *args, **kwargs)
        self.exchanges: set[IngestExchange] = set()
        # uvicorn wraps the application in this if there are proxies to trust.
        proxied = isinstance(self.app, ProxyHeadersMiddleware)
        self._trusted = self.app.trusted_hosts if proxied else None

    @override
    def end(self, *, is_read: bool) -> None:
        """Close the connection after its last answer.

        Args:
            is_read: True if the request was read to its end. Closing with unread bytes would reset
                the connection and lose the answer, so they are received for a moment longer.
        """
        if is_read or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._ignores_input = True
        self._request_began_s = None
        self._abandon_requests()
        self.transport.write_eof()
        self.flow.resume_reading()
        self._linger_timer = self.loop.call_later(self.linger_s, self.transport.abort)

    def _abandon_requests(self) -> None:
        """Let unanswered requests write nothing more: the last answer is given."""
        for exchange in list(self.exchanges):
            exchange.abandon()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        host = self.client[0] if self.client else None
        is_trusted = self._trusted is not None and host in self._trusted
        self.endpoint.connections.add(self, None if is_trusted else host)
        self._request_began_s = self._last_received_s = self.loop.time()
        self._check_timer = self.loop.call_later(self.check_interval_s, self._check_timeouts)
        if self.endpoint.is_stopping:
            # It was accepted before the listener closed, and made after all others were told.
            self.shutdown()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        for exchange in list(self.exchanges):
            exchange.abandon()
        super().connection_lost(exc)
        self.endpoint.connections.remove(self)
        for timer in (self._check_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()

    @override
    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Go on writing to a sender that sends nothing more and waits for its answer."""
        exchange = self.cycle
        if isinstance(exchange, IngestExchange) and exchange.is_whole and not exchange.is_over:
            exchange.keep_alive = False
            return True
        return False

    @override
    def shutdown(self) -> None:
        """Close the connection after its next answer, or when nothing comes for a moment.

        A sender may have begun a request that is not read yet: closing at once would hang up on it.
        """
        self._is_parting = True
        last_request: Any = self.cycle
        if last_request is None or last_request.response_complete:
            self._linger_timer = self.loop.call_later(self.parting_s, self._part)
        else:
            last_request.keep_alive = False

    def _part(self) -> None:
        """Close the connection unless a request has come meanwhile, whose answer closes it."""
        if self._is_between and self._is_last_answered():
            self.transport.close()

    def has_unfinished_head(self) -> bool:
        """Tell whether the head of a request is awaited or incomplete."""
        return self._request_began_s is not None and not self._has_headers

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
        self._last_received_s = self.loop.time()
        self.parse(data)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._request_began_s = self._last_received_s

    @override
    def on_headers_complete(self) -> None:
        if self._is_asking_to_upgrade():
            return
        self.check_head()
        ingest_target = target.find_target(self.url)
        if ingest_target is None:
            super().on_headers_complete()
            if self._is_parting:
                self.cycle.keep_alive = False
            return
        acceptor = self.endpoint.acceptor
        if acceptor is None:
            self._hang_up_without_door()
        head = read_head(
            self.headers,
            ingest_target,
            method=self.parser.get_method(),
            keep_alive=self.parser.get_http_version() != "1.0"
            and self.parser.should_keep_alive()
            and not self._is_parting,
            expects_continue=self.expect_100_continue,
            client_ip=self._find_client_ip(self.headers),
        )
        is_next = self._is_last_answered()
        exchange = self.cycle = IngestExchange(self, self.endpoint, acceptor, head)
        self.exchanges.add(exchange)
        if is_next:
            self._start(exchange)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))

    @override
    def on_body(self, body: bytes) -> None:
        self._overhead_bytes = -self._piece_bytes
        self._body_bytes_left -= len(body)
        if isinstance(self.cycle, IngestExchange):
            self.cycle.receive_body(body)
        else:
            super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if self._is_asking_to_upgrade():
            return
        if isinstance(self.cycle, IngestExchange):
            self.cycle.finish_body()
        else:
            super().on_message_complete()
        self.finish_reading()

    @override
    def finish_reading(self) -> None:
        super().finish_reading()
        self._request_began_s = None

    @override
    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._last_answered_s = self.loop.time()
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if self.pipeline or self._unparsed:
            # uvicorn reads on; a sender that never waits for answers would fill the memory.
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()
        if self._held_bytes:
            self._count_held_bytes()
        if self._unparsed and not self.pipeline:
            # In a later call of the loop, for the same reason as in `_start_asgi_task`.
            self.loop.call_soon(self.parse_waiting)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        exchange, self._delayed_exchange = self._delayed_exchange, None
        if exchange is not None:
            self.flow.resume_reading()
            exchange.start()

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start the next request of a pipeline."""
        if isinstance(cycle, IngestExchange):
            # In a later call of the loop: an exchange may be answered at once, and so the next, and
            # a pipeline of them would recurse.
            self.loop.call_soon(self._start, cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def _hang_up_without_door(self) -> NoReturn:
        """Close the connection: this process takes no envelopes, and the sender keeps its own.

        Raises:
            ServiceUnavailable: Always; it ends the work of the parser on what has come.
        """
        self.endpoint.connections.hang_ups["no_door"] += 1
        self._ignores_input = True
        self.transport.abort()
        raise ServiceUnavailable("this process has no role door")

    def _is_asking_to_upgrade(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    @override
    def decline_upgrade(self, remaining: bytes) -> None:
        """Read a request again as if it did not ask for another protocol.

        Java's client asks for HTTP/2 with the first envelope it sends. The parser takes the body of
        such a request for the other protocol and drops it.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            return
        version = self.parser.get_http_version().encode()
        head = [b"%b %b HTTP/%b\r\n" % (method, self.url, version)]
        head += [b"%b: %b\r\n" % pair for pair in self.headers if pair[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parse(b"".join((*head, b"\r\n", remaining)))

    def _is_answered(self) -> bool:
        """Tell whether every request is answered and no other has begun."""
        return self._request_began_s is None and self._is_last_answered()

    def _is_last_answered(self) -> bool:
        """Tell whether the last request that began, if any, is answered."""
        last = self.cycle
        return last is None or last.response_complete  # type: ignore[redundant-expr]  # at first None

    def _find_client_ip(self, headers: Headers) -> str | None:
        """Return the address that a request comes from; a trusted proxy's header is believed."""
        host = self.client[0] if self.client else None
        if self._trusted is None or host not in self._trusted:
            return host
        forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
        if not forwarded:
            return host
        client, _ = self._trusted.get_trusted_client_address(
            b", ".join(forwarded).decode("latin-1")
        )
        return client or host

    def _start(self, exchange: IngestExchange) -> None:
        """Start an exchange, once its sender reads the answers before."""
        if self.flow.write_paused:
            self.flow.pause_reading()
            self._delayed_exchange = exchange
        else:
            exchange.start()

    def _check_timeouts(self) -> None:
        reason = self._find_timeout()
        if reason is None and self._is_idle():
            self.drop()
        elif reason is None:
            self._check_timer = self.loop.call_later(self.check_interval_s, self._check_timeouts)
        else:
            _logger.info("hung up on a slow sender", reason=reason)
            self.endpoint.connections.hang_ups[reason.replace(" ", "_")] += 1
            self.transport.abort()

    def _is_idle(self) -> bool:
        """Tell whether all is answered, and nothing was received, read or answered for long."""
        if not self._is_answered():
            return False
        now_s = self.loop.time()
        # The answer may wait in the buffer for minutes while a slow reader takes it. The buffer
        # only grows with another answer, so any other size than before means progress.
        unread_bytes = self.transport.get_write_buffer_size()
        if unread_bytes != self._unread_bytes:
            self._unread_bytes = unread_bytes
            self._last_read_s = now_s
        return now_s - max(self._last_answered_s, self._last_read_s) > self.timeout_keep_alive

    def _find_timeout(self) -> str | None:
        """Return the limit of time that the sender has exceeded, or None."""
        # While reading is paused it is this server that is slow.
        if self._request_began_s is None or self.flow.read_paused:
            return None
        now_s = self.loop.time()
        since_s = now_s - self._request_began_s
        if not self._has_headers and since_s > self.header_s:
            return "headers"
        if now_s - self._last_received_s > self.silence_s:
            return "silence"
        return "whole request" if since_s > self.request_s else None
