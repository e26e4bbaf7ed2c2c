"""Tests of the reading of bodies of the store endpoint."""

import base64
import json
import zlib

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.wire import envelope, store_body
from tests.support import examples
from tests.support.builders import envelopes, payloads
from tests.support.builders.wire import EVENT_ID, compact

EVENT = compact(payloads.event())


def _packed(plain: bytes) -> bytes:
    return base64.b64encode(zlib.compress(plain))


@pytest.mark.parametrize("body", [EVENT, b" \n" + EVENT, _packed(EVENT), _packed(EVENT) + b"\n"])
def test_an_event_becomes_an_envelope_of_one_item(body):
    """The event may be plain, or base64 of zlib, as very old clients send it."""
    result = store_body.wrap_store(body)
    assert result.header == envelope.EnvelopeHeader(
        event_id=EVENT_ID, sdk_name="sentry.java.android", sdk_version="8.53.0"
    )
    assert [(item.type, bytes(item.payload).strip()) for item in result.items] == [("event", EVENT)]
    assert result.damage is None


def test_a_transaction_becomes_an_envelope_of_one_item():
    """Early Python SDKs send transactions to the same path."""
    result = store_body.wrap_store(compact(payloads.transaction()))
    assert [item.type for item in result.items] == ["transaction"]


def test_a_whole_envelope_is_split():
    """An envelope that a sender posts to the wrong path is split like any other."""
    body = envelopes.event_envelope()
    assert store_body.wrap_store(body) == envelope.split_envelope(body)
    pretty = json.dumps(payloads.event(), indent=1).encode()
    assert [item.type for item in store_body.wrap_store(pretty).items] == ["event"]


def test_old_members_get_their_present_names():
    """Raven wrote a template with its parameters, and an exception that is not a list."""
    entry = {"message": "user %s", "params": ["ada"], "formatted": None}
    thrown = {"type": "ValueError", "value": "no cart"}
    old = {
        "event_id": EVENT_ID,
        "message": "user %s",
        "sentry.interfaces.Message": entry,
        "sentry.interfaces.Http": {"url": "http://shop.example"},
        "sentry.interfaces.User": {"id": 7},
        "sentry.interfaces.Exception": thrown,
    }
    (item,) = store_body.wrap_store(compact(old)).items
    assert json.loads(bytes(item.payload)) == {
        "event_id": EVENT_ID,
        "message": "user %s",
        "logentry": entry,
        "request": {"url": "http://shop.example"},
        "user": {"id": 7},
        "exception": {"values": [thrown]},
    }


def test_a_present_name_goes_before_the_old_one():
    """A sender that writes both knows the new one."""
    old = {"user": {"id": 7}, "sentry.interfaces.User": {"id": 8}, "exception": [{"type": "A"}]}
    (item,) = store_body.wrap_store(compact(old)).items
    assert json.loads(bytes(item.payload)) == {"user": {"id": 7}, "exception": [{"type": "A"}]}


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"abc=", b"not base64 at all!", b"{", b"[]", _packed(b"[]"), _packed(EVENT)[:-9]],
)
def test_anything_else_is_malformed(body):
    """A body that is neither JSON nor base64, is cut, or is no object is malformed."""
    with pytest.raises(MalformedInput):
        store_body.wrap_store(body)


def test_a_packed_event_is_limited():
    """The largest event is read; one byte more is too large."""
    at_limit = EVENT.ljust(LIMITS.event_bytes)
    assert store_body.wrap_store(_packed(at_limit)).items
    with pytest.raises(OversizedInput):
        store_body.wrap_store(_packed(at_limit + b" "))


@examples.SETTINGS
@given(st.binary(max_size=80) | examples.mutated([EVENT, _packed(EVENT)]))
def test_any_bytes_are_wrapped_or_refused(body):
    """Only MalformedInput and OversizedInput are raised."""
    try:
        result = store_body.wrap_store(body)
        assert len(result.items) == 1 or result.header is not None
    except (MalformedInput, OversizedInput):
        return
