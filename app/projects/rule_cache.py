"""The privacy rules of every project in memory, so that digest never waits for them.

    find            answers from memory
    ensure_fresh    reads the rules if they were last read too long ago

What cannot be scrubbed by the rules of its project is not stored: until the rules have been read
once, and again after Postgres was away, digest waits for them.
"""

import asyncio
from typing import Final

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.projects import privacy_rules
from app.projects.privacy_rules import DEFAULT_PRIVACY, PrivacyRules

_REFRESH_S: Final = 5.0
_OLDEST_S: Final = 15.0
"""Rules that were read longer ago are read again before a batch is scrubbed."""

_logger: Final = log.get_logger("projects.rule_cache")


class RuleCache:
    """The rules of all projects, some five seconds old. Use it from one event loop."""

    def __init__(self, *, refresh_s: float = _REFRESH_S) -> None:
        self._refresh_s = refresh_s
        self._rules: dict[ProjectId, PrivacyRules] = {}
        self._texts: dict[ProjectId, tuple[int, str]] = {}
        self._fresh_until_s = -1.0
        self._database: Database | None = None
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self, database: Database) -> None:
        """Begin to read the rules every few seconds."""
        self._database = database
        self._task = asyncio.create_task(self._refresh_for_ever(), name="privacy rules: refresh")

    async def stop(self) -> None:
        """End the reading; the rules stay in memory."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def find(self, project_id: ProjectId) -> PrivacyRules:
        """Return the rules of a project, which are the same object until they change."""
        return self._rules.get(project_id, DEFAULT_PRIVACY)

    async def ensure_fresh(self) -> None:
        """Make sure that the rules are at most some seconds old.

        Raises:
            ServiceUnavailable: They are not, and Postgres does not answer.
        """
        if monotonic_s() >= self._fresh_until_s:
            await self.refresh()

    async def refresh(self) -> None:
        """Read the rules now, for example after they were changed in this process.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        if self._database is None:
            raise ServiceUnavailable("the privacy rules are not read yet")
        async with self._reading:
            began_s = monotonic_s()
            async with self._database.reading() as connection:
                texts = await privacy_rules.read_all_rules(connection)
            self._rules = {
                project_id: self._rules[project_id]
                if self._texts.get(project_id) == saved
                else privacy_rules.decode_rules(saved[1])
                for project_id, saved in texts.items()
            }
            self._texts = texts
            self._fresh_until_s = began_s + _OLDEST_S

    async def _refresh_for_ever(self) -> None:
        while True:
            try:
                await self.refresh()
            except ServiceUnavailable:
                pass  # digest waits, and says so
            except Exception:
                _logger.exception("reading privacy rules failed")
            await asyncio.sleep(self._refresh_s)
