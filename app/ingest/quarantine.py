"""Sends a quarantined envelope through digest again, for example after an update of Playhead.

It goes into the journal like one that has just arrived, with the time at which it arrived: its
clocks are corrected by that. Only when it is on disk is it taken out of quarantine, so a crash in
between digests it twice, which changes nothing. An envelope that fails again comes back.
"""

import asyncio
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import units
from app.core.errors import InvalidInput, NotFound, RequestRefused, ServiceUnavailable
from app.core.ids import PublicKey
from app.core.limits import LIMITS
from app.formats.wire import encoding
from app.formats.wire.encoding import Body
from app.formats.wire.envelope import Envelope
from app.ingest.bodies import open_body
from app.ingest.queue import AcceptedEnvelope
from app.ingest.worker import IngestWorker
from app.journal.entry import RequestKind
from app.projects import quarantine, queries as projects
from app.projects.quarantine import QuarantinedBody

_KINDS: Final[tuple[RequestKind, ...]] = ("envelope", "store", "otlp", "otlp_json")
_WAIT: Final = timedelta(seconds=30)


class QuarantineRetrier:
    """Puts quarantined envelopes back into the journal of this process."""

    def __init__(self, worker: IngestWorker) -> None:
        self._worker = worker

    async def retry_envelope(
        self, connection: AsyncConnection, quarantined_id: int
    ) -> QuarantinedBody:
        """Journal a quarantined envelope again, and take it out of quarantine.

        Args:
            connection: The transaction of the caller; nobody else retries the envelope meanwhile.
            quarantined_id: The envelope.

        Returns:
            The envelope that was taken out.

        Raises:
            NotFound: It is gone, or somebody else is retrying it.
            InvalidInput: It cannot be read any more, or its project has no key.
            ServiceUnavailable: The journal does not take it now.
        """
        stored = await quarantine.lock_quarantined(connection, quarantined_id)
        if stored is None:
            raise NotFound(f"no quarantined envelope {quarantined_id}")
        keys = await projects.list_keys(connection, stored.project_id, limit=1)
        if not keys:
            raise InvalidInput("its project has no key any more, so it cannot be read again")
        kind, opened, body = await asyncio.to_thread(_open_again, stored)
        async with asyncio.timeout(_WAIT.total_seconds()):
            await self._journal(stored, keys[0].public_key, kind, opened, body)
        await quarantine.take_out(connection, stored)
        return stored

    async def _journal(
        self,
        stored: QuarantinedBody,
        key: PublicKey,
        kind: RequestKind,
        opened: Envelope,
        body: Body,
    ) -> None:
        """Write the envelope to the journal, and wait until it is on disk and in the queue."""
        worker = self._worker
        await worker.queue.wait_for_room()
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        received_ms = units.ms_from_at(stored.received_at)

        def settle(error: ServiceUnavailable | None) -> None:
            if error is not None:
                if not kept.done():
                    kept.set_exception(error)
                return
            worker.queue.add(
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

        seq = worker.journal.append(
            project_id=stored.project_id,
            key=key,
            received_ms=received_ms,
            client_ip=None,
            content_encoding=stored.content_encoding,
            kind=kind,
            body=stored.body,
            on_settled=settle,
        )
        worker.journal.hand_over()
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
