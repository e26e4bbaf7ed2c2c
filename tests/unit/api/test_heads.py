"""The head of a request says who sends what, in which form."""

import pytest

from app.api import target
from app.api.heads import RequestHead, read_head

LINES = (b"Host: a", b"X-Sentry-Auth: Sentry sentry_key=k", b"Content-Length: 5")


def head_of(*lines: bytes, url: bytes = b"/api/1/envelope/") -> RequestHead:
    """Read a head with these lines."""
    pairs = [line.split(b": ", 1) for line in lines]
    ingest_target = target.find_target(url)
    assert ingest_target is not None
    return read_head(
        [(name.lower(), value) for name, value in pairs],
        ingest_target,
        method=b"POST",
        keep_alive=True,
        expects_continue=False,
        client_ip="192.0.2.1",
    )


def test_a_request_is_made_of_the_path_and_the_lines():
    """Project, query, encoding and sender are passed on unread."""
    head = head_of(*LINES, b"Content-Encoding: gzip", url=b"/api/1/envelope/?sentry_client=x")
    assert head.declared_bytes == 5
    assert head.request.project == "1"
    assert head.request.query == "sentry_client=x"
    assert head.request.content_encoding == "gzip"
    assert head.request.client_ip == "192.0.2.1"


def test_keys_of_sentry_go_before_other_authorization():
    """Proxies add an Authorization of their own, in any place."""
    head = head_of(b"Authorization: Basic x", *LINES)
    assert head.request.auth_headers == ("Sentry sentry_key=k", "Basic x")


@pytest.mark.parametrize("length", [b"", b"-1", b"+1", b"1_0", b"\xb2", b"0x5"])
def test_a_length_that_is_no_number_is_not_declared(length):
    """The HTTP parser decides what becomes of such a request."""
    assert head_of(b"Host: a", b"Content-Length: " + length).declared_bytes == 0


def test_of_repeated_lines_the_first_one_counts():
    """The first Content-Length and the first Content-Type count."""
    head = head_of(*LINES, b"Content-Length: 9", url=b"/api/1/otlp/v1/traces")
    assert head.declared_bytes == 5
    assert head.request.kind == "otlp"


@pytest.mark.parametrize(
    ("url", "content_type", "kind"),
    [
        (b"/api/1/envelope/", b"application/json", "envelope"),
        (b"/api/1/store/", b"application/json", "store"),
        (b"/api/1/otlp/v1/traces", b"application/x-protobuf", "otlp"),
        (b"/api/1/otlp/v1/traces", b"Application/JSON; charset=utf-8", "otlp_json"),
        (b"/api/1/minidump/", b"multipart/form-data", "envelope"),
    ],
)
def test_the_endpoint_tells_the_kind_of_a_body(url, content_type, kind):
    """The two forms of OpenTelemetry differ by their content type."""
    assert head_of(*LINES, b"Content-Type: " + content_type, url=url).request.kind == kind
