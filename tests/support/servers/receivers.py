"""Receivers of messages: a webhook that keeps what it gets, and a real SMTP server.

async with serving_webhook() as receiver:
    receiver.statuses = [503, 200]     # the last one goes on
    ...
    receiver.requests[0].json()
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

from tests.support.servers.ports import find_free_port

_END_OF_HEAD: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request that a webhook got."""

    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, decoded."""
        return json.loads(self.body)


@dataclass(slots=True)
class WebhookReceiver:
    """A webhook that keeps its requests, and answers as a test wants."""

    port: int = 0
    requests: list[ReceivedRequest] = field(default_factory=list)
    statuses: list[int] = field(default_factory=lambda: [200])
    """The statuses of the next answers; the last one goes on."""
    headers: dict[str, str] = field(default_factory=dict)
    raw_answer: bytes | None = None
    """Bytes that are sent instead of an answer."""
    is_endless: bool = False
    """Whether the body of the answer never ends."""
    is_silent: bool = False
    """Whether no answer comes at all."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of the webhook."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request and answer it."""
        self.writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append(await _read_request(reader))
            if self.is_silent:
                await reader.read()
            writer.write(self.raw_answer if self.raw_answer is not None else self._write_head())
            await writer.drain()
            while self.is_endless:
                writer.write(b"x" * 65_536)
                await writer.drain()
        writer.close()

    def _write_head(self) -> bytes:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        lines = [f"HTTP/1.1 {status} Answer"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += ["connection: close"] if self.is_endless else ["content-length: 0"]
        return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def serving_webhook(tls: ssl.SSLContext | None = None) -> AsyncIterator[WebhookReceiver]:
    """Run a webhook on this machine."""
    receiver = WebhookReceiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for writer in receiver.writers:
            writer.transport.abort()
        await server.wait_closed()


@dataclass(slots=True)
class MailReceiver:
    """The handler of an SMTP server that keeps its mails."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """The answers to the next mails, such as `550 no such mailbox`; then mails are taken."""

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self,
        server: Any,  # noqa: ARG002 - as aiosmtpd calls it
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        """Take a recipient, or refuse it."""
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self,
        server: Any,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        """Keep a mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 Taken"

    @property
    def url(self) -> str:
        """The setting that names this server."""
        return f"smtp://127.0.0.1:{self.port}"


@contextmanager
def serving_mail(
    *, password: str | None = None, tls: ssl.SSLContext | None = None, must_tls: bool = False
) -> Iterator[MailReceiver]:
    """Run an SMTP server, in a thread of its own, on this machine."""
    receiver = MailReceiver(port=find_free_port())

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: Any, data: Any) -> Any:
        is_right = password is not None and data.password == password.encode()
        return AuthResult(success=is_right, handled=False)

    controller = Controller(
        receiver,
        hostname="127.0.0.1",
        port=receiver.port,
        tls_context=tls,
        require_starttls=must_tls,
        authenticator=authenticate,
        auth_required=password is not None,
        auth_require_tls=tls is not None,
    )
    controller.start()
    try:
        yield receiver
    finally:
        controller.stop()


async def _read_request(reader: asyncio.StreamReader) -> ReceivedRequest:
    head = (await reader.readuntil(_END_OF_HEAD)).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return ReceivedRequest(first.split(" ")[1], headers, body)
