"""Reads what the head of a request to an ingest endpoint says."""

from collections.abc import Sequence
from typing import Final

import msgspec

from app.api.target import EndpointName, IngestTarget
from app.ingest.request import IngestRequest
from app.journal.entry import RequestKind

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case with their values, in the order in which they came."""

_LONGEST_ENCODING_CHARS: Final = 64


class RequestHead(msgspec.Struct, frozen=True, gc=False):
    """The head of a request to an ingest endpoint.

    Args:
        target: Endpoint that the URL leads to.
        method: Method of HTTP, in capitals.
        keep_alive: True if the connection goes on after the answer.
        declared_bytes: Length of the body by Content-Length, or 0 if the head does not tell it.
        expects_continue: True if the sender waits for `100 Continue` before it sends the body.
        request: Everything that accepting the envelope needs.
    """

    target: IngestTarget
    method: bytes
    keep_alive: bool
    declared_bytes: int
    expects_continue: bool
    request: IngestRequest


def read_head(
    headers: Headers,
    target: IngestTarget,
    *,
    method: bytes,
    keep_alive: bool,
    expects_continue: bool,
    client_ip: str | None,
) -> RequestHead:
    """Read the header lines that the HTTP parser found.

    Args:
        headers: All header lines.
        target: Endpoint that the URL leads to.
        method: Method of HTTP, in capitals.
        keep_alive: True if the connection goes on after the answer.
        expects_continue: True if the sender waits for `100 Continue`.
        client_ip: Address of the sender.
    """
    sentry_auth: list[str] = []
    authorization: list[str] = []
    content_encoding: str | None = None
    content_type = length = b""
    for name, value in headers:
        match name:
            case b"x-sentry-auth":
                sentry_auth.append(value.decode("latin-1"))
            case b"authorization":
                authorization.append(value.decode("latin-1"))
            case b"content-encoding":
                content_encoding = value.decode("latin-1")[:_LONGEST_ENCODING_CHARS]
            case b"content-type":
                content_type = content_type or value
            case b"content-length":
                length = length or value
            case _:
                continue
    return RequestHead(
        target=target,
        method=method,
        keep_alive=keep_alive,
        declared_bytes=int(length) if length.isdigit() else 0,
        expects_continue=expects_continue,
        request=IngestRequest(
            project=target.project,
            kind=_body_kind(target.endpoint, content_type),
            auth_headers=(*sentry_auth, *authorization),
            query=target.query,
            content_encoding=content_encoding,
            client_ip=client_ip,
        ),
    )


def _body_kind(endpoint: EndpointName | None, content_type: bytes) -> RequestKind:
    """Return the kind of a body; OpenTelemetry's two forms differ by their content type."""
    if endpoint == "otlp":
        return "otlp_json" if b"json" in content_type.lower() else "otlp"
    return "store" if endpoint == "store" else "envelope"
