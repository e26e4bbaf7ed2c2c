"""One request to an ingest endpoint, from its head to its answer.

    start ─► find the sender ─► receive_body … finish_body ─► acceptor.take
                                                                   ├ on disk ─► answer_kept
                                                                   └ refused ─► answer_failure

The chunks of the body are collected here as the socket brings them. When the body is whole,
`finish_body` hands it to `EnvelopeAcceptor.take`, together with this exchange. The acceptor writes
it to the journal and then calls `answer_kept` or `answer_failure`, which write the answer.

The answer is 200 when the envelope is on disk and 4xx when it can never be kept. In any other case
the connection is closed: never 5xx, because phones delete what was answered, whatever the answer.

An exchange takes the place of uvicorn's cycle of an ASGI request. That costs a scope, a task, four
wake-ups and as many copies of the body: half of what accepting a segment took in all.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from app.api import answers
from app.api.answers import IngestAnswer
from app.api.endpoint import IngestEndpoint
from app.api.heads import RequestHead
from app.core import log
from app.core.errors import RequestRefused, ServiceUnavailable
from app.formats.wire import store_body
from app.formats.wire.envelope import Envelope
from app.ingest.accept.acceptor import EnvelopeAcceptor
from app.ingest.admission import senders
from app.ingest.admission.senders import Sender

_OWN_OBJECT_BYTES: Final = 512
"""Smaller chunks are joined at once: as objects, chunks of 2 bytes take 25 times as much memory."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_logger: Final = log.get_logger("api.exchange")


class ExchangeConnection(Protocol):
    """The members of a connection that an exchange uses; uvicorn's protocols have most of them."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    flow: FlowControl
    tasks: set[asyncio.Task[None]]
    server_state: ServerState
    exchanges: "set[IngestExchange]"
    """Exchanges that are neither answered nor abandoned."""

    def on_response_complete(self) -> None:
        """Go on with the next request of the connection."""

    def end(self, *, is_read: bool) -> None:
        """Close the connection after its last answer.

        Args:
            is_read: True if the request was read to its end.
        """


class _NoWaiters:
    """Stands for the event by which uvicorn wakes an ASGI application: here none waits."""

    def set(self) -> None:
        """Wake nobody."""


class IngestExchange(RequestResponseCycle):
    """Takes the place of uvicorn's cycle, without what that does for ASGI."""

    message_event = _NoWaiters()  # type: ignore[assignment]  # only ever set

    def __init__(
        self,
        connection: ExchangeConnection,
        endpoint: IngestEndpoint,
        acceptor: EnvelopeAcceptor,
        head: RequestHead,
    ) -> None:
        """Make an exchange for a request whose head is read; `start` it when it is next.

        Args:
            connection: Connection that the request came on and the answer goes to.
            endpoint: State that is shared with other connections.
            acceptor: Takes the body when it is whole.
            head: Head of the request.
        """
        # uvicorn's protocol reads and writes these of a cycle:
        self.keep_alive = head.keep_alive
        self.disconnected = False
        self.response_complete = False
        self.response_started = False
        self.more_body = True
        # The others are our own:
        self._connection = connection
        self._endpoint = endpoint
        self._acceptor = acceptor
        self._admission = acceptor.admission
        self._head = head
        self._request = head.request
        self._is_image = (
            head.method == b"GET"
            and head.target.endpoint == "store"
            and store_body.is_body_in_query(head.request.query)
        )
        """True if a page asks for an image whose address holds an event."""
        self._sender: Sender | None = None
        self._chunks: list[bytes | bytearray] = []
        self._size_bytes = 0

    @property
    def is_whole(self) -> bool:
        """True if the request was read to its end."""
        return not self.more_body

    @property
    def is_over(self) -> bool:
        """True if the request is answered, or nobody waits for the answer any more."""
        return self.response_complete or self.disconnected

    def start(self) -> None:
        """Recognise the sender; every earlier request of the connection is answered by now."""
        if self.is_over:
            return
        answer = self._answer_without_body()
        if answer is not None:
            self._answer(answer)
            return
        try:
            sender = senders.find_sender(self._admission, self._request)
            if sender is None:
                self._connection.flow.pause_reading()
                self.run_task(self._look_up_sender())
            else:
                self._accept_sender(sender)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender gets no 5xx
            self.answer_failure(error)

    def receive_body(self, chunk: bytes) -> None:
        """Add a chunk to the body."""
        if self.is_over or self.is_whole:
            return  # The request is answered already, so nobody needs the rest of its body.
        chunks, size_bytes = self._chunks, len(chunk)
        if size_bytes >= _OWN_OBJECT_BYTES or not chunks:
            chunks.append(chunk)
        elif isinstance(chunks[-1], bytearray):
            chunks[-1] += chunk
        else:
            chunks.append(bytearray(chunk))
        self._size_bytes += size_bytes
        endpoint = self._endpoint
        endpoint.reading_bytes += size_bytes
        if endpoint.reading_bytes > endpoint.most_reading_bytes:
            self.hang_up("memory")
            return
        try:
            if self._sender is not None:
                senders.check_body_size(
                    self._admission, self._request, self._sender, self._size_bytes
                )
        except Exception as error:  # noqa: BLE001 - as in `start`
            self.answer_failure(error)

    def finish_body(self) -> None:
        """Hand over the body, now that it is whole, unless the sender is still being looked up."""
        if self.is_whole:
            return
        self.more_body = False
        if self._sender is not None and not self.is_over:
            self._hand_over_body(self._sender)

    def answer_kept(self, envelope: Envelope, rate_limits: str) -> None:
        """Answer that the envelope is on disk.

        Args:
            envelope: Envelope that was kept.
            rate_limits: Header value that tells the SDK what to hold back; often empty.
        """
        if not self.is_over:
            kind = "image" if self._is_image else self._request.kind
            self._answer(answers.make_kept_answer(kind, envelope, rate_limits))

    def answer_failure(self, error: Exception) -> None:
        """Answer if the sender is at fault; hang up on any other error."""
        match error:
            case _ if self.is_over:
                return
            case RequestRefused():
                self._answer(answers.make_refusal(self._request.kind, error), error.reason)
            case ServiceUnavailable():
                _logger.warning("cannot keep an envelope", error=str(error))
                self.hang_up()
            case _:
                _logger.error("accepting an envelope failed", exc_info=error)
                self.hang_up()

    def run_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in a task that the server knows of and waits for when it stops."""
        tasks = self._connection.tasks
        task = self._connection.loop.create_task(self._run_until_failure(work))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def abandon(self) -> None:
        """Give the request up, since nobody waits for its answer any more."""
        self.disconnected = True
        self._release()

    def hang_up(self, reason: str = "unkept") -> None:
        """Close the connection at once, without a status line: the sender will send again."""
        if not self.is_over:
            self.abandon()
            self._connection.transport.abort()
            self._endpoint.connections.hang_ups[reason] += 1
            _logger.warning("hung up on a sender, it will send again", reason=reason)

    def _answer_without_body(self) -> IngestAnswer | None:
        """Return the answer if it does not depend on the body; None for an envelope."""
        method = self._head.method
        if method == b"OPTIONS":
            return answers.PREFLIGHT
        if self._head.target.endpoint is None:
            return answers.UNSUPPORTED_ENDPOINT
        is_taken = method == b"POST" or self._is_image
        return None if is_taken else answers.make_wrong_method_answer(method)

    async def _look_up_sender(self) -> None:
        """Ask Postgres for a key that is not in memory."""
        sender = await senders.look_up_sender(self._admission, self._request)
        if not self.is_over:
            if not self.is_whole:
                self._connection.flow.resume_reading()
            self._accept_sender(sender)

    def _accept_sender(self, sender: Sender) -> None:
        """Let the body of a known sender come, unless it is too large."""
        self._sender = sender
        size_bytes = max(self._size_bytes, self._head.declared_bytes)
        senders.check_body_size(self._admission, self._request, sender, size_bytes)
        if self.is_whole:
            self._hand_over_body(sender)
        elif self._head.expects_continue:
            self._connection.transport.write(_CONTINUE)

    def _hand_over_body(self, sender: Sender) -> None:
        """Pass the whole body to ingest, which calls `answer_kept` or `answer_failure` later."""
        chunks, self._chunks = self._chunks, []
        body = (
            store_body.body_from_query(self._request.query) if self._is_image else b"".join(chunks)
        )
        self._acceptor.take(self._request, sender, body, self)

    async def _run_until_failure(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            # The server stops and does not wait any longer for this task.
            self.hang_up()
            raise
        except Exception as error:  # noqa: BLE001 - as in `start`
            self.answer_failure(error)

    def _answer(self, answer: IngestAnswer, refusal_reason: str = "") -> None:
        """Write the answer, and end the connection or go on with its next request."""
        connection = self._connection
        self._endpoint.answers.count(answer.status, refusal_reason)
        self.keep_alive = self.keep_alive and not answer.is_last
        self.response_complete = True
        self._release()
        if connection.transport.is_closing():
            return
        connection.transport.write(
            answers.write_answer(
                answer,
                connection.server_state.default_headers,
                closes=not self.keep_alive,
                has_body=self._head.method != b"HEAD",
            )
        )
        if self.keep_alive:
            connection.on_response_complete()
        else:
            connection.end(is_read=self.is_whole)

    def _release(self) -> None:
        """Free the memory of the body."""
        self._chunks = []
        self._endpoint.hold(-self._size_bytes)
        self._size_bytes = 0
        self._connection.exchanges.discard(self)
