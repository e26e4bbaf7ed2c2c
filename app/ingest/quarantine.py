"""Sends a quarantined envelope through digest again, for example after an update of Playhead.

It goes into the journal like one that has just arrived, with the time at which it arrived: its
clocks are corrected by that. Only when it is on disk is it taken out of quarantine, so a crash in
between digests it twice, which changes nothing. An envelope that fails again comes back.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import ClassVar, Final, override

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import log, units
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
from app.projects.quarantine import QuarantinedBody

_KINDS: Final[tuple[RequestKind, ...]] = ("envelope", "store", "otlp", "otlp_json")
_WAIT: Final = timedelta(seconds=30)
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

    @override
    async def work(self) -> None:
        """Retry the envelopes that somebody has asked for, one after the other."""
        async with self._database.reading() as connection:
            asked = await quarantine.list_asked_retries(connection, limit=_ROUND)
        for quarantined_id in asked:
            with suppress(InvalidInput):  # the row says why
                await self.retry_envelope(quarantined_id)
        if len(asked) == _ROUND:
            self.hurry()

    async def retry_envelope(self, quarantined_id: int) -> None:
        """Journal an envelope that somebody asked for again, and take it out of quarantine.

        Nothing is done if it is gone, or if somebody else takes it out.

        Raises:
            InvalidInput: It cannot be read any more, or its project has no key. It stays.
            ServiceUnavailable: The journal does not take it now. It is tried again by itself.
        """
        try:
            async with self._database.transaction() as connection:
                await self._take_out(connection, quarantined_id)
        except ServiceUnavailable:
            raise
        except InvalidInput as error:
            await self._refuse(quarantined_id, str(error))
            raise
        except Exception as error:
            # Whatever it is, it must neither be tried for ever nor hold up the other envelopes.
            _logger.exception("an envelope in quarantine could not be read again")
            await self._refuse(quarantined_id, _UNEXPECTED)
            raise InvalidInput(_UNEXPECTED) from error

    async def _take_out(self, connection: AsyncConnection, quarantined_id: int) -> None:
        stored = await quarantine.lock_asked_retry(connection, quarantined_id)
        if stored is None:
            return
        keys = await projects.list_keys(connection, stored.project_id, limit=1)
        if not keys:
            raise InvalidInput("its project has no key any more, so it cannot be read again")
        kind, opened, body = await asyncio.to_thread(_open_again, stored)
        try:
            async with asyncio.timeout(_WAIT.total_seconds()):
                await self._add_to_journal(stored, keys[0].public_key, kind, opened, body)
        except TimeoutError as error:
            raise ServiceUnavailable("the journal has no room for it yet") from error
        await quarantine.take_out(connection, stored)

    async def _refuse(self, quarantined_id: int, fault: str) -> None:
        async with self._database.transaction() as connection:
            await quarantine.refuse_retry(
                connection, quarantined_id, text.clean(fault, limit_bytes=_FAULT_BYTES)
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
