"""One HTTP request to an ingest door, freed from the server that read it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.journal.entry import Kind


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What the door read: everything that accepting needs, nothing of ASGI.

    Args:
        project: The project as the path names it, unread; empty if it names none.
        kind: Which door: `envelope`, `store` for the single JSON event of old SDKs, `otlp` and
            `otlp_json` for the two forms of OpenTelemetry's traces.
        auth_headers: Values of X-Sentry-Auth, then of Authorization.
        query: The query string without `?`.
        content_encoding: The header's value, if there was one.
        client_ip: The sender's address, a trusted proxy's word included.
        read_body: Reads the body as it comes, still compressed, up to a number of bytes; raises
            `TooLarge` beyond. It is called once, after the sender is known.
    """

    project: str
    kind: Kind
    auth_headers: tuple[str, ...]
    query: str
    content_encoding: str | None
    client_ip: str | None
    read_body: Callable[[int], Awaitable[bytes]]
