"""A resource that every span repeats: what is made of a request has a limit, not only its bytes."""

import tracemalloc
from dataclasses import replace

import pytest

from app.core.errors import OversizedInput
from app.core.limits import LIMITS
from app.formats.otlp import export_request
from app.ingest.bodies import reopen_entry
from app.journal.entry import JournalEntry
from tests.support.builders import otlp as made


def written(body: bytes) -> JournalEntry:
    """Return the journal entry of a request."""
    return JournalEntry(
        seq=1, project_id=1, key="k", received_ms=0, client_ip=None, content_encoding=None,
        kind="otlp", body=body,
    )  # fmt: skip


def repeating(spans: int, note: str) -> bytes:
    """Make a request of spans that each come to repeat a resource of a megabyte."""
    large = {f"part{number}": "x" * 15_000 for number in range(64)}
    sent = (made.span(number + 1) for number in range(spans))
    body: bytes = made.request(*sent, resource={"note": note, **large}).SerializeToString()
    return body


def test_a_large_resource_is_repeated_up_to_a_limit(monkeypatch):
    """The items may have as many bytes as the limit allows; one more is refused."""
    body = repeating(3, "ab")
    made_bytes = export_request.read_export_request(body, is_json=False).made_bytes
    assert made_bytes > 3 * 64 * 15_000
    monkeypatch.setattr(export_request, "LIMITS", replace(LIMITS, otlp_made_bytes=made_bytes))
    assert export_request.read_export_request(body, is_json=False).made_bytes == made_bytes
    with pytest.raises(OversizedInput, match="too large a resource with every span"):
        export_request.read_export_request(repeating(3, "abc"), is_json=False)


def test_errors_that_repeat_a_resource_count_too(monkeypatch):
    """Each exception names its service; those that turn out to be one error count as well."""
    events = [made.exception("E", "no card") for _ in range(100)]
    resource = {"service.name": "s" * 10_000}
    body = made.request(made.span(events=events), resource=resource).SerializeToString()
    monkeypatch.setattr(export_request, "LIMITS", replace(LIMITS, otlp_made_bytes=1_000_000))
    with pytest.raises(OversizedInput, match="too large a resource"):
        export_request.read_export_request(body, is_json=False)


def test_a_repeated_resource_takes_little_memory_at_the_door_and_in_a_journal():
    """A body of a megabyte and 2,000 spans would make 1.9 GB; reopened, it counts as refused."""
    body = repeating(2_000, "a")
    assert len(body) < 1_200_000
    tracemalloc.start()
    try:
        with pytest.raises(OversizedInput):
            export_request.read_export_request(body, is_json=False)
        again = reopen_entry(written(body))
        assert tracemalloc.get_traced_memory()[1] < 2 * LIMITS.otlp_made_bytes
    finally:
        tracemalloc.stop()
    assert again.envelope.items == ()
    assert "too large a resource" in (again.envelope.damage or "")


def test_the_items_of_a_body_count_as_memory_in_the_queue():
    """Otherwise many small bodies that repeat a resource would fill the memory."""
    body = repeating(10, "a")
    assert reopen_entry(written(body)).size_bytes > 10 * 64 * 15_000
