"""One HTTP request to an ingest endpoint, without anything of the server that read it."""

from dataclasses import dataclass

from app.journal.entry import RequestKind


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """The head of a request: everything that accepting needs beside the body.

    Args:
        project: The project as the path names it, not checked yet; empty if it names none.
        kind: The endpoint: `envelope`, `store` for the single JSON event of old SDKs, `otlp` and
            `otlp_json` for the two forms of OpenTelemetry's traces.
        auth_headers: The values of X-Sentry-Auth, then those of Authorization.
        query: The query string without `?`.
        content_encoding: The value of Content-Encoding, or None without that header.
        client_ip: The sender's address, as a trusted proxy tells it if there is one.
    """

    project: str
    kind: RequestKind
    auth_headers: tuple[str, ...]
    query: str
    content_encoding: str | None
    client_ip: str | None
