"""The table of what is slow."""

import pytest

from app.traces import slow


@pytest.mark.parametrize(
    ("op", "duration_ms", "self_ms", "what"),
    [
        ("http.client", 2_000, 0, "request"),
        ("http.client", 1_999, 1_999, None),
        ("http.server", 2_500, 0, "request"),
        ("db", 500, 500, "query"),
        ("db.redis", 500, 500, "query"),
        ("db", 499, 499, None),
        ("app.start.cold", 4_999, 0, None),
        ("app.start.cold", 5_000, 0, "cold start"),
        ("app.start.warm", 2_000, 0, "app start"),
        ("ui.load.initial_display", 2_000, 0, "screen"),
        ("ui.load", 9_000, 0, None),
        ("dbase", 900, 900, None),
        ("function", 9_000, 999, None),
        ("function", 9_000, 1_000, "step"),
        (None, 9_000, 1_000, "step"),
    ],
)
def test_a_span_is_slow_by_its_rule(op, duration_ms, self_ms, what):
    """At the limit and one below it."""
    rule = slow.find_slow_rule(op, duration_ms=duration_ms, self_ms=self_ms, is_backend=True)
    assert (rule.what if rule else None) == what


def test_an_app_may_idle():
    """A transaction of an app waits for more to happen; only a service's own time is slow."""
    assert (
        slow.find_slow_rule("ui.action", duration_ms=9_000, self_ms=9_000, is_backend=False) is None
    )
