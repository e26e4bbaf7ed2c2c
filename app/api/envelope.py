"""The envelope door: a plain ASGI application before everything else.

    POST [/prefix]/api/{project}/envelope[/]     every current SDK
    POST [/prefix]/api/{project}/store[/]        old SDKs: one event as JSON
    POST [/prefix]/api/store[/]                  very old ones: the project is that of the key
    POST [/prefix]/api/{project}/otlp/v1/traces[/], also …/integration/otlp/…    OpenTelemetry
    OPTIONS                                      browsers, before they post

Of Sentry's other doors (minidumps, reports of browsers, cron, logs and metrics of OpenTelemetry) it
says that they are none here.

It answers 200 when the envelope is on disk, 4xx when it can never be kept, and hangs up otherwise:
never 5xx, because phones delete what was answered.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from app.api import otlp
from app.api.hang_up import Receive, hang_up
from app.core import log
from app.core.errors import Limited, Refused, TooLarge, Unavailable
from app.core.log import shown
from app.core.units import bytes_text
from app.formats.envelope import Envelope
from app.ingest.accept import Gate, accept
from app.ingest.request import IngestRequest
from app.journal.entry import Kind

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

_PATH: Final = re.compile(
    r"(?:/[^/]*)*?/api/(?:(?P<project>[^/]+)/"
    r"(?P<kind>envelope|store|(?:integration/)?otlp/v1/traces)|store)/?\Z"
)
_NOT_TAKEN: Final = re.compile(
    r"(?:/[^/]*)*?/api/[^/]+/(?:minidump|unreal/[^/]+|playstation|security|csp-report|nel|upload"
    r"|cron/.+|events/[^/]+/attachments|(?:integration/)?otlp/v1/(?:logs|metrics))/?\Z"
)
"""Doors of Sentry's that programs may knock at, and that are none here."""
_NOT_FOUND: Final = 404
_METHOD_NOT_ALLOWED: Final = 405
_OK: Final = 200
_CORS: Final[tuple[Header, ...]] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-sentry-error, x-sentry-rate-limits, retry-after"),
)
_PREFLIGHT: Final[tuple[Header, ...]] = (
    *_CORS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (
        b"access-control-allow-headers",
        (
            b"x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept,"
            b" content-type, authentication, authorization, content-encoding, transfer-encoding"
        ),
    ),
    (b"access-control-max-age", b"3600"),
)
_READING_BYTES: Final = 128 * 1024 * 1024
"""Bodies that are being read may take this much memory; beyond, senders are hung up on."""

_logger: Final = log.get("api.envelope")


class _SenderGone(Exception):
    """The connection ended before the body did: there is nobody to answer."""


class EnvelopeDoor:
    """Takes ingest requests; everything else goes on to the next application."""

    def __init__(self, gate: Gate, after: AsgiApp) -> None:
        self._gate = gate
        self._after = after
        self._reading_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI defines it."""
        found = _PATH.match(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            if scope["type"] == "http" and _NOT_TAKEN.match(scope["path"]):
                await _refuse_kind(send, scope["method"])
            else:
                await self._after(scope, receive, send)
            return
        kind = _kind(found["kind"] or "store", scope)
        try:
            await self._serve(scope, receive, send, found["project"] or "", kind)
        except _SenderGone:
            return
        except Unavailable as error:
            _logger.warning("cannot keep an envelope", error=str(error))
            hang_up(receive)
        except asyncio.CancelledError:
            # The server stops and this took too long: uvicorn would answer 500.
            hang_up(receive)
            raise
        except Exception:
            _logger.exception("accepting an envelope failed", path=shown(scope["path"]))
            hang_up(receive)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        project: str,
        kind: Kind,
    ) -> None:
        match scope["method"]:
            case "POST":
                await self._take(scope, receive, send, project, kind)
            case "OPTIONS":
                await _answer(send, _OK, b"", headers=_PREFLIGHT)
            case method:
                detail = json.dumps({"detail": f"{method} is not understood here, expected POST"})
                await _answer(
                    send,
                    _METHOD_NOT_ALLOWED,
                    detail.encode(),
                    headers=(*_CORS, (b"allow", b"POST, OPTIONS")),
                )

    async def _take(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        project: str,
        kind: Kind,
    ) -> None:
        async def read_body(limit_bytes: int) -> bytes:
            return await self._read_body(scope, receive, limit_bytes)

        try:
            accepted = await accept(self._gate, _request(scope, project, kind, read_body))
        except Refused as refused:
            extra: tuple[Header, ...] = ()
            if isinstance(refused, Limited):
                extra = (
                    (b"retry-after", str(refused.wait_s).encode()),
                    *_rate_limits(refused.rate_limits),
                )
            elif isinstance(refused, TooLarge):
                # The rest of a body that is too large is not read.
                extra = ((b"connection", b"close"),)
            body = _refusal(kind, refused)
            await _answer(send, refused.status, body, kind=kind, headers=(*_CORS, *extra))
            return
        body = _success(kind, accepted.envelope)
        headers = (*_CORS, *_rate_limits(accepted.rate_limits))
        await _answer(send, _OK, body, kind=kind, headers=headers)

    async def _read_body(self, scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
        """Read a body under its cap, whether or not its length was announced.

        Raises:
            TooLarge: It is, or says it is, over the cap.
            Unavailable: Too much is being read at once.
        """
        headers = scope["headers"]
        declared = next((value for name, value in headers if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > limit_bytes:
            raise _too_large(limit_bytes)
        chunks: list[bytes] = []
        size_bytes = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _SenderGone
                chunk: bytes = message.get("body", b"")
                size_bytes += len(chunk)
                self._reading_bytes += len(chunk)
                if size_bytes > limit_bytes:
                    raise _too_large(limit_bytes)
                if self._reading_bytes > _READING_BYTES:
                    raise Unavailable("too many large bodies are being read at once")
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        finally:
            self._reading_bytes -= size_bytes


def _request(
    scope: Scope,
    project: str,
    kind: Kind,
    read_body: Callable[[int], Awaitable[bytes]],
) -> IngestRequest:
    sentry_auth: list[str] = []
    authorization: list[str] = []
    content_encoding: str | None = None
    for name, value in scope["headers"]:
        match name:
            case b"x-sentry-auth":
                sentry_auth.append(value.decode("latin-1"))
            case b"authorization":
                authorization.append(value.decode("latin-1"))
            case b"content-encoding":
                content_encoding = value.decode("latin-1")[:64]
            case _:
                continue
    client = scope.get("client")
    return IngestRequest(
        project=project,
        kind=kind,
        auth_headers=(*sentry_auth, *authorization),
        query=scope["query_string"].decode("latin-1"),
        content_encoding=content_encoding,
        client_ip=client[0] if client else None,
        read_body=read_body,
    )


async def _refuse_kind(send: Send, method: str) -> None:
    """Tell a program that what it sends is not taken here."""
    if method == "OPTIONS":
        await _answer(send, _OK, b"", headers=_PREFLIGHT)
        return
    detail = json.dumps({"detail": "this kind of data is not taken here", "causes": ["type"]})
    await _answer(send, _NOT_FOUND, detail.encode(), headers=_CORS)


def _rate_limits(value: str) -> tuple[Header, ...]:
    return ((b"x-sentry-rate-limits", value.encode("ascii")),) if value else ()


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"the body has more than {bytes_text(limit_bytes)}")


def _kind(door: str, scope: Scope) -> Kind:
    """Tell what a body is: by the door, and of OpenTelemetry's two forms by what it says it is."""
    match door:
        case "store":
            return "store"
        case "envelope":
            return "envelope"
        case _:
            named = (value for name, value in scope["headers"] if name == b"content-type")
            return "otlp_json" if b"json" in next(named, b"").lower() else "otlp"


def _success(kind: Kind, envelope: Envelope) -> bytes:
    if kind in ("otlp", "otlp_json"):
        return otlp.success(envelope.left_out, is_json=kind == "otlp_json")
    event_id = envelope.header.event_id
    return b'{"id": "%b"}' % event_id.encode() if event_id else b"{}"


def _refusal(kind: Kind, refused: Refused) -> bytes:
    if kind in ("otlp", "otlp_json"):
        return otlp.refusal(str(refused), is_json=kind == "otlp_json")
    return json.dumps({"detail": str(refused), "causes": [refused.reason]}).encode()


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    *,
    headers: Iterable[Header],
    kind: Kind = "envelope",
) -> None:
    content_type = b"application/x-protobuf" if kind == "otlp" else b"application/json"
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", content_type),
                (b"content-length", str(len(body)).encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
