"""Connections to Postgres: one pool for a process, one transaction for a step of a use case."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import asyncpg
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from app.core.clock import monotonic_s
from app.core.errors import DatabaseUnavailable, DatabaseUnusable, PartitionMissing
from app.db import hosts
from app.db.cutoff import ConnectionCutoff, closing_if_cancelled
from app.db.metrics import BlockKind, DatabaseMetrics

_CONNECT_S: Final = 10
_COMMAND_S: Final = 60
_CLOSE_S: Final = 5.0
"""So long all connections of a process may take to say goodbye to Postgres."""
_RETURNED_S: Final = "playhead_returned_s"
_IDLE_S: Final = 1.0
"""A connection that was not used for so long is asked whether it lives, before it is used."""
_WRITING: Final = frozenset(("insert", "update", "delete"))
_CONNECTION_LOST: Final = "08006"
_POOLER_FAULTS: Final = ("26000", "42P05")
"""SQLSTATE of a prepared statement that does not exist, or exists already: a pooler has lent
another connection than the one on which it was prepared."""

_PASSING: Final = ("08", "25", "40", "53", "55", "57", "58", "72")
"""SQLSTATE prefixes of errors that may be gone at the next try: connection lost, read-only standby,
another state of the transaction, deadlock or serialization, out of resources, object in use,
operator intervention, system error, snapshot too old."""
_UNUSABLE: Final = (
    "0A", "0L", "0P", "24", "26", "28", "2B", "34", "3D", "3F", "42", "F0", "HV", "XX001", "XX002",
)  # fmt: skip
"""SQLSTATE prefixes of errors that somebody must mend: an unsupported feature, a role, cursor or
prepared statement that a pooler does not know, a missing database, schema, table, column or right,
a broken configuration file, foreign server, page or index. All statements are constants of this
release, so nothing that apps send can cause any of these. Both tuples leave out 54 (a limit) and
XX000 (internal): content can cause them, and then they must count against its journal entry."""
_CHECK_VIOLATION: Final = "23514"


class Database:
    """A pool of connections.

    `transaction()` is for writes: it commits when its block ends and rolls back when the block
    raises. `reading()` is for reads. Both raise `DatabaseUnavailable` when Postgres cannot be
    reached, or goes away inside the block; then the work may be tried again. They raise its
    subclass `DatabaseUnusable` when Postgres answers and lacks what this release needs.
    """

    def __init__(self, pool: AsyncEngine, cutoff: ConnectionCutoff) -> None:
        self._engine = pool
        self._cutoff = cutoff
        self._block_reason = ""
        self.metrics: Final = DatabaseMetrics()
        self.metrics.time_statements(pool)
        # A statement sees what is committed when it begins, in a transaction or without one. To
        # begin and to end one takes as long as most reads.
        self._reads = pool.execution_options(isolation_level="AUTOCOMMIT")
        sqlalchemy.event.listen(self._reads.sync_engine, "before_cursor_execute", _refuse_writes)

    @classmethod
    def open(
        cls, url: str, *, pool_size: int = 10, max_connections: int | None = None
    ) -> "Database":
        """Make a pool that connects at its first use.

        Args:
            url: A libpq-style URL, `postgresql://…`; a `host=/folder` query names a Unix socket.
            pool_size: The number of connections that are kept.
            max_connections: The most that may be open for a while; twice `pool_size` by default.
        """
        most = 2 * pool_size if max_connections is None else max_connections
        kept = min(pool_size, most)
        # The connection that was used last has the statements prepared, and its caches are warm.
        # The others stay idle, and the embedded Postgres ends them after a while.
        cutoff = ConnectionCutoff()
        pool = make_engine(
            url, cutoff=cutoff, pool_size=kept, max_overflow=most - kept, pool_use_lifo=True
        )
        _replace_dead_connections(pool)
        return cls(pool, cutoff)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits when the block ends."""
        async with (
            self._connect(self._engine, "write") as connection,
            connection.begin(),
            closing_if_cancelled(connection),
        ):
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reads, without a transaction: each statement sees the latest.

        A statement of SQLAlchemy that writes raises `RuntimeError`.
        """
        async with (
            self._connect(self._reads, "read") as connection,
            closing_if_cancelled(connection),
        ):
            yield connection

    def count_connections(self) -> tuple[int, int]:
        """Return how many connections are in use, and how many are open and idle."""
        pool = self._engine.pool
        if not isinstance(pool, QueuePool):
            return 0, 0
        return pool.checkedout(), pool.checkedin()

    def block(self, reason: str, *, is_usable: bool = True) -> None:
        """Let `transaction` and `reading` raise `DatabaseUnavailable` with this reason.

        Args:
            reason: The text of the error.
            is_usable: True if the database may be used as it is, once it answers; otherwise the
                error is `DatabaseUnusable`.
        """
        self._obstacle = DatabaseUnavailable if is_usable else DatabaseUnusable
        self._block_reason = reason

    def unblock(self) -> None:
        """End `block`."""
        self._block_reason = ""

    def end_waiting_after(self, patience_s: float) -> None:
        """Wait for Postgres only for a while from now on, since the process is about to end.

        After that, `transaction` and `reading` raise `DatabaseUnavailable`, also those that wait.

        Args:
            patience_s: The seconds; only the first call counts.
        """
        self._cutoff.cut_after(patience_s)

    async def close(self) -> None:
        """Close every connection; the object cannot be used afterwards.

        A server or pooler that hangs is not waited for: the connections end with the process.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._engine.dispose()
        self._cutoff.cancel()

    @asynccontextmanager
    async def _connect(
        self, engine: AsyncEngine, kind: BlockKind
    ) -> AsyncIterator[AsyncConnection]:
        if self._block_reason:
            self.metrics.failures.inc()
            raise self._obstacle(self._block_reason)
        began_s = monotonic_s()
        try:
            with translating_errors():
                async with AsyncExitStack() as stack:
                    async with self._cutoff.attempt():
                        connection = await stack.enter_async_context(engine.connect())
                    self.metrics.wait_s.observe(monotonic_s() - began_s)
                    yield connection
        except DatabaseUnavailable:
            self.metrics.failures.inc()
            raise
        finally:
            self.metrics.blocks[kind].observe(monotonic_s() - began_s)


def _refuse_writes(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
    """Refuse a statement that would be stored at once, whatever becomes of its block.

    Raises:
        RuntimeError: The statement writes.
    """
    if statement.lstrip()[:6].lower() in _WRITING:
        raise RuntimeError("a block for reads must not write: use Database.transaction()")


@contextmanager
def translating_errors() -> Iterator[None]:
    """Raise faults of the database itself as `DatabaseUnavailable`, other errors as they are."""
    try:
        yield
    except sqlalchemy.exc.TimeoutError as error:
        raise DatabaseUnavailable(f"no connection to Postgres is free: {error}") from error
    except sqlalchemy.exc.DBAPIError as error:
        outage = _classify_error(error.orig, _read_sqlstate(error))
        if outage is None:
            raise
        raise outage from error
    except asyncpg.PostgresError as error:
        outage = _classify_error(error, error.sqlstate)
        if outage is None:
            raise
        raise outage from error
    except (
        ConnectionError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError,
    ) as error:  # fmt: skip
        raise DatabaseUnavailable(f"Postgres went away: {error!r}") from error


async def get_driver(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    """Return the asyncpg connection under a connection of SQLAlchemy.

    Statements that digest runs with every batch use it, since SQLAlchemy adds some 300 us to each
    statement. They belong to the same transaction, and `Database` translates their errors alike.
    """
    raw = await connection.get_raw_connection()
    driver: asyncpg.Connection[Any] | None = raw.driver_connection
    assert driver is not None  # noqa: S101 - it is open
    if not driver.is_in_transaction() and not raw.autocommit:
        # SQLAlchemy begins the transaction with its first statement.
        await connection.exec_driver_sql("select 1")
    return driver


@asynccontextmanager
async def planning_once(connection: AsyncConnection) -> AsyncIterator[None]:
    """Let Postgres plan the statements of a block once for a connection, and not each time anew.

    It is for statements that look up keys in tables divided by day: Postgres prefers to plan them
    for the values at hand, which takes up to ten times as long as to run them, for the same plan.
    A statement that filters or scans needs a plan for its values.

    The block may only read: its transaction, or its part of one, is rolled back. So the setting is
    gone before somebody else gets the connection from a pooler.
    """
    driver = await get_driver(connection)
    transaction = driver.transaction()
    is_cancelled = False
    await transaction.start()
    try:
        await driver.execute("set local plan_cache_mode = force_generic_plan")
        yield
    except asyncio.CancelledError:
        is_cancelled = True  # whoever opened the connection closes it
        raise
    finally:
        if not is_cancelled:
            await transaction.rollback()


def make_engine(
    url: str,
    *,
    has_command_timeout: bool = True,
    cutoff: ConnectionCutoff | None = None,
    **options: Any,
) -> AsyncEngine:
    """Make an engine whose connections asyncpg opens, so that the URL is read as libpq reads it.

    Args:
        url: A libpq-style URL.
        has_command_timeout: True if a statement may take a minute at most. Migrations must not be
            limited, since one that is interrupted would only be started again.
        cutoff: Cuts its connections when the process is about to end; None for nobody.
        options: Further arguments for SQLAlchemy.
    """

    async def opened() -> "asyncpg.Connection[Any]":
        connection = await connect(url, has_command_timeout=has_command_timeout)
        if cutoff is not None:
            cutoff.add(connection)
        return connection

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=opened,
        # What apps recorded must not reach the log by way of an error's text.
        hide_parameters=True,
        **options,
    )


def _replace_dead_connections(pool: AsyncEngine) -> None:
    """Let a pool replace a connection that died, or is outdated, before it is used again.

    SQLAlchemy's `pool_pre_ping` would ask Postgres with every use, five times for the page of a
    replay. A connection that was used a moment ago is as likely to die within its next statement.
    """

    def note_return(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_RETURNED_S] = monotonic_s()

    def check(connection: Any, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        idle_s = monotonic_s() - record.info.get(_RETURNED_S, math.inf)
        try:
            if connection.driver_connection.is_closed():
                raise ConnectionResetError("Postgres closed it")
            if hosts.primary_finder.is_outdated(connection.driver_connection):
                raise ConnectionResetError("it leads to an old primary")
            if idle_s > _IDLE_S:
                connection.ping()
        except (connection.dbapi.Error, OSError) as error:
            raise sqlalchemy.exc.InvalidatePoolError from error

    sqlalchemy.event.listen(pool.sync_engine, "checkin", note_return)
    sqlalchemy.event.listen(pool.sync_engine, "checkout", check)


async def connect(url: str, *, has_command_timeout: bool = True) -> "asyncpg.Connection[Any]":
    """Open one connection without a pool.

    If the URL names several hosts, the primary among them is used (`hosts`). asyncpg has
    `target_session_attrs` for that, and believes what a pooler says when it connects: one that
    answers for a dead server, or for a standby that has become the primary since, is wrong.

    Args:
        url: A libpq-style URL.
        has_command_timeout: True if a statement may take a minute at most.

    Raises:
        DatabaseUnavailable: No connection can be opened; the message gives the reason.
    """
    urls = hosts.split_hosts(url)
    command_s = _COMMAND_S if has_command_timeout else None
    if len(urls) > 1:
        return await hosts.primary_finder.connect(urls, command_s=command_s)
    try:
        return await hosts.connect_to_host(url, timeout_s=_CONNECT_S, command_s=command_s)
    except hosts.CONNECT_ERRORS as error:
        raise hosts.explain_errors([error]) from error


async def find_primary_url(url: str) -> str:
    """Return a URL with one host: the primary, if a URL names several.

    Raises:
        DatabaseUnavailable: There is no primary; the message has the reason of each host.
    """
    urls = hosts.split_hosts(url)
    return url if len(urls) == 1 else await hosts.primary_finder.find_url(urls)


def _read_sqlstate(error: sqlalchemy.exc.DBAPIError) -> str | None:
    """Return the SQLSTATE of an error, or that of a lost connection if the driver lost it."""
    if error.connection_invalidated or isinstance(error, sqlalchemy.exc.InterfaceError):
        return _CONNECTION_LOST
    if isinstance(error.orig, BaseException) and isinstance(
        error.orig.__cause__, asyncpg.InternalClientError
    ):
        return _CONNECTION_LOST  # the driver's cached schema is out of date: try again
    return getattr(error.orig, "sqlstate", None)


def _classify_error(
    error: BaseException | None, sqlstate: str | None
) -> DatabaseUnavailable | None:
    """Name the state of the database that an error tells; None if content may be the cause."""
    state = str(sqlstate or "")
    if state == _CHECK_VIOLATION and not _names_constraint(error):
        # A day was dropped since its partition was looked for: the next try makes it again.
        return PartitionMissing(f"Postgres has no partition for a row: {error}")
    if state.startswith(_PASSING):
        return DatabaseUnavailable(f"Postgres does not answer as it should: {error}")
    if state in _POOLER_FAULTS:
        # Without the statement's name, which is another one each time: the log says it once.
        return DatabaseUnusable(
            "a pooler before Postgres does not pass prepared statements on; pgbouncer needs "
            f"max_prepared_statements ({state})"
        )
    if state.startswith(_UNUSABLE):
        return DatabaseUnusable(f"Postgres is not as this release needs it: {error} ({state})")
    return None


def _names_constraint(error: BaseException | None) -> bool:
    """Tell whether an error names the constraint that a row violates.

    SQLAlchemy keeps the error of asyncpg as the cause of its own.
    """
    return any(
        getattr(each, "constraint_name", None) is not None
        for each in (error, getattr(error, "__cause__", None))
    )
