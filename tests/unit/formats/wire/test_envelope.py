"""Tests of the splitting of envelopes into items."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.wire import envelope
from app.formats.wire.envelope import EnvelopeHeader, TraceHeader
from tests.support import examples
from tests.support.builders import envelopes
from tests.support.builders.wire import KEY, MISSING, REPLAY_ID, TRACE_ID, compact

HEADER = b'{"event_id":"5b1c0f4e9a7d4c3e8f20716d3b9a4c55"}\n'
GOOD = [
    envelopes.event_envelope(more_items=[envelopes.client_report_item()]),
    envelopes.transaction_envelope(),
    envelopes.replay_video_envelope(video=None),
    envelopes.web_replay_envelope(),
]


def _payloads(result: envelope.Envelope) -> list[tuple[str, bytes]]:
    return [(item.type, bytes(item.payload)) for item in result.items]


def test_every_member_of_the_header_is_read():
    """Ids lose dashes and capitals; of the trace only its ids are read."""
    header = envelope.read_header(
        compact(
            {
                "event_id": "5B1C0F4E-9A7D-4C3E-8F20-716D3B9A4C55",
                "dsn": "http://key@host/1",
                "sent_at": "2026-08-06T07:06:41.312Z",
                "sdk": {"name": "sentry.cocoa", "version": "9.26.0", "packages": [{}]},
                "trace": {
                    "trace_id": TRACE_ID,
                    "replay_id": REPLAY_ID.upper(),
                    "public_key": KEY,
                    "release": "shop@1",
                    "environment": "production",
                    "transaction": "Cart",
                    "sampled": "true",
                    "sample_rate": "0.25",
                },
                "unknown": [1, 2],
            }
        )
    )
    assert header == EnvelopeHeader(
        event_id=REPLAY_ID,
        dsn="http://key@host/1",
        sent_at=datetime(2026, 8, 6, 7, 6, 41, 312_000, UTC),
        sdk_name="sentry.cocoa",
        sdk_version="9.26.0",
        trace=TraceHeader(TRACE_ID, REPLAY_ID),
    )


@pytest.mark.parametrize("trace", [None, 5, "x", [], {}, {"trace_id": [], "sampled": {}}])
def test_no_trace_makes_the_header_fail(trace):
    """A trace of a wrong shape counts as absent."""
    header = envelope.read_header(compact({"event_id": REPLAY_ID, "trace": trace}))
    assert header == EnvelopeHeader(event_id=REPLAY_ID)


def test_a_replay_id_of_zeros_is_none():
    """SDKs that record nothing may send it."""
    header = envelope.read_header(b'{"trace":{"trace_id":"%032d","replay_id":"%032d"}}' % (7, 0))
    assert header.trace == TraceHeader(trace_id=f"{7:032}")


@pytest.mark.parametrize(
    "line",
    [
        b'{"sdk":"x","sent_at":[],"event_id":7,"dsn":{}}',
        b'{"sdk":NaN}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b"{}\r",
    ],
)
def test_odd_headers_are_read_as_empty(line):
    """Wrong types, NaN, a byte order mark, broken text and CR do not make a header fail."""
    assert envelope.read_header(line) == EnvelopeHeader()
    assert envelope.split_envelope(line) == envelope.Envelope(EnvelopeHeader(), ())


@pytest.mark.parametrize("body", [b"", b"\n\n", b"[]\n", b"null", b"hello\n", b'{"event_id', b"5"])
def test_a_first_line_that_is_no_object_is_malformed(body):
    """Nothing of such a body is read."""
    with pytest.raises(MalformedInput, match="envelope header"):
        envelope.split_envelope(body)


def test_a_header_nested_without_end_is_malformed():
    """A header with endless nesting does not exhaust the stack."""
    with pytest.raises(MalformedInput):
        envelope.split_envelope(b'{"a":' + b"[" * 30_000)


@pytest.mark.parametrize("container", [bytes, bytearray, memoryview])
def test_lengths_decide_where_payloads_end(container):
    """Payloads with line feeds and payloads without a length are both whole."""
    body = HEADER + (
        b'{"type":"attachment","length":5,"filename":"a.txt","content_type":"text/plain",'
        b'"attachment_type":"event.attachment"}\na\n\n\nb\n'
        b'{"type":"log","item_count":2}\n{"items":[]}\n'
        b'{"type":"session","length":0}\n\n'
        b'{"type":"empty"}\n\n'
        b'{"type":"last"}\nend'
    )
    result = envelope.split_envelope(container(body))
    assert _payloads(result) == [
        ("attachment", b"a\n\n\nb"),
        ("log", b'{"items":[]}'),
        ("session", b""),
        ("empty", b""),
        ("last", b"end"),
    ]
    first, second = result.items[:2]
    assert (first.filename, first.content_type) == ("a.txt", "text/plain")
    assert (first.attachment_type, first.item_count) == ("event.attachment", None)
    assert second.item_count == 2
    assert result.damage is None
    assert result.header.event_id == REPLAY_ID


@pytest.mark.parametrize("tail", [b"", b"\n", b"\r\n", b"\n\n\r\n\n"])
def test_line_feeds_at_the_end_are_optional(tail):
    """None, one or many of them make no difference."""
    result = envelope.split_envelope(HEADER + b'{"type":"event","length":2}\n{}' + tail)
    assert (_payloads(result), result.damage) == ([("event", b"{}")], None)


def test_a_header_alone_is_an_envelope_without_items():
    """Android sends one when its item could not be written."""
    assert envelope.split_envelope(HEADER) == envelope.split_envelope(HEADER.strip())
    assert envelope.split_envelope(HEADER).items == ()


def test_an_item_header_at_the_end_has_an_empty_payload():
    """An item header without length, followed by nothing, has an empty payload."""
    assert _payloads(envelope.split_envelope(HEADER + b'{"type":"session"}')) == [("session", b"")]


@pytest.mark.parametrize("length", [b'"2"', b"2", b"2.0"])
def test_a_length_may_be_written_as_text(length):
    """A length that is written as text means the same number."""
    result = envelope.split_envelope(HEADER + b'{"type":"event","length":%s}\n{}\n' % length)
    assert _payloads(result) == [("event", b"{}")]


def test_a_missing_type_is_an_item_of_no_type():
    """The length tells its end, so the next item is read."""
    result = envelope.split_envelope(
        HEADER + b'{"length":2}\n{}\n{"type":7}\nx\n{"type":"event"}\n{}'
    )
    assert _payloads(result) == [("", b"{}"), ("7", b"x"), ("event", b"{}")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"type":"event","length":-5}\n{}', "is not a count: -5"),
        (b'{"type":"event","length":[]}\n{}', "is not a count"),
        (b'{"type":"event","length":true}\n{}', "is not a count"),
        (b'{"type":"event","length":3}\n{}', "claims 3 bytes, 2 are left"),
        (b'{"type":"event","length":9}', "claims 9 bytes, 0 are left"),
        (b'{"type":"event","length":1}\n{}\n', "goes on after its 1 bytes"),
        (b"{nonsense\n{}", "is not JSON"),
        (b"[]\n{}", "JSON list, expected an object"),
        (b'{"type":"ev', "is not JSON"),
        (b"[" * 10_000 + b"\n", "nests deeper"),
    ],
)
def test_a_damaged_item_ends_the_reading_and_keeps_earlier_items(data, reason):
    """Items before the damage are whole, and nothing of the damaged one is kept."""
    result = envelope.split_envelope(HEADER + b'{"type":"event"}\n{}\n' + data)
    assert _payloads(result) == [("event", b"{}")]
    assert result.damage is not None
    assert reason in result.damage


def test_odd_item_headers_are_read_leniently():
    """NaN and broken text in other members do no harm."""
    result = envelope.split_envelope(HEADER + b'{"type":"event","length":2,"x":NaN,"y":"\xff"}\n{}')
    assert _payloads(result) == [("event", b"{}")]


def test_the_envelope_header_is_limited():
    """The longest header is read; one byte more is too large, with and without a line feed."""
    longest = b'{"a":"%s"}' % (b"x" * (LIMITS.envelope_header_bytes - 8))
    assert len(longest) == LIMITS.envelope_header_bytes
    assert envelope.split_envelope(longest) == envelope.split_envelope(longest + b"\n")
    for tail in (b" ", b" \n"):
        with pytest.raises(OversizedInput, match="envelope header"):
            envelope.split_envelope(longest + tail)


def test_an_item_header_is_limited():
    """The longest header is read; one byte more is damage."""
    longest = b'{"type":"%s"}' % (b"x" * (LIMITS.item_header_bytes - 11))
    assert len(longest) == LIMITS.item_header_bytes
    for tail in (b"", b"\nabc"):
        result = envelope.split_envelope(HEADER + longest + tail)
        assert len(result.items) == 1
        assert len(result.items[0].type) == 200
        damaged = envelope.split_envelope(HEADER + longest + b" " + tail)
        assert damaged.items == ()
        assert damaged.damage is not None
        assert "item header at byte" in damaged.damage


def test_items_are_limited():
    """An envelope with the largest number of items is read; one more is too large."""
    item = b'{"type":"session"}\n\n'
    assert len(envelope.split_envelope(HEADER + item * LIMITS.items).items) == LIMITS.items
    with pytest.raises(OversizedInput, match="more than 200 items"):
        envelope.split_envelope(HEADER + item * (LIMITS.items + 1))


@pytest.mark.parametrize("body", GOOD)
def test_a_cut_envelope_keeps_nothing_of_the_cut_item(body):
    """Whole items are read as before, wherever the envelope is cut."""
    whole = _payloads(envelope.split_envelope(body))
    framed = envelopes.item("attachment", b"x" * 40) * 2
    for end in range(body.index(b"\n"), len(body + framed), 7):
        items = _payloads(envelope.split_envelope((body + framed)[:end]))
        for position, item in enumerate(items[:-1]):
            assert item == ([*whole, *[("attachment", b"x" * 40)] * 2])[position]


@examples.SETTINGS
@given(st.binary(max_size=300) | examples.mutated(GOOD) | st.binary().map(HEADER.__add__))
def test_any_bytes_give_an_envelope_or_are_refused(body):
    """Only MalformedInput and OversizedInput are raised, and payloads lie in the body."""
    try:
        result = envelope.split_envelope(body)
    except (MalformedInput, OversizedInput):
        return
    assert all(bytes(item.payload) in body for item in result.items)


@examples.SETTINGS
@given(
    examples.with_changed_member(envelopes.envelope_header()),
    st.lists(
        st.tuples(
            st.binary(max_size=20),
            st.dictionaries(
                st.sampled_from(["type", "length", "filename", "item_count", "content_type"]),
                examples.JSON_VALUES | st.just(MISSING),
            ),
        ),
        max_size=3,
    ),
)
def test_headers_with_members_of_any_type_are_read(header, items):
    """No member makes the envelope fail."""
    framed = [
        envelopes.item("event", payload, **{"length": len(payload)} | changes)
        if "type" not in changes
        else compact({key: each for key, each in changes.items() if each is not MISSING}) + b"\n"
        for payload, changes in items
    ]
    envelope.split_envelope(envelopes.envelope(header, *framed))
