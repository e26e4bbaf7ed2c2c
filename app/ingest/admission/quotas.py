"""Limits on what is accepted: rates of keys, strangers by address, projects whose storage is full.

The acceptor and digest ask, and are answered from memory. Every ten seconds a process tells
Postgres what its keys sent, learns what all processes let through meanwhile, and finds out which
projects are full. With Postgres away each process goes by what it knows.

Of N processes that take envelopes, each gives a key the N-th part of its rate and its burst. A key
that sent more than that part here in the last ten seconds gets as large a part as it sent, so that
a backend whose requests all come to one process has its whole rate there.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import KeyRejected, RateLimited, ServiceUnavailable
from app.core.ids import ProjectId, PublicKey
from app.core.units import format_bytes
from app.db.engine import Database
from app.formats.wire import rate_limits
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.admission.token_buckets import SenderLimits, TokenBuckets
from app.ingest.item_types import (
    CATEGORIES_BUT_REPLAY,
    CATEGORIES_IN_OBJECT_STORAGE,
    IN_OBJECT_STORAGE,
    SEGMENT_TYPES,
)
from app.processes import records as processes
from app.projects import spending, storage
from app.projects.model import LimitReason
from app.projects.spending import KeySpending

_PAUSE_S: Final = 10.0
_SUM_SHARE: Final = 0.02
"""The part of the time for which Postgres may be busy with summing up storage."""
_STRANGERS_PER_S: Final = 10.0
"""Envelopes with unknown keys that are answered one by one, from each address."""
_STRANGER_WAIT_S: Final = 60
_STORAGE_WAIT_S: Final = 60
_NO_ADDRESS: Final = "unknown"

_logger: Final = log.get_logger("ingest.quotas")


class Quotas:
    """Every limit that depends on what was sent before. Use it from one event loop."""

    def __init__(
        self, of_keys: SenderLimits, of_unseen: SenderLimits, *, silent_after_s: float = 60.0
    ) -> None:
        """Begin with full buckets, and with no project full.

        Args:
            of_keys: Limits of each key, in all processes together.
            of_unseen: Limits of each address for keys that nobody can look up.
            silent_after_s: The silence after which another process counts as dead.
        """
        self._silent_after_s = silent_after_s
        self._keys = of_keys
        self._unseen = of_unseen
        # Spending says which keys are in use; without limits nothing is spent.
        self._notes_use = not of_keys.envelopes.per_s and not of_keys.bytes.per_s
        self._used: set[PublicKey] = set()
        self._strangers: TokenBuckets[str] = TokenBuckets(_STRANGERS_PER_S, _STRANGERS_PER_S)
        self.refused: Counter[str] = Counter()
        """Envelopes that met a limit or had an unknown key, since the start, by reason."""
        self._totals: dict[PublicKey, KeySpending] = {}
        self._full: frozenset[ProjectId] = frozenset()
        self._sum_storage_at_s = 0.0
        self.doors = 1
        """The number of processes that accept envelopes, when it was last looked up."""
        self._task: asyncio.Task[None] | None = None

    def start(self, database: Database) -> None:
        """Begin to compare with other processes, at once and then every ten seconds."""
        self._task = asyncio.create_task(self._refresh_for_ever(database), name="quotas")

    async def stop(self) -> None:
        """Stop comparing; what was let through since the last time is not told to others."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def is_full(self, project_id: ProjectId) -> bool:
        """Tell whether a project has as much in storage as it may have."""
        return project_id in self._full

    def admit(
        self, project_id: ProjectId, key: PublicKey, items: Sequence[EnvelopeItem], size_bytes: int
    ) -> str:
        """Let an envelope through.

        It is let through whole if any part of it can be kept: digest takes it apart.

        Returns:
            What the SDK shall hold back, as the value of `X-Sentry-Rate-Limits`; empty for nothing.

        Raises:
            RateLimited: No part of it is kept.
        """
        header = ""
        if project_id in self._full:
            header = self._admit_to_full_project(items)
        has_segment = any(item.type in SEGMENT_TYPES for item in items)
        exceeded = self._keys.take(key, size_bytes, has_segment=has_segment)
        if exceeded is None:
            if self._notes_use:
                self._used.add(key)
            return header
        self.refused[exceeded.reason] += 1
        raise RateLimited(
            f"this key sends more than it may; wait {exceeded.wait_s} s",
            reason=exceeded.reason,
            wait_s=exceeded.wait_s,
            # A limit that names replays would end the recording for as long as the app runs.
            rate_limits=rate_limits.write_rate_limit(
                exceeded.wait_s, CATEGORIES_BUT_REPLAY, scope="key", reason=exceeded.reason
            ),
        )

    def admit_unseen(
        self, address: str | None, items: Sequence[EnvelopeItem], size_bytes: int
    ) -> None:
        """Let an envelope through whose key nobody can look up, since Postgres is away.

        A stranger with made-up keys could fill the disk meanwhile, so an address may send as much
        as a key. More is not refused, since it may be good: the sender shall send it again.

        Raises:
            ServiceUnavailable: The address has sent too much.
        """
        has_segment = any(item.type in SEGMENT_TYPES for item in items)
        exceeded = self._unseen.take(address or _NO_ADDRESS, size_bytes, has_segment=has_segment)
        if exceeded is not None:
            raise ServiceUnavailable(
                "too much comes from one address while keys cannot be looked up"
            )

    def refuse_stranger(self, address: str | None, message: str) -> KeyRejected | RateLimited:
        """Return the error for a key that is not known here; the caller raises it.

        An app with a wrong DSN would send again for ever if nobody answered it. The answer lets it
        drop its envelope. An address that sends many is told to hold everything back.
        """
        self.refused[KeyRejected.reason] += 1
        bucket = self._strangers.refill(address or _NO_ADDRESS, monotonic_s())
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return KeyRejected(message)
        reason = KeyRejected.reason
        header = rate_limits.write_rate_limit(
            _STRANGER_WAIT_S, rate_limits.EVERYTHING, scope="key", reason=reason
        )
        return RateLimited(message, reason=reason, wait_s=_STRANGER_WAIT_S, rate_limits=header)

    async def refresh(self, database: Database) -> None:
        """Compare with other processes now, and sum up storage if it is time for that.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        spent = self._take_spent()
        try:
            async with database.transaction() as connection:
                totals_by_key = await spending.add_spending(connection, spent)
                doors = await processes.count_running(
                    connection, "door", silent_after_s=self._silent_after_s
                )
        except BaseException:
            self._put_back(spent)
            raise
        self._set_shares(spent, totals_by_key)
        self.doors = max(1, doors)
        self._keys.divide_among(self.doors)
        now_s = monotonic_s()
        if now_s >= self._sum_storage_at_s:
            async with database.reading() as connection:
                await self._find_full_projects(connection)
            took_s = monotonic_s() - now_s
            self._sum_storage_at_s = now_s + took_s / _SUM_SHARE

    def _admit_to_full_project(self, items: Sequence[EnvelopeItem]) -> str:
        """Return what `admit` does for a project that is full."""
        limited = sum(item.type in IN_OBJECT_STORAGE for item in items)
        if not limited:
            return ""
        reason = LimitReason.STORAGE
        header = rate_limits.write_rate_limit(
            _STORAGE_WAIT_S, CATEGORIES_IN_OBJECT_STORAGE, scope="project", reason=reason
        )
        if limited == len(items):
            self.refused[reason] += 1
            raise RateLimited(
                "the project has as much in storage as it may have",
                reason=reason,
                wait_s=_STORAGE_WAIT_S,
                rate_limits=header,
            )
        return header

    async def _refresh_for_ever(self, database: Database) -> None:
        while True:
            try:
                await self.refresh(database)
            except ServiceUnavailable as error:
                _logger.info("limits are not compared with other processes", error=str(error))
            except Exception:
                _logger.exception("comparing limits failed")
            await asyncio.sleep(_PAUSE_S)

    def _take_spent(self) -> dict[PublicKey, KeySpending]:
        envelopes = self._keys.envelopes.collect_taken()
        sizes = self._keys.bytes.collect_taken()
        used, self._used = self._used, set()
        return {
            PublicKey(key): KeySpending(envelopes.get(key, 0.0), sizes.get(key, 0.0))
            for key in envelopes.keys() | sizes.keys() | used
        }

    def _put_back(self, spent: Mapping[PublicKey, KeySpending]) -> None:
        if self._notes_use:
            self._used.update(spent)
        for key, spending_of_key in spent.items():
            self._keys.envelopes.put_back(key, spending_of_key.envelopes)
            self._keys.bytes.put_back(key, spending_of_key.size_bytes)

    def _set_shares(
        self, spent: Mapping[PublicKey, KeySpending], totals_by_key: Mapping[PublicKey, KeySpending]
    ) -> None:
        """Find the part of each key's envelopes and bytes that this process let through."""
        for key, total in totals_by_key.items():
            before, self._totals[key] = self._totals.get(key), total
            if before is not None:
                own = spent[key]
                envelopes = total.envelopes - before.envelopes
                if envelopes > 0:
                    self._keys.envelopes.set_share(key, own.envelopes / envelopes)
                size_bytes = total.size_bytes - before.size_bytes
                if size_bytes > 0:
                    self._keys.bytes.set_share(key, own.size_bytes / size_bytes)

    async def _find_full_projects(self, connection: AsyncConnection) -> None:
        limits = await spending.read_storage_limits(connection)
        stored = await storage.sum_limited_bytes(connection, list(limits))
        full = frozenset(
            project_id for project_id, limit in limits.items() if sum(stored[project_id]) >= limit
        )
        for project_id in full - self._full:
            limit = format_bytes(limits[project_id])
            _logger.warning("a project's storage is full", project=project_id, limit=limit)
        self._full = full
