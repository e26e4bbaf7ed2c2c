"""Tests of the parts of a message that differ from event to event, and of those that do not."""

import pytest
from hypothesis import given, strategies as st

from app.issues.grouping import placeholders
from tests.support.examples import SETTINGS


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("order 1042 failed", "order <int> failed"),
        ("took -3.25 s, then 1e5", "took <float> s, then <int>e5"),
        ("id 4f9d8a7b-6c5e-4d3c-8b2a-190817263544", "id <uuid>"),
        ("id 4f9d8a7b6c5e4d3c8b2a190817263544", "id <uuid>"),
        ("at 0x7ffee4 and Cart@1a2b3c4d", "at <hex> and Cart@<hex>"),
        ("commit 4f9d8a7b6c5e", "commit <hex>"),
        ("deadbeef is a word, cafe too", "deadbeef is a word, cafe too"),
        ("GET https://api.example/v1/cart?x=1 failed", "GET <url> failed"),
        ("mail to ana@example.com", "mail to <email>"),
        ("at 2026-08-06T07:06:40.000Z", "at <date>"),
        ("on 2026-08-06, 07:06:40", "on <date>, <time>"),
        ("from 10.0.2.2:8080", "from <ip>"),
        ("HTTP 500", "HTTP 500"),
        ("HTTP status code: 404", "HTTP status code: 404"),
        ("[Errno 2] no such file 17", "[Errno 2] no such file <int>"),
        ("utf8 and x2 keep their digits", "utf8 and x2 keep their digits"),
        ("  first\n\n second 2\nthird\nfourth", "first\nsecond <int>\nthird"),
        ("", ""),
    ],
)
def test_variable_parts_are_replaced(text, filled):
    """Numbers, ids, dates and addresses; names with digits and status codes stay."""
    assert placeholders.replace_variables(text) == filled


@SETTINGS
@given(st.text(max_size=2_000))
def test_any_text_is_filled(text):
    """Whatever it says, the result is bounded."""
    assert len(placeholders.replace_variables(text)) <= 4_000
