"""The URL of a database may name several hosts."""

import pytest

from app.db.hosts import split_hosts


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h1,h2/d?target_session_attrs=read-write", ["postgresql://h1/d", "postgresql://h2/d"]),
        ("postgresql://h1/d?target_session_attrs=any", ["postgresql://h1/d?target_session_attrs=any"]),
        ("postgresql://a:p%40@h1:1,h2:2/d?x=y", ["postgresql://a:p%40@h1:1/d?x=y", "postgresql://a:p%40@h2:2/d?x=y"]),
        ("postgresql://h1,[::1]:5/d", ["postgresql://h1/d", "postgresql://[::1]:5/d"]),
        ("postgresql://playhead@/postgres?host=/run/pg", ["postgresql://playhead@/postgres?host=/run/pg"]),
        ("postgresql:///d", ["postgresql:///d"]),
    ],
)  # fmt: skip
def test_each_host_gets_a_url_of_its_own(url: str, expected: list[str]):
    """A URL with one host or none stays as it is; of several, only the wish for writes goes."""
    assert split_hosts(url) == expected
