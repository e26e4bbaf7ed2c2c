"""Reads heads of requests to ingest doors, and knows again those that were read before.

    POST /api/1/envelope/ HTTP/1.1 … Content-Length: 81234 … blank line
    └── before ─────────────────────────────────┘└length┘└─ after ─┘

An app sends the same head with every envelope, but for the length of the body. What the parser has
read once says the same with another length, so parser, calls and values for each line are left out.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.api.target import DoorName, Target
from app.ingest.request import IngestRequest
from app.journal.entry import Kind

Headers = Sequence[tuple[bytes, bytes]]
"""Names in small letters, in the order in which they came."""

_ENCODING_CHARS: Final = 64
_REMEMBERED: Final = 2_048
"""Heads that are known again; made-up ones cannot fill the memory."""
_USUAL_BYTES: Final = 2_000
_LENGTH: Final = b"ength: "
_LENGTH_LINE: Final = b"\r\ncontent-length: "
_LENGTH_DIGITS: Final = 9
_LINE_END: Final = b"\r\n"
_HEAD_END: Final = b"\r\n\r\n"
_OTHER_FRAMING: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade"})


@dataclass(slots=True)
class Head:
    """The head of a request to a door; but for the length of its body many have the same."""

    target: Target
    method: bytes
    headers: Headers
    keep_alive: bool
    request: IngestRequest
    """As its last sender made it."""

    def request_of(self, client_ip: str | None) -> IngestRequest:
        """Return what it asks for when it comes from this address."""
        if self.request.client_ip != client_ip:
            self.request = dataclasses.replace(self.request, client_ip=client_ip)
        return self.request


class Cut(NamedTuple):
    """A head that is cut out at the length of its body."""

    before: bytes
    length_bytes: int
    after: bytes
    end: int
    """Where the body begins."""


class Heads:
    """The heads that are known again."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], Head] = {}

    def find(self, cut: Cut) -> Head | None:
        """Return what a head says, if one like it has been read before."""
        return self._known.get((cut.before, cut.after))

    def remember(self, cut: Cut, head: Head) -> None:
        """Remember a head that the parser has read, if nothing but the length can differ.

        What was cut must be what the parser read: as many lines, and the length in its own.
        """
        lines = cut.before.count(b"\n") + cut.after.count(b"\n")
        if (
            head.method == b"POST"
            and head.target.door is not None
            and cut.before.startswith(b"POST ")
            and cut.before[-len(_LENGTH_LINE) :].lower() == _LENGTH_LINE
            and lines == len(head.headers) + 2
            and _OTHER_FRAMING.isdisjoint(name for name, _ in head.headers)
        ):
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[cut.before, cut.after] = head


def cut(data: bytes) -> Cut | None:
    """Cut the head that some data begins with; None: it does not begin with a usual one."""
    at = data.find(_LENGTH, 0, _USUAL_BYTES)
    if at < 0:
        return None
    at += len(_LENGTH)
    line_end = data.find(_LINE_END, at, at + _LENGTH_DIGITS + len(_LINE_END))
    end = data.find(_HEAD_END, line_end, _USUAL_BYTES) if line_end > 0 else -1
    digits = data[at:line_end]
    if end < 0 or not digits.isdigit() or not int(digits):
        return None
    end += len(_HEAD_END)
    return Cut(data[:at], int(digits), data[line_end:end], end)


def read(
    headers: Headers, target: Target, *, method: bytes, keep_alive: bool, client_ip: str | None
) -> tuple[Head, int]:
    """Read what the parser found in a head.

    Args:
        headers: All of them.
        target: Where the URL leads.
        method: Of HTTP.
        keep_alive: Whether the connection goes on after the answer.
        client_ip: Who sends.

    Returns:
        The head, and how many bytes the body says it has; 0: it does not say.
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
                content_encoding = value.decode("latin-1")[:_ENCODING_CHARS]
            case b"content-type":
                content_type = content_type or value
            case b"content-length":
                length = length or value
            case _:
                continue
    request = IngestRequest(
        project=target.project,
        kind=_kind(target.door, content_type),
        auth_headers=(*sentry_auth, *authorization),
        query=target.query,
        content_encoding=content_encoding,
        client_ip=client_ip,
    )
    head = Head(target, method, headers, keep_alive, request)
    return head, int(length) if length.isdigit() else 0


def _kind(door: DoorName | None, content_type: bytes) -> Kind:
    """Tell what a body is: by the door, and of OpenTelemetry's two forms by what it says it is."""
    if door == "otlp":
        return "otlp_json" if b"json" in content_type.lower() else "otlp"
    return "store" if door == "store" else "envelope"
