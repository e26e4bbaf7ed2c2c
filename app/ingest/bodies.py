"""Opens bodies: when they are accepted, and again when they are read back from a journal."""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Final

from app.core.errors import MalformedInput, RequestRefused
from app.core.ids import ProjectId, PublicKey
from app.core.limits import LIMITS
from app.formats.otlp import export_request
from app.formats.wire import encoding, envelope, store_body
from app.formats.wire.encoding import Body
from app.formats.wire.envelope import Envelope, EnvelopeHeader
from app.ingest.queue import BATCH_BYTES, BATCH_ENTRIES, AcceptedEnvelope
from app.journal.entry import JournalEntry, RequestKind


def open_body(kind: RequestKind, body: Body) -> Envelope:
    """Split an inflated body into items, whichever endpoint it came to.

    Raises:
        MalformedInput: Nothing in it can be kept.
        OversizedInput: It is over a limit.
    """
    opener = _OPENERS.get(kind)
    opened = opener(bytes(body)) if opener else envelope.split_envelope(body)
    if opened.damage and not opened.items:
        raise MalformedInput(f"no item of the envelope can be read: {opened.damage}")
    return opened


def reopen_entry(entry: JournalEntry) -> AcceptedEnvelope:
    """Open the body of a journal entry as it was opened when it was accepted.

    It opened once, so it opens again, unless a newer release has become stricter: then the result
    is an envelope without items, which digest counts as damaged.
    """
    try:
        body = encoding.inflate(
            entry.body, entry.content_encoding, limit_bytes=LIMITS.inflated_bytes
        )
        opened = open_body(entry.kind, body)
    except RequestRefused as refused:
        body = bytearray()
        opened = Envelope(EnvelopeHeader(), (), damage=str(refused))
    return AcceptedEnvelope(
        seq=entry.seq,
        project_id=ProjectId(entry.project_id),
        key=PublicKey(entry.key),
        received_ms=entry.received_ms,
        client_ip=entry.client_ip,
        envelope=opened,
        body=body,
        is_key_known=False,
    )


_OPENERS: Final[dict[RequestKind, Callable[[bytes], Envelope]]] = {
    "store": store_body.wrap_store,
    "otlp": functools.partial(export_request.read_export_request, is_json=False),
    "otlp_json": functools.partial(export_request.read_export_request, is_json=True),
}


def reopen_batch(entries: Iterator[JournalEntry]) -> list[AcceptedEnvelope]:
    """Open the next entries of a journal; returns an empty list at its end.

    This blocks, so run it in a thread.
    """
    reopened: list[AcceptedEnvelope] = []
    size_bytes = 0
    # The inflated size counts, not the size on disk: a bomb inflates a thousandfold.
    for entry in itertools.islice(entries, BATCH_ENTRIES):
        reopened.append(reopen_entry(entry))
        size_bytes += reopened[-1].size_bytes
        if size_bytes >= BATCH_BYTES:
            break
    return reopened
