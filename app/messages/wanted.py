"""Tells digest which signals rules want, so that projects without rules cost nothing.

The list is in memory and at most some five seconds old. A process that has not read it yet, or that
cannot reach Postgres for a while, treats every signal as wanted: so none is missed, and judging
drops those that no rule asks for.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.messages.model import SignalKind
from app.messages.tables import wanted_signals

_REFRESH_S: Final = 5.0
_OLDEST_S: Final = 30.0

_logger: Final = log.get_logger("messages.wanted")


class WantedSignals:
    """A cached list of the signals that rules want, by project. Use it from one event loop."""

    def __init__(self) -> None:
        self._wanted: frozenset[tuple[ProjectId, str]] = frozenset()
        self._kinds: frozenset[str] = frozenset()
        self._fresh_until_s = -1.0
        self._database: Database | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, database: Database) -> None:
        """Begin to read the list every few seconds."""
        self._database = database
        self._task = asyncio.create_task(self._refresh_for_ever(), name="wanted signals: refresh")

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wants(self, project_id: ProjectId, kind: SignalKind) -> bool:
        """Tell whether a rule of a project may want a signal."""
        return (project_id, kind) in self._wanted or monotonic_s() > self._fresh_until_s

    def wants_any(self, kind: SignalKind) -> bool:
        """Tell whether a rule of any project may want a signal."""
        return kind in self._kinds or monotonic_s() > self._fresh_until_s

    async def refresh(self) -> None:
        """Read the list now, for example after rules were changed in this process.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        if self._database is None:
            return
        began_s = monotonic_s()
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(wanted_signals.c.project_id, wanted_signals.c.kind)
            )
            self._wanted = frozenset((ProjectId(row.project_id), row.kind) for row in rows)
        self._kinds = frozenset(kind for _, kind in self._wanted)
        self._fresh_until_s = began_s + _OLDEST_S

    async def _refresh_for_ever(self) -> None:
        while True:
            try:
                await self.refresh()
            except ServiceUnavailable:
                pass  # everything is wanted until Postgres answers
            except Exception:
                _logger.exception("reading which signals are wanted failed")
            await asyncio.sleep(_REFRESH_S)


async def replace_wanted(
    connection: AsyncConnection, project_id: ProjectId, kinds: Iterable[SignalKind]
) -> None:
    """Replace the signals that a project's rules want, in the transaction that changes them."""
    await connection.execute(
        delete(wanted_signals).where(wanted_signals.c.project_id == project_id)
    )
    rows = [{"project_id": project_id, "kind": kind} for kind in sorted(set(kinds))]
    if rows:
        await connection.execute(insert(wanted_signals), rows)
