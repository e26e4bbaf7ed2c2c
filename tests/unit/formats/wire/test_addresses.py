"""Addresses that SDKs leave to the server are filled in or removed, never stored as text."""

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
    """Fill in a copy and return it; check that the result tells whether it changed."""
    copy = json.loads(json.dumps(value))
    raw = json.dumps(value).encode()
    changed = addresses.fill_addresses(
        copy, raw, client_ip=client_ip, infer_ip=infer_ip, has_user=has_user
    )
    assert changed == (copy != value)
    assert AUTO not in json.dumps(copy)
    return copy


def test_the_address_is_filled_in_where_it_is_requested():
    """`{{auto}}` in the user, and in the environment of a request, becomes the address."""
    filled = fill({"user": {"ip_address": AUTO}, "request": {"env": {"REMOTE_ADDR": AUTO}}})
    assert filled == {"user": {"ip_address": IP}, "request": {"env": {"REMOTE_ADDR": IP}}}


def test_without_an_address_requests_become_null():
    """A request is removed if the address of the sender is unknown."""
    assert fill({"user": {"id": 1, "ip_address": AUTO}}, client_ip=None) == {
        "user": {"id": 1, "ip_address": None}
    }


def test_no_request_is_left_elsewhere():
    """In texts and lists it becomes null; in typed attributes for addresses, the address."""
    payload = {
        "extra": {"note": AUTO, "list": [AUTO, {"deep": AUTO}]},
        "contexts": {"client": {"client.address": AUTO}},
        "items": [{"attributes": {"user.ip_address": {"type": "string", "value": AUTO}}}],
    }
    assert fill(payload, has_user=False) == {
        "extra": {"note": None, "list": [None, {"deep": None}]},
        "contexts": {"client": {"client.address": IP}},
        "items": [{"attributes": {"user.ip_address": {"type": "string", "value": IP}}}],
    }


@pytest.mark.parametrize(
    ("platform", "wish", "expected"),
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
def test_the_address_is_added_where_the_sdk_expects_it(platform, wish, expected):
    """Old SDKs expect it by platform, new ones by their wish; an unknown wish means never."""
    payload = {} if platform is None else {"platform": platform}
    for filled in (
        fill({**payload, "sdk": {"settings": {"infer_ip": wish}}}),
        fill(payload, infer_ip=wish),
    ):
        assert filled.get("user", {}).get("ip_address") == expected
    assert "user" not in fill(payload, infer_ip=wish, has_user=False)


def test_never_goes_before_requests():
    """An SDK whose wish is never gets no address, even if it requests one."""
    payload = {"user": {"ip_address": AUTO}, "platform": "cocoa"}
    assert fill(payload, infer_ip="never")["user"] == {"ip_address": None}
    container = {"ingest_settings": {"infer_ip": "never"}, "items": [{"client.address": AUTO}]}
    assert fill(container, has_user=False)["items"] == [{"client.address": None}]


def test_the_wish_of_the_payload_goes_before_the_envelopes():
    """The payload knows better than the header of its envelope."""
    payload = {"platform": "java", "sdk": {"settings": {"infer_ip": "auto"}}}
    assert fill(payload, infer_ip="never")["user"] == {"ip_address": IP}


def test_known_address_stays():
    """An address from the SDK or its request is not replaced."""
    payload = {"platform": "cocoa", "user": {"ip_address": "198.51.100.1"}}
    assert fill(payload) == payload
    request = {"platform": "javascript", "request": {"env": {"REMOTE_ADDR": "198.51.100.1"}}}
    assert fill(request)["user"] == {"ip_address": "198.51.100.1"}


@pytest.mark.parametrize("value", [None, [], "{{auto}}", 7, {"user": 7, "platform": "cocoa"}])
def test_odd_shapes_are_left_alone(value):
    """No error is raised and nothing is added."""
    raw = json.dumps(value).encode()
    assert not addresses.fill_addresses(value, raw, client_ip=IP, infer_ip=None, has_user=True)


def test_the_wish_of_the_envelope_is_read():
    """The SDK settings in the header of an envelope may ask for the address."""
    line = b'{"sdk":{"name":"sentry.cocoa","settings":{"infer_ip":"never"}}}'
    assert read_header(line).infer_ip == "never"
    assert read_header(b'{"sdk":{"settings":[]}}').infer_ip is None
