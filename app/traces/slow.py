"""Decides which spans are slow, by one table that pages show as it is here.

A request, a query, an app start and a screen are slow by how long somebody waits for them. Any
other step of a service is slow by its self time, so that a slow query does not mark all the spans
around it.

Source: Android vitals (app start: 5 s cold, 2 s warm); the rest are a choice of this project.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SlowRule:
    """A group of operations, and the duration from which on they are slow."""

    what: str
    ops: tuple[str, ...]
    """Names of operations; `db` matches `db.redis` too."""
    least_ms: int


RULES: Final = (
    SlowRule("request", ("http", "rpc", "grpc", "graphql", "server"), 2_000),
    SlowRule("query", ("db", "cache"), 500),
    SlowRule("cold start", ("app.start.cold",), 5_000),
    SlowRule("app start", ("app.start",), 2_000),
    SlowRule("screen", ("ui.load.initial_display",), 2_000),
)
STEP: Final = SlowRule("step", (), 1_000)
"""Any other operation of a service, by its self time."""


def find_slow_rule(
    op: str | None, *, duration_ms: int, self_ms: int, is_backend: bool
) -> SlowRule | None:
    """Find the rule by which a span is slow; None if it is not."""
    for rule in RULES:
        if any(op == name or (op or "").startswith(f"{name}.") for name in rule.ops):
            return rule if duration_ms >= rule.least_ms else None
    return STEP if is_backend and self_ms >= STEP.least_ms else None
