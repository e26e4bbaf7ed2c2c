"""One request to an ingest door, from its head to its answer.

    begin ─► recognise ─► gather the body ─► take ─ on disk ─► answer, written to the connection

It answers 200 when the envelope is on disk, 4xx when it can never be kept, and hangs up otherwise:
never 5xx, because phones delete what was answered, whatever the answer.

It stands in a connection where uvicorn keeps the cycle of an ASGI request, which costs a scope, a
task, four wake-ups and as many copies of the body: half of what accepting a segment cost in all.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.api import answers
from app.api.answers import Answer
from app.api.door import Door
from app.api.heads import Head
from app.core import log
from app.core.errors import RequestRefused, ServiceUnavailable
from app.formats.wire import store_body
from app.formats.wire.envelope import Envelope
from app.ingest import senders
from app.ingest.request import IngestRequest
from app.ingest.senders import Sender

if TYPE_CHECKING:
    from app.api.connection import Connection

_OWN_OBJECT_BYTES: Final = 512
"""Smaller chunks are put together at once: as objects, chunks of 2 bytes take 25 times as much."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_logger: Final = log.get_logger("api.exchange")


class _NoWaiters:
    """Where uvicorn wakes the application of a cycle: here nobody waits."""

    def set(self) -> None:
        """Wake nobody."""


class Exchange(RequestResponseCycle):
    """Stands for uvicorn's cycle; what that does for ASGI is left out."""

    message_event = _NoWaiters()  # type: ignore[assignment]  # only ever set

    def __init__(
        self,
        connection: "Connection",
        door: Door,
        head: Head,
        request: IngestRequest,
        *,
        declared_bytes: int,
        is_expecting: bool,
    ) -> None:
        """Make one for a request whose head is read; `begin` when its turn has come.

        Args:
            connection: Where the answer goes.
            door: What it shares with others.
            head: What it said,
            request: and from whom.
            declared_bytes: How long the body is said to be; 0: nothing is said.
            is_expecting: Whether the sender wants to be asked for the body.
        """
        # What uvicorn's protocol reads and writes of a cycle:
        self.keep_alive = head.keep_alive
        self.disconnected = False
        self.response_complete = False
        self.response_started = False
        self.more_body = True
        # The rest is ours:
        self._connection = connection
        self._door = door
        self._gate = door.turns.gate
        self._head = head
        self._request = request
        self._declared_bytes = declared_bytes
        self._is_expecting = is_expecting
        self._is_image = (
            head.method == b"GET"
            and head.target.door == "store"
            and store_body.is_body_in_query(request.query)
        )
        """Whether a page asks for an image, whose address holds an event."""
        self._sender: Sender | None = None
        self._chunks: list[bytes | memoryview | bytearray] = []
        self._size_bytes = 0

    @property
    def is_whole(self) -> bool:
        """Whether the request has come to its end."""
        return not self.more_body

    @property
    def is_over(self) -> bool:
        """Whether it is answered, or nobody waits for the answer any more."""
        return self.response_complete or self.disconnected

    def begin(self) -> None:
        """Start: everything before it on this connection is answered."""
        if self.is_over:
            return
        answer = self._without_body()
        if answer is not None:
            self._answer(answer)
            return
        try:
            sender = senders.recognise(self._gate, self._request)
            if sender is None:
                self._connection.flow.pause_reading()
                self.run(self._ask())
            else:
                self._welcome(sender)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender gets no 5xx
            self.fail(error)

    def feed(self, chunk: bytes | memoryview) -> None:
        """Take a piece of the body."""
        if self.is_over or self.is_whole:
            return  # of a request that is answered already the rest is let go
        chunks, size_bytes = self._chunks, len(chunk)
        if size_bytes >= _OWN_OBJECT_BYTES or not chunks:
            chunks.append(chunk)
        elif isinstance(chunks[-1], bytearray):
            chunks[-1] += chunk
        else:
            chunks.append(bytearray(chunk))
        self._size_bytes += size_bytes
        door = self._door
        door.reading_bytes += size_bytes
        if door.reading_bytes > door.most_reading_bytes:
            self.hang_up("memory")
            return
        try:
            if self._sender is not None:
                senders.check_size(self._gate, self._request, self._sender, self._size_bytes)
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error)

    def end(self) -> None:
        """Take note that the request is whole."""
        if self.is_whole:
            return
        self.more_body = False
        if self._sender is not None and not self.is_over:
            self._take(self._sender)

    def kept(self, envelope: Envelope, rate_limits: str) -> None:
        """Answer that the envelope is on disk."""
        if not self.is_over:
            kind = "image" if self._is_image else self._request.kind
            self._answer(answers.kept(kind, envelope, rate_limits))

    def fail(self, error: Exception) -> None:
        """Answer what is the sender's to mend; hang up on everything else."""
        match error:
            case _ if self.is_over:
                return
            case RequestRefused():
                self._answer(answers.refused(self._request.kind, error))
            case ServiceUnavailable():
                _logger.warning("cannot keep an envelope", error=str(error))
                self.hang_up()
            case _:
                _logger.error("accepting an envelope failed", exc_info=error)
                self.hang_up()

    def run(self, rest: Coroutine[Any, Any, None]) -> None:
        """Do what takes time in a task that the server knows of, so that it waits at its end."""
        tasks = self._connection.tasks
        task = self._connection.loop.create_task(self._see_to(rest))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def lose(self) -> None:
        """Take note that the connection is gone, and with it who waited for an answer."""
        self.disconnected = True
        self._let_go()

    def hang_up(self, reason: str = "unkept") -> None:
        """Close the connection at once, without a status line: the sender will send again."""
        if not self.is_over:
            self.lose()
            self._connection.transport.abort()
            self._door.connections.hang_ups[reason] += 1
            _logger.warning("hung up on a sender, it will send again", reason=reason)

    def _without_body(self) -> Answer | None:
        """Return the answer to what is no envelope, whatever its body says."""
        method = self._head.method
        if method == b"OPTIONS":
            return answers.PREFLIGHT
        if self._head.target.door is None:
            return answers.NOT_TAKEN
        is_taken = method == b"POST" or self._is_image
        return None if is_taken else answers.wrong_method(method)

    async def _ask(self) -> None:
        sender = await senders.ask(self._gate, self._request)
        if not self.is_over:
            if not self.is_whole:
                self._connection.flow.resume_reading()
            self._welcome(sender)

    def _welcome(self, sender: Sender) -> None:
        """Ask for the body of somebody who may send."""
        self._sender = sender
        size_bytes = max(self._size_bytes, self._declared_bytes)
        senders.check_size(self._gate, self._request, sender, size_bytes)
        if self.is_whole:
            self._take(sender)
        elif self._is_expecting:
            self._connection.transport.write(_CONTINUE)

    def _take(self, sender: Sender) -> None:
        chunks, self._chunks = self._chunks, []
        body = (
            store_body.body_from_query(self._request.query) if self._is_image else b"".join(chunks)
        )
        self._door.turns.take(self._request, sender, body, self)

    async def _see_to(self, rest: Coroutine[Any, Any, None]) -> None:
        try:
            await rest
        except asyncio.CancelledError:
            # The server stops and this took too long.
            self.hang_up()
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error)

    def _answer(self, answer: Answer) -> None:
        connection = self._connection
        self.keep_alive = self.keep_alive and not answer.is_last
        self.response_complete = True
        self._let_go()
        if connection.transport.is_closing():
            return
        connection.transport.write(
            answers.written(
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

    def _let_go(self) -> None:
        """Give up the memory of the body."""
        self._chunks = []
        self._door.hold(-self._size_bytes)
        self._size_bytes = 0
        self._connection.exchanges.discard(self)
