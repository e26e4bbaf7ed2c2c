"""One HTTP request to an ingest door, freed from the server that read it."""

from dataclasses import dataclass

from app.journal.entry import Kind


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What the head of a request says: everything that accepting needs beside the body.

    Args:
        project: The project as the path names it, unread; empty if it names none.
        kind: Which door: `envelope`, `store` for the single JSON event of old SDKs, `otlp` and
            `otlp_json` for the two forms of OpenTelemetry's traces.
        auth_headers: Values of X-Sentry-Auth, then of Authorization.
        query: The query string without `?`.
        content_encoding: The header's value, if there was one.
        client_ip: The sender's address, a trusted proxy's word included.
    """

    project: str
    kind: Kind
    auth_headers: tuple[str, ...]
    query: str
    content_encoding: str | None
    client_ip: str | None
