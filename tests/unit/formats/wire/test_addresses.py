"""Addresses that SDKs leave to the server: filled in, inferred or taken out, never kept as text."""

import json
from typing import Any

import pytest

from app.formats.wire import addresses
from app.formats.wire.envelope import read_header

IP = "203.0.113.9"
AUTO = "{{auto}}"


def fill(
    value: Any, *, client_ip: str | None = IP, infer_ip: str | None = None, has_user: bool = True
) -> Any:
    """Fill a copy and return it; what is said to be unchanged is."""
    copy = json.loads(json.dumps(value))
    raw = json.dumps(value).encode()
    changed = addresses.fill_addresses(
        copy, raw, client_ip=client_ip, infer_ip=infer_ip, has_user=has_user
    )
    assert changed == (copy != value)
    assert AUTO not in json.dumps(copy)
    return copy


def test_sender_is_put_where_it_is_asked_for():
    """In the user and in the environment of a request."""
    filled = fill({"user": {"ip_address": AUTO}, "request": {"env": {"REMOTE_ADDR": AUTO}}})
    assert filled == {"user": {"ip_address": IP}, "request": {"env": {"REMOTE_ADDR": IP}}}


def test_unknown_sender_leaves_nothing():
    """With no address known, what was asked for becomes nothing."""
    assert fill({"user": {"id": 1, "ip_address": AUTO}}, client_ip=None) == {
        "user": {"id": 1, "ip_address": None}
    }


def test_instruction_stays_in_no_other_place():
    """In texts and lists it becomes null; in typed attributes of that name the address."""
    sent = {
        "extra": {"note": AUTO, "list": [AUTO, {"deep": AUTO}]},
        "contexts": {"client": {"client.address": AUTO}},
        "items": [{"attributes": {"user.ip_address": {"type": "string", "value": AUTO}}}],
    }
    assert fill(sent, has_user=False) == {
        "extra": {"note": None, "list": [None, {"deep": None}]},
        "contexts": {"client": {"client.address": IP}},
        "items": [{"attributes": {"user.ip_address": {"type": "string", "value": IP}}}],
    }


@pytest.mark.parametrize(
    ("platform", "said", "expected"),
    [
        ("javascript", None, IP),
        ("cocoa", None, IP),
        ("objc", None, IP),
        ("java", None, None),
        ("python", None, None),
        (None, None, None),
        ("java", "auto", IP),
        ("cocoa", "legacy", IP),
        ("java", "legacy", None),
        ("cocoa", "never", None),
        ("javascript", "something new", None),
    ],
)
def test_address_is_inferred_where_the_sdk_counts_on_it(platform, said, expected):
    """By platform for old SDKs, by their own word for new ones; an unknown word means never."""
    sent = {} if platform is None else {"platform": platform}
    for filled in (
        fill({**sent, "sdk": {"settings": {"infer_ip": said}}}),
        fill(sent, infer_ip=said),
    ):
        assert filled.get("user", {}).get("ip_address") == expected
    assert "user" not in fill(sent, infer_ip=said, has_user=False)


def test_never_holds_for_what_is_asked_for_as_well():
    """An SDK that says never gets no address, whatever it says beside."""
    sent = {"user": {"ip_address": AUTO}, "platform": "cocoa"}
    assert fill(sent, infer_ip="never")["user"] == {"ip_address": None}
    container = {"ingest_settings": {"infer_ip": "never"}, "items": [{"client.address": AUTO}]}
    assert fill(container, has_user=False)["items"] == [{"client.address": None}]


def test_own_word_goes_before_the_envelopes():
    """The payload knows better than the header of its envelope."""
    sent = {"platform": "java", "sdk": {"settings": {"infer_ip": "auto"}}}
    assert fill(sent, infer_ip="never")["user"] == {"ip_address": IP}


def test_known_address_stays():
    """What the SDK or the request tells is not replaced."""
    told = {"platform": "cocoa", "user": {"ip_address": "198.51.100.1"}}
    assert fill(told) == told
    request = {"platform": "javascript", "request": {"env": {"REMOTE_ADDR": "198.51.100.1"}}}
    assert fill(request)["user"] == {"ip_address": "198.51.100.1"}


@pytest.mark.parametrize("value", [None, [], "{{auto}}", 7, {"user": 7, "platform": "cocoa"}])
def test_odd_shapes_are_left_alone(value):
    """Nothing is raised and nothing is made up."""
    raw = json.dumps(value).encode()
    assert not addresses.fill_addresses(value, raw, client_ip=IP, infer_ip=None, has_user=True)


def test_word_of_the_envelope_is_read():
    """It stands in the settings of the SDK, in the header."""
    line = b'{"sdk":{"name":"sentry.cocoa","settings":{"infer_ip":"never"}}}'
    assert read_header(line).infer_ip == "never"
    assert read_header(b'{"sdk":{"settings":[]}}').infer_ip is None
