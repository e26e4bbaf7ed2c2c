"""What may come in: rates by key, strangers by address, projects whose storage is full.

The door and digest ask; memory answers. Every ten seconds a process tells Postgres what its keys
sent, takes off what other processes let through meanwhile, and looks which projects are full. With
Postgres away each process goes by what it knows.
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
from app.issues import attachments
from app.projects import spending
from app.projects.model import LimitReason
from app.projects.spending import Spending
from app.replays import project_totals

_SHARE_S: Final = 10.0
_LOOK_SHARE: Final = 0.02
"""The part of the time that summing up storage may take of Postgres."""
_STRANGERS_PER_S: Final = 10.0
_STRANGER_WAIT_S: Final = 60
_STORAGE_WAIT_S: Final = 60
_NOBODY: Final = "unknown"

_logger: Final = log.get_logger("ingest.quotas")


class Quotas:
    """Every limit that depends on what came before. Use it from one event loop."""

    def __init__(self, of_keys: SenderLimits, of_unseen: SenderLimits) -> None:
        """Make them.

        Args:
            of_keys: What each key may send.
            of_unseen: What each address may send with keys that nobody can look up.
        """
        self._rates = of_keys
        self._unseen = of_unseen
        self._strangers: TokenBuckets[str] = TokenBuckets(_STRANGERS_PER_S, _STRANGERS_PER_S)
        self.refused: Counter[str] = Counter()
        """Envelopes answered with a limit or as a stranger's, since the start, by reason."""
        self._known: dict[PublicKey, Spending] = {}
        self._full: frozenset[ProjectId] = frozenset()
        self._look_at_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self, database: Database) -> None:
        """Begin to compare with other processes: at once, and then every ten seconds."""
        self._task = asyncio.create_task(self._share_for_ever(database), name="quotas")

    async def stop(self) -> None:
        """End; what was let through since the last comparison stays this process's own."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def is_full(self, project_id: ProjectId) -> bool:
        """Whether a project has as much in storage as it may have."""
        return project_id in self._full

    def admit(
        self, project_id: ProjectId, key: PublicKey, items: Sequence[EnvelopeItem], size_bytes: int
    ) -> str:
        """Let an envelope through.

        An envelope of which a part can be kept is let through whole: digest takes it apart.

        Returns:
            What SDKs shall hold back, as `X-Sentry-Rate-Limits` says it; empty: nothing.

        Raises:
            RateLimited: Nothing of it is kept.
        """
        answer = ""
        if project_id in self._full:
            answer = self._of_full(items)
        has_segment = any(item.type in SEGMENT_TYPES for item in items)
        excess = self._rates.take(key, size_bytes, has_segment=has_segment)
        if excess is None:
            return answer
        self.refused[excess.reason] += 1
        raise RateLimited(
            f"this key sends more than it may; wait {excess.wait_s} s",
            reason=excess.reason,
            wait_s=excess.wait_s,
            # Named, a limit on replays would end the recording for as long as the app runs.
            rate_limits=rate_limits.write_rate_limit(
                excess.wait_s, CATEGORIES_BUT_REPLAY, scope="key", reason=excess.reason
            ),
        )

    def admit_unseen(
        self, address: str | None, items: Sequence[EnvelopeItem], size_bytes: int
    ) -> None:
        """Let an envelope through whose key nobody can look up, since Postgres is away.

        A stranger with made-up keys could fill the disk meanwhile, so an address may send as much
        as a key. What is more is not refused: it may be good, and comes again.

        Raises:
            ServiceUnavailable: Too much; hang up.
        """
        has_segment = any(item.type in SEGMENT_TYPES for item in items)
        excess = self._unseen.take(address or _NOBODY, size_bytes, has_segment=has_segment)
        if excess is not None:
            raise ServiceUnavailable(
                "too much comes from one address while keys cannot be looked up"
            )

    def refuse_stranger(self, address: str | None, message: str) -> KeyRejected | RateLimited:
        """Return the answer to a key that is not known here; it is for the caller to raise.

        An app with a wrong DSN would go on for ever if nobody answered it, and an answer lets it
        drop what nobody will ever take. One that does not stop is told to hold everything back.
        """
        self.refused[KeyRejected.reason] += 1
        bucket = self._strangers.of(address or _NOBODY, monotonic_s())
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return KeyRejected(message)
        reason = KeyRejected.reason
        header = rate_limits.write_rate_limit(
            _STRANGER_WAIT_S, rate_limits.EVERYTHING, scope="key", reason=reason
        )
        return RateLimited(message, reason=reason, wait_s=_STRANGER_WAIT_S, rate_limits=header)

    async def refresh(self, database: Database) -> None:
        """Compare with other processes and look at storage, now.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        spent = self._take_spent()
        try:
            async with database.transaction() as connection:
                totals_by_key = await spending.add_spending(connection, spent)
        except BaseException:
            self._put_back(spent)
            raise
        self._learn(spent, totals_by_key)
        now_s = monotonic_s()
        if now_s >= self._look_at_s:
            async with database.reading() as connection:
                await self._look(connection)
            took_s = monotonic_s() - now_s
            self._look_at_s = now_s + took_s / _LOOK_SHARE

    def _of_full(self, items: Sequence[EnvelopeItem]) -> str:
        """Return what to tell the sender of an envelope to a project that is full."""
        stored = sum(item.type in IN_OBJECT_STORAGE for item in items)
        if not stored:
            return ""
        reason = LimitReason.STORAGE
        answer = rate_limits.write_rate_limit(
            _STORAGE_WAIT_S, CATEGORIES_IN_OBJECT_STORAGE, scope="project", reason=reason
        )
        if stored == len(items):
            self.refused[reason] += 1
            raise RateLimited(
                "the project has as much in storage as it may have",
                reason=reason,
                wait_s=_STORAGE_WAIT_S,
                rate_limits=answer,
            )
        return answer

    async def _share_for_ever(self, database: Database) -> None:
        while True:
            try:
                await self.refresh(database)
            except ServiceUnavailable as error:
                _logger.info("limits are this process's own for now", error=str(error))
            except Exception:
                _logger.exception("comparing limits failed")
            await asyncio.sleep(_SHARE_S)

    def _take_spent(self) -> dict[PublicKey, Spending]:
        envelopes = self._rates.envelopes.taken()
        sizes = self._rates.bytes.taken()
        return {
            PublicKey(key): Spending(envelopes.get(key, 0.0), sizes.get(key, 0.0))
            for key in envelopes.keys() | sizes.keys()
        }

    def _put_back(self, spent: Mapping[PublicKey, Spending]) -> None:
        for key, one in spent.items():
            self._rates.envelopes.put_back(key, one.envelopes)
            self._rates.bytes.put_back(key, one.size_bytes)

    def _learn(
        self, spent: Mapping[PublicKey, Spending], totals_by_key: Mapping[PublicKey, Spending]
    ) -> None:
        """Take off what other processes let through since this one last looked."""
        for key, total in totals_by_key.items():
            known, self._known[key] = self._known.get(key), total
            if known is not None:
                own = spent[key]
                others = total.envelopes - known.envelopes - own.envelopes
                self._rates.envelopes.charge(key, others)
                others = total.size_bytes - known.size_bytes - own.size_bytes
                self._rates.bytes.charge(key, others)

    async def _look(self, connection: AsyncConnection) -> None:
        limits = await spending.storage_limits(connection)
        stored = await project_totals.sum_video_bytes(connection, list(limits))
        files = await attachments.sum_attachment_bytes(connection, list(limits))
        full = frozenset(
            project_id
            for project_id, limit in limits.items()
            if stored.get(project_id, 0) + files.get(project_id, 0) >= limit
        )
        for project_id in full - self._full:
            limit = format_bytes(limits[project_id])
            _logger.warning("a project's storage is full", project=project_id, limit=limit)
        self._full = full
