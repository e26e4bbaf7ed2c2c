"""Tests of requests and answers as the SDKs record them."""

import pytest
from hypothesis import given, strategies as st

from app.formats.replay import exchange
from app.formats.replay.exchange import RecordedExchange

HEADERS = {"content-type": "application/json; charset=utf-8", "Accept": ["a", "b"], "X": {}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "half",
    [
        {"size": 312, "headers": HEADERS, "body": {"qty": 2}, "warnings": ["JSON_TRUNCATED"]},
        {"size": "312", "headers": HEADERS, "body": {"qty": 2},
         "_meta": {"warnings": ["JSON_TRUNCATED", 3, ""]}},
        {"size": 312.0, "headers": HEADERS, "body": '{"qty":2}', "warnings": ["JSON_TRUNCATED"],
         "_meta": {"warnings": ["JSON_TRUNCATED"]}},
    ],
)  # fmt: skip
def test_every_sdk_is_read_alike(half):
    """Android, iOS and React Native put the same facts into different members."""
    details = exchange.read_exchange({"request": half, "response": half}, None)
    assert details.request == details.response
    assert details.request is not None
    assert details.request.size_bytes == 312
    assert details.request.body == {"qty": 2}
    assert details.request.warnings == ("JSON_TRUNCATED",)
    assert details.request.content_type == "application/json"
    assert [name for name, _ in details.request.headers] == ["Accept", "Accept", "content-type"]


def test_the_reason_for_a_missing_body_is_read():
    """On iOS a sentence stands in for the body, and names its content type."""
    body = "[Body not captured: contentType=image/png (5120 bytes)]"
    message = exchange.read_exchange({"response": {"body": body}}, None).response
    assert message is not None
    assert message.body is None
    assert message.no_body_reason == "Body not captured: contentType=image/png (5120 bytes)"
    assert message.content_type == "image/png"


@pytest.mark.parametrize(
    ("body", "expected"),
    [("plain", "plain"), ("", None), ("{broken", "{broken"), ("[1]", [1]), (7, 7), (None, None)],
)
def test_text_stays_text_unless_it_is_json(body, expected):
    """A body that cannot be read as JSON stays complete."""
    message = exchange.read_exchange({"response": {"size": 1, "body": body}}, None).response
    assert message is not None
    assert message.body == expected
    assert message.content_type is None


@pytest.mark.parametrize(
    ("data", "url", "expected"),
    [
        ({"query": "?a=1&b="}, None, (("a", "1"), ("b", ""))),
        ({"query": "a=1&a=2"}, "https://x/?other=1", (("a", "1"), ("a", "2"))),
        ({}, "https://x/?q=%C3%A9", (("q", "é"),)),
        ({}, "http://[broken", ()),
        ({"query": "&".join(["a=1"] * 201)}, None, (("", "&".join(["a=1"] * 201)),)),
    ],
)
def test_the_query_comes_from_where_the_sdk_puts_it(data, url, expected):
    """SDKs for iOS write the query by itself, those for Android leave it in the address."""
    assert exchange.read_exchange(data, url).query == expected


@given(st.dictionaries(st.sampled_from(["request", "response", "query", "fragment"]), JSON))
def test_any_data_gives_an_exchange(data):
    """Members of an odd shape are left out."""
    assert isinstance(exchange.read_exchange(data, "https://x"), RecordedExchange)
