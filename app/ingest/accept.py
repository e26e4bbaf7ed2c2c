"""Accepts one envelope: authenticate, inflate, look at the framing, journal, 200.

    keys (memory) → inflate under caps → split → quotas → journal.append (fsync) → inbox → 200

The answer waits for nothing but the journal. Phones delete an envelope on any answer, so only what
can never be kept is refused; what cannot be kept now raises `Unavailable`, and the door hangs up.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final, Literal

from app.core import clock
from app.core.errors import (
    Forbidden,
    Limited,
    Malformed,
    Refused,
    TooLarge,
    Unauthorised,
    Unavailable,
)
from app.core.ids import ProjectId, PublicKey
from app.core.limits import LIMITS
from app.core.log import shown
from app.formats import credentials, encoding
from app.formats.encoding import Body
from app.formats.envelope import Envelope
from app.ingest.inbox import Fresh, Inbox
from app.ingest.outcomes import Tally
from app.ingest.quotas import Quotas
from app.ingest.reopen import open_body
from app.ingest.request import IngestRequest
from app.journal.writer import Journal
from app.projects.keys import UNKNOWN_YET, KeyCache, Unsettled
from app.projects.model import KeyRecord

_INLINE_BYTES: Final = 1024 * 1024
"""Above this, inflating would hold the event loop for milliseconds: it goes to a thread."""
_LARGE: Final = 2
"""Large bodies in memory at once; each may be `LIMITS.inflated_bytes`."""
_UNNAMED_BYTES: Final = 20 * 1024 * 1024
"""Bodies whose sender names itself only inside: read before anything is known of them."""
_PROJECT_DIGITS: Final = 18
_NO_SUCH_KEY: Final = "no project has this key: compare the DSN with the project's page"
_READ_WHOLE: Final = frozenset({"otlp", "otlp_json"})
"""Bodies that are read at the door to the last span, since the answer says how many are kept. An
empty one is a request without spans."""
_READ_INLINE_BYTES: Final = 32 * 1024
"""Above this, reading one would hold the event loop for milliseconds."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What accepting needs; made once per process."""

    keys: KeyCache
    journal: Journal
    inbox: Inbox
    tally: Tally
    quotas: Quotas
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LARGE))


@dataclass(frozen=True, slots=True)
class Accepted:
    """An envelope whose bytes are on disk, and what to answer."""

    envelope: Envelope
    rate_limits: str
    """What the SDK shall hold back from now on, as its header says it; often empty."""


async def accept(gate: Gate, request: IngestRequest) -> Accepted:
    """Take one envelope in.

    Raises:
        Refused: It can never be kept; the outcome is counted where the project is known.
        Unavailable: It cannot be kept now: hang up, so that the phone sends it again.
    """
    named = credentials.read(auth_headers=request.auth_headers, query=request.query)
    project_id = await _project(gate, request, named)
    is_key_known = named is not None and await _authorise(
        gate, request, named.public_key, project_id
    )
    async with AsyncExitStack() as held:
        try:
            body = await request.read_body(LIMITS.body_bytes if named else _UNNAMED_BYTES)
            inflated = await _inflate(gate, request, body, held)
            opened = await _open(request, inflated)
        except Refused as refused:
            if named is not None:
                gate.tally.refuse(project_id, request.kind, refused.reason)
            raise
        if named is not None:
            key = named.public_key
        else:
            key, is_key_known = await _authorise_by_dsn(gate, request, opened, project_id)
        _check_dsn(opened, key, project_id)
        if not is_key_known:
            gate.quotas.admit_unseen(request.client_ip, opened.items, len(body))
        rate_limits = _admit(gate, project_id, key, opened, size_bytes=len(body))
        await gate.inbox.room()
        received_ms = clock.now_ms()
        seq = await gate.journal.append(
            project_id=project_id,
            key=key,
            received_ms=received_ms,
            client_ip=request.client_ip,
            content_encoding=request.content_encoding,
            kind=request.kind,
            body=body,
        )
        # No await between the append and this: the inbox gets entries in the order of their seq.
        gate.inbox.add(
            Fresh(
                seq=seq,
                project_id=project_id,
                key=key,
                received_ms=received_ms,
                client_ip=request.client_ip,
                envelope=opened,
                body=inflated,
                is_key_known=is_key_known,
            )
        )
    return Accepted(opened, rate_limits)


async def _project(
    gate: Gate, request: IngestRequest, named: credentials.Credentials | None
) -> ProjectId:
    """Read the project from the path, or ask whose key it is."""
    if request.project:
        return _read_project(request.project)
    if named is None:
        raise Unauthorised("no project in the path, and no key that tells it")
    match await _known(gate, named.public_key):
        case KeyRecord(project_id=owner):
            return owner
        case None:
            raise gate.quotas.refuse_stranger(request.client_ip, _NO_SUCH_KEY)
        case _:
            raise Unavailable("whose key this is cannot be read now, and the path does not tell")


def _read_project(text: str) -> ProjectId:
    if not (text.isascii() and text.isdigit() and len(text) <= _PROJECT_DIGITS):
        raise Malformed(f"the project in the path is {shown(text)}, expected a number")
    return ProjectId(int(text))


async def _authorise(
    gate: Gate, request: IngestRequest, key: PublicKey, project_id: ProjectId
) -> bool:
    """Check a key against what is known.

    Returns:
        False if nothing is: with Postgres away, digest decides later.
    """
    match await _known(gate, key):
        case KeyRecord(project_id=owner, is_active=is_active):
            if owner != project_id:
                raise gate.quotas.refuse_stranger(
                    request.client_ip, f"this key belongs to another project than {project_id}"
                )
            if not is_active:
                gate.tally.refuse(project_id, "envelope", "key_off")
                raise Forbidden("this key is switched off")
        case None:
            raise gate.quotas.refuse_stranger(request.client_ip, _NO_SUCH_KEY)
        case _:
            return False
    return True


async def _known(gate: Gate, key: PublicKey) -> KeyRecord | Literal[Unsettled.UNKNOWN_YET] | None:
    """Look a key up, and ask Postgres once if need be."""
    record = gate.keys.lookup(key)
    if record is UNKNOWN_YET:
        await gate.keys.settle(key)
        record = gate.keys.lookup(key)
    return record


async def _authorise_by_dsn(
    gate: Gate, request: IngestRequest, opened: Envelope, project_id: ProjectId
) -> tuple[PublicKey, bool]:
    """Find and check the key of a tunnelled envelope, which names it only in its header."""
    found = credentials.from_dsn(opened.header.dsn or "")
    if found is None:
        raise Unauthorised(
            "no key: send X-Sentry-Auth with sentry_key, or sentry_key in the query string"
        )
    return found[0], await _authorise(gate, request, found[0], project_id)


def _check_dsn(opened: Envelope, key: PublicKey, project_id: ProjectId) -> None:
    """Refuse an envelope whose own DSN contradicts the request that carries it."""
    found = credentials.from_dsn(opened.header.dsn or "")
    if found is not None and found != (key, str(project_id)):
        raise Forbidden("the DSN in the envelope's header names another project or key")


def _admit(
    gate: Gate, project_id: ProjectId, key: PublicKey, opened: Envelope, *, size_bytes: int
) -> str:
    try:
        return gate.quotas.admit(project_id, key, opened.items, size_bytes)
    except Limited as limited:
        gate.tally.limit(project_id, opened.items, limited.reason)
        raise


async def _inflate(gate: Gate, request: IngestRequest, body: bytes, held: AsyncExitStack) -> Body:
    """Take the encoding off: small results here, large ones in a thread, few at a time."""
    if len(body) <= _INLINE_BYTES:
        try:
            return encoding.inflate(body, request.content_encoding, limit_bytes=_INLINE_BYTES)
        except TooLarge:
            pass  # as it came it is small, inflated it is not
    # Kept until the envelope is in the inbox, so that bombs cannot add up.
    await held.enter_async_context(gate.large)
    return await asyncio.to_thread(
        encoding.inflate,
        body,
        request.content_encoding,
        limit_bytes=LIMITS.inflated_bytes,
    )


async def _open(request: IngestRequest, body: Body) -> Envelope:
    if request.kind in _READ_WHOLE:
        if len(body) > _READ_INLINE_BYTES:
            return await asyncio.to_thread(open_body, request.kind, body)
    elif not body or body.isspace():
        raise Malformed("the body is empty, expected an envelope")
    return open_body(request.kind, body)
