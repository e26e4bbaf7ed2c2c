"""Metrics of the database; `api/metrics.py` registers them for `/metrics`."""

from typing import Any, Final, Literal

import asyncpg
import sqlalchemy
from asyncpg.connection import LoggedQuery
from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import tracing
from app.core.clock import monotonic_s

BlockKind = Literal["read", "write"]

_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_BEGAN_S: Final = "_playhead_began_s"


class DatabaseMetrics:
    """The counts of one pool of connections."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.block_s: Final = Histogram(
            "playhead_database_transaction_seconds",
            "Time for which a step held a connection: reads without a transaction, and writes.",
            ["kind"],
            buckets=_BOUNDS_S,
            registry=None,
        )
        self.wait_s: Final = Histogram(
            "playhead_database_wait_seconds",
            "Time until a step got a connection, which includes opening one.",
            buckets=_BOUNDS_S,
            registry=None,
        )
        self.statement_s: Final = Histogram(
            "playhead_database_statement_seconds",
            "Time of single statements, but for those that digest sends by itself.",
            buckets=_BOUNDS_S,
            registry=None,
        )
        self.failures: Final = Counter(
            "playhead_database_failures",
            "Steps that failed because Postgres did not answer or lacked something.",
            registry=None,
        )
        kinds: tuple[BlockKind, ...] = ("read", "write")
        self.blocks: Final = {kind: self.block_s.labels(kind) for kind in kinds}

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return self.block_s, self.wait_s, self.statement_s, self.failures

    def time_statements(self, engine: AsyncEngine) -> None:
        """Measure each statement that an engine executes, and record it if it is traced."""

        def begin(
            _connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, *_: Any
        ) -> None:
            setattr(context, _BEGAN_S, monotonic_s())

        def end(
            _connection: Any, _cursor: Any, text: str, _values: Any, context: Any, *_: Any
        ) -> None:
            took_s = monotonic_s() - getattr(context, _BEGAN_S)
            self.statement_s.observe(took_s)
            tracing.note_statement(text, took_s)

        def fail(failure: sqlalchemy.engine.ExceptionContext) -> None:
            began_s = getattr(failure.execution_context, _BEGAN_S, None)
            if began_s is not None and failure.statement:
                took_s = monotonic_s() - began_s
                tracing.note_statement(failure.statement, took_s, failure.original_exception)

        sqlalchemy.event.listen(engine.sync_engine, "before_cursor_execute", begin)
        sqlalchemy.event.listen(engine.sync_engine, "after_cursor_execute", end)
        sqlalchemy.event.listen(engine.sync_engine, "handle_error", fail)


def trace_driver_statements(connection: "asyncpg.Connection[Any]") -> None:
    """Record the statements that digest sends past SQLAlchemy, if spans are recorded at all."""
    if tracing.is_on():
        connection.add_query_logger(_note_driver_statement)


def _note_driver_statement(query: LoggedQuery) -> None:
    """Record a statement; its arguments, which the driver offers as well, are what people sent."""
    tracing.note_statement(query.query, query.elapsed, query.exception)
