"""The answers of the OTLP endpoint, in the format of the request.

    kept          ExportTraceServiceResponse: 1 partial_success (1 rejected_spans 2 error_message)
    refused       google.rpc.Status: 1 code 2 message

A collector does not repeat a request that was refused or partly kept: it drops the data and logs
the message.

Source: OTLP specification, "OTLP/HTTP Response".
"""

import json
from typing import Final

from app.formats.otlp import protobuf

_INVALID_ARGUMENT: Final = 3
_LEFT_OUT: Final = "spans without a trace id, a span id, a start or an end cannot be kept"


def write_success(left_out: int, *, is_json: bool) -> bytes:
    """Write that a request is kept, and how many of its spans are not."""
    if is_json:
        part = {"rejectedSpans": str(left_out), "errorMessage": _LEFT_OUT}
        return json.dumps({"partialSuccess": part} if left_out else {}).encode()
    if not left_out:
        return b""
    part_bytes = protobuf.write_number(1, left_out) + protobuf.write_text(2, _LEFT_OUT)
    return protobuf.write_message(1, part_bytes)


def write_refusal(message: str, *, is_json: bool) -> bytes:
    """Write why a request is refused."""
    if is_json:
        return json.dumps({"code": _INVALID_ARGUMENT, "message": message}).encode()
    return protobuf.write_number(1, _INVALID_ARGUMENT) + protobuf.write_text(2, message)
