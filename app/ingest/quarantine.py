"""Sends a quarantined envelope through digest again, for example after an update of Playhead.

It goes into the journal like one that has just arrived, with the time at which it arrived: its
clocks are corrected by that. An envelope that fails again comes back.

    claim it ─► append it to the journal ─┬─► on disk ─► take it out of quarantine
                                          ├─► not kept: it waits again, for an hour in all
                                          └─► not readable: the row says why

Once begun, this is neither cancelled nor given up, however slow the disk is. If the process is
killed after the append, or Postgres does not take the last step, the envelope is in the journal and
in quarantine as well. Nothing can tell, so nobody tries again until a person asks anew, after the
row has said that it may have been read. What has an id of its own is then found to be a duplicate;
counts and sessions without an id are added once more, once for each time that somebody asks.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Final, override

from app.core import clock, log, units
from app.core.errors import InvalidInput, RequestRefused, ServiceUnavailable
from app.core.ids import PublicKey
from app.core.limits import LIMITS
from app.core.running.repeated_worker import RepeatedWorker
from app.db import text
from app.db.engine import Database
from app.formats.wire import encoding
from app.formats.wire.encoding import Body
from app.formats.wire.envelope import Envelope
from app.ingest.bodies import open_body
from app.ingest.queue import AcceptedEnvelope, EnvelopeQueue
from app.journal.entry import RequestKind
from app.journal.writer import Journal
from app.projects import quarantine, queries as projects
from app.projects.model import ProjectKey
from app.projects.quarantine import QuarantinedBody

_KINDS: Final[tuple[RequestKind, ...]] = ("envelope", "store", "otlp", "otlp_json")
_WAIT_S: Final = 10.0
"""The longest that a page waits; the envelope is read again all the same."""
_PATIENCE: Final = timedelta(hours=1)
"""The time for which an envelope waits for a journal that keeps nothing."""
_ROUND: Final = 20
"""The most envelopes that are taken out before others are looked for."""
_FAULT_BYTES: Final = 1_000
_UNEXPECTED: Final = "reading it again failed; the log of the server has the reason"

_logger: Final = log.get_logger("ingest.quarantine")


class QuarantineRetrier(RepeatedWorker):
    """Puts the quarantined envelopes that somebody asks for back into the journal of this process.

    Pages only note the wish, since their process may have no journal. Of all processes that have
    one, the first that looks carries it out.
    """

    package: ClassVar[str] = "ingest.quarantine"
    pause_s = 5.0
    waiting_message: ClassVar[str] = "envelopes in quarantine wait to be read again"
    failure_message: ClassVar[str] = "quarantine could not be looked at"

    def __init__(self, database: Database, journal: Journal, queue: EnvelopeQueue) -> None:
        super().__init__()
        self._database = database
        self._journal = journal
        self._queue = queue
        self._attempts: dict[int, asyncio.Task[bool]] = {}
        """What is being done now, by the id of the envelope."""

    @override
    async def work(self) -> None:
        """Retry the envelopes that somebody has asked for, one after the other."""
        async with self._database.reading() as connection:
            asked = await quarantine.list_asked_retries(connection, limit=_ROUND)
        for quarantined_id in asked:
            with suppress(InvalidInput):  # the row says why
                await asyncio.shield(self._begin(quarantined_id))
        if len(asked) == _ROUND:
            self.hurry()

    @override
    async def stop(self) -> None:
        """Stop, when what is begun has come to its end; call it before the journal is closed."""
        await super().stop()
        await asyncio.gather(*self._attempts.values(), return_exceptions=True)

    async def retry_envelope(self, quarantined_id: int) -> bool:
        """Journal an envelope that somebody asked for again, and take it out of quarantine.

        Returns:
            True if it was taken out. False if it is gone, if another process does it, or if the
            disk is slow: then it goes on by itself.

        Raises:
            InvalidInput: It cannot be read any more, or its project has no key. It stays.
            ServiceUnavailable: The journal does not take it now. It is tried again by itself.
        """
        attempt = self._begin(quarantined_id)
        done, _ = await asyncio.wait((attempt,), timeout=_WAIT_S)
        return attempt.result() if done else False

    def _begin(self, quarantined_id: int) -> asyncio.Task[bool]:
        """Retry an envelope in a task of its own, which no visitor and no stop cancels."""
        attempt = self._attempts.get(quarantined_id)
        if attempt is None:
            attempt = asyncio.create_task(self._carry_out(quarantined_id), name=self.package)
            self._attempts[quarantined_id] = attempt
            attempt.add_done_callback(partial(self._end, quarantined_id))
        return attempt

    def _end(self, quarantined_id: int, attempt: asyncio.Task[bool]) -> None:
        del self._attempts[quarantined_id]
        if not attempt.cancelled() and (error := attempt.exception()):
            # Whoever began it may have left.
            _logger.warning("an envelope stays in quarantine", error=log.shown(str(error)))

    async def _carry_out(self, quarantined_id: int) -> bool:
        async with self._database.transaction() as connection:
            stored = await quarantine.claim_retry(
                connection, quarantined_id, unfinished=_describe_unfinished(clock.now())
            )
            if stored is None:
                return False
            keys = await projects.list_keys(connection, stored.project_id, limit=1)
        try:
            kind, opened, body = await asyncio.to_thread(_open_again, stored)
            await self._add_to_journal(stored, _choose_key(keys), kind, opened, body)
        except ServiceUnavailable as error:
            await self._wait_or_refuse(stored, error)
            raise
        except InvalidInput as error:
            await self._refuse(stored, str(error))
            raise
        except Exception as error:
            # Whatever it is, it must neither be tried for ever nor hold up the other envelopes.
            _logger.exception("an envelope in quarantine could not be read again")
            await self._refuse(stored, _UNEXPECTED)
            raise InvalidInput(_UNEXPECTED) from error
        async with self._database.transaction() as connection:
            await quarantine.take_out(connection, stored)
        return True

    async def _wait_or_refuse(self, stored: QuarantinedBody, error: ServiceUnavailable) -> None:
        """Let an envelope wait that the journal has not kept, unless it has waited for long."""
        if stored.claimed_at - stored.asked_at > _PATIENCE:
            fault = f"the journal does not take it: {error}"
            await self._refuse(stored, fault)
            raise InvalidInput(fault) from error
        async with self._database.transaction() as connection:
            await quarantine.give_back(connection, stored)

    async def _refuse(self, stored: QuarantinedBody, fault: str) -> None:
        async with self._database.transaction() as connection:
            await quarantine.refuse_retry(
                connection, stored, text.clean(fault, limit_bytes=_FAULT_BYTES)
            )

    async def _add_to_journal(
        self,
        stored: QuarantinedBody,
        key: PublicKey,
        kind: RequestKind,
        opened: Envelope,
        body: Body,
    ) -> None:
        """Write the envelope to the journal, and wait until it is on disk and in the queue."""
        await self._queue.wait_for_room()
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        received_ms = units.ms_from_at(stored.received_at)

        def settle(error: ServiceUnavailable | None) -> None:
            if error is not None:
                if not kept.done():
                    kept.set_exception(error)
                return
            self._queue.add(
                AcceptedEnvelope(
                    seq=seq,
                    project_id=stored.project_id,
                    key=key,
                    received_ms=received_ms,
                    client_ip=None,
                    envelope=opened,
                    body=body,
                    is_key_known=True,
                )
            )
            if not kept.done():
                kept.set_result(None)

        seq = self._journal.append(
            project_id=stored.project_id,
            key=key,
            received_ms=received_ms,
            client_ip=None,
            content_encoding=stored.content_encoding,
            kind=kind,
            body=stored.body,
            on_settled=settle,
        )
        self._journal.hand_over()
        await kept


def _choose_key(keys: Sequence[ProjectKey]) -> PublicKey:
    if not keys:
        raise InvalidInput("its project has no key any more, so it cannot be read again")
    return keys[0].public_key


def _describe_unfinished(began_at: datetime) -> str:
    return (
        f"the try of {began_at:%Y-%m-%d %H:%M} UTC was cut off, so the envelope may have been read "
        "all the same. Another one may count sessions and losses twice"
    )


def _open_again(stored: QuarantinedBody) -> tuple[RequestKind, Envelope, Body]:
    """Open a body as the endpoint did that it came to; quarantine does not keep which one.

    Raises:
        InvalidInput: No way of reading gives the items that it had.
    """
    try:
        body = encoding.inflate(
            stored.body, stored.content_encoding, limit_bytes=LIMITS.inflated_bytes
        )
    except RequestRefused as error:
        raise InvalidInput(f"it cannot be read any more: {error}") from error
    for kind in _KINDS:
        try:
            opened = open_body(kind, body)
        except RequestRefused:
            continue
        if [item.type for item in opened.items] == list(stored.item_types):
            return kind, opened, body
    raise InvalidInput("it cannot be read any more: download it, and report the reason")
