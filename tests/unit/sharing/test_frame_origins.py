"""Tests of reading the sites that may show a share in a frame."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import InvalidInput
from app.sharing.frame_origins import read_frame_origins
from app.web.frame.middleware import guard


def test_origins_are_read_from_words():
    """Blanks, commas and lines separate; the same site twice is one."""
    text = " https://wiki.example.com/,\nHTTPS://WIKI.example.com http://localhost:8080 "
    assert read_frame_origins(text) == ("https://wiki.example.com", "http://localhost:8080")
    assert read_frame_origins(" ") == ()


@pytest.mark.parametrize(
    "word",
    [
        "*", "https://*", "https://*.example.com", "wiki.example.com", "//wiki.example.com",
        "javascript:alert(1)", "data:", "https://a.example/b", "https://a.example?x",
        "https://a.example#x", "https://a@b.example", "https://a.example:0x50",
        "https://a.example:99999", "https://-a.example", "https://a..example", "https://",
        "'self'", "https://a.example;script-src", "https://münchen.example",
        f"https://{'a' * 64}.example", f"https://{'a.' * 130}example",
    ],
)  # fmt: skip
def test_what_is_no_site_is_refused(word):
    """Nothing but an origin gets into the header."""
    with pytest.raises(InvalidInput):
        read_frame_origins(word)


@given(st.text(max_size=80))
def test_no_text_adds_a_directive(text):
    """Whatever is typed, the policy gains sources of frames only."""
    try:
        origins = read_frame_origins(text)
    except InvalidInput:
        return
    policy = guard.allow_frames(guard.write_policy(), origins)
    assert policy.count(";") == guard.write_policy().count(";")
    assert policy.isprintable()
