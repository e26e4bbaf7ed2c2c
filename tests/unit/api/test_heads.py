"""A head is known again if nothing but the length of the body differs, and only then."""

import pytest
from hypothesis import given, strategies as st

from app.api import heads, target
from app.api.heads import Head, Heads

LINES = (b"Host: a", b"X-Sentry-Auth: Sentry sentry_key=k", b"Content-Length: 5")


def written(*lines: bytes, first: bytes = b"POST /api/1/envelope/ HTTP/1.1") -> bytes:
    """Return a head as it comes over the wire."""
    return b"\r\n".join([first, *lines, b"", b""])


def understood(*lines: bytes, method: bytes = b"POST", url: bytes = b"/api/1/envelope/") -> Head:
    """Return a head as the parser understands its lines."""
    pairs = [line.split(b": ", 1) for line in lines]
    found = target.find(url)
    assert found is not None
    head, _ = heads.read(
        [(name.lower(), value) for name, value in pairs],
        found,
        method=method,
        keep_alive=True,
        client_ip="192.0.2.1",
    )
    return head


def is_known_after(data: bytes, head: Head) -> bool:
    """Tell whether a head is known once it has been read."""
    memory = Heads()
    cut = heads.cut(data)
    if cut is None:
        return False
    memory.remember(cut, head)
    return memory.find(cut) is head


def test_a_head_is_known_again_with_another_length():
    """Wherever the line with the length stands, in capitals or not."""
    for lines in (LINES, LINES[::-1], (*LINES[:2], b"content-length: 5")):
        memory = Heads()
        head = understood(*lines)
        first = heads.cut(written(*lines))
        assert first is not None
        memory.remember(first, head)
        again = heads.cut(written(*lines).replace(b": 5\r", b": 123456789\r") + b"body")
        assert again is not None
        assert memory.find(again) is head
        assert again.length_bytes == 123_456_789
        assert again.end == len(written(*lines)) + 8


@pytest.mark.parametrize(
    "other", [b"POST /api/2/envelope/ HTTP/1.1", b"POST /api/1/envelope/ HTTP/1.0"]
)
def test_another_head_is_not_known(other):
    """One byte elsewhere makes another."""
    memory = Heads()
    first, second = heads.cut(written(*LINES)), heads.cut(written(*LINES, first=other))
    assert first is not None
    assert second is not None
    memory.remember(first, understood(*LINES))
    assert memory.find(second) is None


@pytest.mark.parametrize(
    "line",
    [b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"Upgrade: h2c"],
)
def test_what_changes_how_a_body_comes_is_not_remembered(line):
    """The parser reads such a head every time."""
    assert not is_known_after(written(*LINES, line), understood(*LINES, line))


def test_only_posts_to_a_door_are_remembered():
    """Not what is answered without its body."""
    assert is_known_after(written(*LINES), understood(*LINES))
    assert not is_known_after(written(*LINES), understood(*LINES, method=b"PUT"))
    minidump = understood(*LINES, url=b"/api/1/minidump/")
    assert not is_known_after(written(*LINES), minidump)


@pytest.mark.parametrize(
    "data",
    [
        written(b"X-Strength: 5", *LINES),
        written(b"Host: a", b"X-Content-Length: 5"),
        b"\r\n" + written(*LINES),
        written(*LINES)[:-2] + b"\n\r\n",
        written(b"Host: a\n", *LINES[1:]),
    ],
)
def test_what_was_cut_otherwise_than_the_parser_reads_is_not_remembered(data):
    """Another line with a length before it, line ends of another kind, something before it."""
    assert not is_known_after(data, understood(*LINES))


@pytest.mark.parametrize(
    "length", [b"0", b"00", b"", b"-1", b"+1", b" 5", b"5 ", b"1_0", b"\xb2", b"1234567890", b"0x5"]
)
def test_only_a_usual_length_is_cut_out(length):
    """Some digits; nothing, or what may mean something else, is for the parser."""
    assert heads.cut(written(b"Host: a", b"Content-Length: " + length)) is None


@given(st.integers(0, len(written(*LINES)) - 1))
def test_a_head_that_is_not_whole_is_not_cut(size):
    """Whatever is missing at its end."""
    assert heads.cut(written(*LINES)[:size]) is None


def test_a_long_head_is_not_remembered():
    """It would fill the memory."""
    assert heads.cut(written(b"X: " + b"x" * 2_000, *LINES)) is None
    assert heads.cut(written(*LINES, b"X: " + b"x" * 2_000)) is None


def test_made_up_heads_do_not_fill_the_memory(monkeypatch):
    """Beyond the limit it begins anew."""
    monkeypatch.setattr(heads, "_REMEMBERED", 2)
    memory = Heads()
    cuts = [heads.cut(written(b"Host: %d" % number, *LINES[1:])) for number in range(3)]
    for cut in cuts:
        assert cut is not None
        memory.remember(cut, understood(*LINES))
    assert [memory.find(cut) is None for cut in cuts if cut] == [True, True, False]


def test_a_head_is_of_whoever_sends_it():
    """The same from another address is another request, and all else alike."""
    head = understood(*LINES)
    first = head.request
    assert head.request_of("192.0.2.1") is first
    other = head.request_of("192.0.2.2")
    assert other.client_ip == "192.0.2.2"
    assert head.request_of("192.0.2.1") == first
