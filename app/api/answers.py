"""The answers of the ingest endpoints, from status line to body."""

import base64
import json
from http import HTTPStatus
from typing import Final, Literal

import msgspec

from app.api import otlp_answers
from app.core.errors import OversizedInput, RateLimited, RequestRefused
from app.formats.wire.envelope import Envelope
from app.journal.entry import RequestKind

AnswerForm = Literal["json", "protobuf", "gif"]

_CORS: Final = (
    b"access-control-allow-origin: *\r\n"
    b"access-control-expose-headers: x-sentry-error, x-sentry-rate-limits, retry-after\r\n"
)
_PREFLIGHT: Final = (
    b"access-control-allow-methods: POST, OPTIONS\r\n"
    b"access-control-allow-headers: x-sentry-auth, x-requested-with, x-forwarded-for, origin,"
    b" referer, accept, content-type, authentication, authorization, content-encoding,"
    b" transfer-encoding\r\n"
    b"access-control-max-age: 3600\r\n"
)
_OTLP_KINDS: Final = frozenset({"otlp", "otlp_json"})


class IngestAnswer(msgspec.Struct, frozen=True, gc=False):
    """One answer.

    Args:
        status: Status of HTTP, which is never 5xx.
        body: Whole body.
        lines: Further header lines, each with its line end.
        form: Format of the body.
        is_last: True if the connection ends with it, since the request is not read to its end.
    """

    status: int
    body: bytes
    lines: bytes = b""
    form: AnswerForm = "json"
    is_last: bool = False


PREFLIGHT: Final = IngestAnswer(200, b"", _PREFLIGHT)
"""Answer to the request with which a browser asks whether it may post."""
UNSUPPORTED_ENDPOINT: Final = IngestAnswer(
    404, b'{"detail": "this kind of data is not taken here", "causes": ["type"]}'
)


def make_wrong_method_answer(method: bytes) -> IngestAnswer:
    """Make the answer to a method that an endpoint does not have."""
    detail = f"{method.decode('ascii')} is not supported here, expected POST"
    return IngestAnswer(405, json.dumps({"detail": detail}).encode(), b"allow: POST, OPTIONS\r\n")


def make_kept_answer(
    kind: RequestKind | Literal["image"], envelope: Envelope, rate_limits: str
) -> IngestAnswer:
    """Make the answer that an envelope is on disk.

    Args:
        kind: Kind of the body, which tells the format of the answer.
        envelope: Envelope that was kept.
        rate_limits: Value of the header that tells the SDK what to hold back; often empty.
    """
    lines = _write_rate_limits(rate_limits)
    if kind == "image":
        return IngestAnswer(200, _IMAGE, lines, "gif")
    return IngestAnswer(200, _write_success(kind, envelope), lines, _form_of(kind))


def make_refusal(kind: RequestKind, refusal: RequestRefused) -> IngestAnswer:
    """Make the answer that tells why an envelope can never be kept."""
    lines = b""
    if isinstance(refusal, RateLimited):
        lines = b"retry-after: %d\r\n%b" % (refusal.wait_s, _write_rate_limits(refusal.rate_limits))
    return IngestAnswer(
        refusal.status,
        _write_refusal(kind, refusal),
        lines,
        _form_of(kind),
        is_last=isinstance(refusal, OversizedInput),
    )


def write_answer(
    answer: IngestAnswer,
    default_headers: list[tuple[bytes, bytes]],
    *,
    closes: bool,
    has_body: bool,
) -> bytes:
    """Return the bytes of an answer.

    Args:
        answer: Answer to write.
        default_headers: Headers that the server adds to every answer, such as the date.
        closes: True if the connection ends with this answer.
        has_body: True if the body is sent; to HEAD only its length is.
    """
    parts = [_STATUS_LINES[answer.status]]
    for name, value in default_headers:
        parts += (name, b": ", value, b"\r\n")
    parts += (
        _FORMS[answer.form],
        b"%d\r\n" % len(answer.body),
        _CORS,
        answer.lines,
        b"connection: close\r\n\r\n" if closes else b"\r\n",
    )
    if has_body:
        parts.append(answer.body)
    return b"".join(parts)


_STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}
_FORMS: Final[dict[AnswerForm, bytes]] = {
    "json": b"content-type: application/json\r\ncontent-length: ",
    "protobuf": b"content-type: application/x-protobuf\r\ncontent-length: ",
    "gif": b"content-type: image/gif\r\ncontent-length: ",
}
_IMAGE: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent pixel."""


def _form_of(kind: RequestKind) -> AnswerForm:
    return "protobuf" if kind == "otlp" else "json"


def _write_success(kind: RequestKind, envelope: Envelope) -> bytes:
    if kind in _OTLP_KINDS:
        return otlp_answers.write_success(envelope.left_out, is_json=kind == "otlp_json")
    event_id = envelope.header.event_id
    return b'{"id": "%b"}' % event_id.encode() if event_id else b"{}"


def _write_refusal(kind: RequestKind, refusal: RequestRefused) -> bytes:
    if kind in _OTLP_KINDS:
        return otlp_answers.write_refusal(str(refusal), is_json=kind == "otlp_json")
    return json.dumps({"detail": str(refusal), "causes": [refusal.reason]}).encode()


def _write_rate_limits(value: str) -> bytes:
    return b"x-sentry-rate-limits: %b\r\n" % value.encode("ascii") if value else b""
