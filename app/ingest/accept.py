"""Accepts one envelope: authenticate, inflate, look at the framing, journal, 200.

    recognise   keys (memory)
    take        inflate under caps → split → quotas → journal.append ─ fdatasync ─► inbox → done

The answer waits for nothing but the journal. Phones delete an envelope on any answer, so only what
can never be kept is refused; what cannot be kept now raises `Unavailable`, and the door hangs up.

As a rule nothing is waited for before the journal, so no task is needed. What takes time is handed
back as a coroutine, to be run in one: a key nobody asked for yet, a large body, no room in memory.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Literal

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
from app.core.units import bytes_text
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


@dataclass(slots=True)
class Sender:
    """Who sends, as far as that is known before the body is."""

    project_id: ProjectId
    key: PublicKey | None
    """None: only the header of the envelope names it."""
    is_key_known: bool
    """False: nobody can look it up now; digest does so later."""


@dataclass(slots=True)
class Accepted:
    """An envelope whose bytes are on disk, and what to answer."""

    envelope: Envelope
    rate_limits: str
    """What the SDK shall hold back from now on, as its header says it; often empty."""


Done = Callable[[Accepted | Unavailable], None]
"""Told on the event loop how it ended; `Unavailable`: hang up, so that the phone sends it again."""
Rest = Coroutine[Any, Any, None]
"""What is left to do and takes time; raises what its maker raises."""


@dataclass(slots=True)
class _Arrival:
    """An envelope on its way from its request to the inbox."""

    gate: Gate
    request: IngestRequest
    sender: Sender
    body: bytes
    done: Done


def recognise(gate: Gate, request: IngestRequest) -> Sender | None:
    """Tell who sends.

    Returns:
        None if somebody has to be asked for the key: then `ask`.

    Raises:
        Refused: Nobody who may; the outcome is counted where the project is known.
        Unavailable: It cannot be told now.
    """
    named = credentials.read(auth_headers=request.auth_headers, query=request.query)
    if named is None:
        if not request.project:
            raise Unauthorised("no project in the path, and no key that tells it")
        return Sender(_read_project(request.project), None, is_key_known=False)
    project_id = _read_project(request.project) if request.project else None
    record = gate.keys.lookup(named.public_key)
    if record is UNKNOWN_YET:
        return None
    return _sender(gate, request, named.public_key, project_id, record)


async def ask(gate: Gate, request: IngestRequest) -> Sender:
    """Tell who sends after asking Postgres once for the key; takes a second at most.

    Raises:
        Refused: Nobody who may.
        Unavailable: It cannot be told now.
    """
    named = credentials.read(auth_headers=request.auth_headers, query=request.query)
    assert named is not None  # noqa: S101 - `recognise` asked for this
    project_id = _read_project(request.project) if request.project else None
    await gate.keys.settle(named.public_key)
    record = gate.keys.lookup(named.public_key)
    return _sender(gate, request, named.public_key, project_id, record)


def check_size(gate: Gate, request: IngestRequest, sender: Sender, size_bytes: int) -> None:
    """Look whether a body may be that large, as it comes over the wire.

    Raises:
        TooLarge: It may not; that is counted.
    """
    limit_bytes = _UNNAMED_BYTES if sender.key is None else LIMITS.body_bytes
    if size_bytes > limit_bytes:
        refused = TooLarge(f"the body has more than {bytes_text(limit_bytes)}")
        _count(gate, request, sender, refused)
        raise refused


def take(
    gate: Gate, request: IngestRequest, sender: Sender, body: bytes, done: Done
) -> Rest | None:
    """Take one envelope in; `done` is called when it is on disk, or cannot be.

    Args:
        gate: Where to.
        request: What its head said.
        sender: Whom `recognise` found.
        body: As it came, still compressed.
        done: Not called when this, or what it returns, raises.

    Returns:
        What is left to do and takes time, if anything is.

    Raises:
        Refused: It can never be kept; the outcome is counted.
        Unavailable: It cannot be kept now.
    """
    arrival = _Arrival(gate, request, sender, body, done)
    if len(body) > _INLINE_BYTES:
        return _take_large(arrival)
    try:
        inflated = encoding.inflate(body, request.content_encoding, limit_bytes=_INLINE_BYTES)
    except TooLarge:
        return _take_large(arrival)  # as it came it is small, inflated it is not
    except Refused as refused:
        _count(gate, request, sender, refused)
        raise
    if request.kind in _READ_WHOLE and len(inflated) > _READ_INLINE_BYTES:
        return _take_long(arrival, inflated)
    try:
        opened = _open(request, inflated)
    except Refused as refused:
        _count(gate, request, sender, refused)
        raise
    return _let_in(arrival, opened, inflated)


async def _take_large(arrival: _Arrival) -> None:
    """Inflate in a thread, few at a time until they are in the inbox: bombs cannot add up."""
    gate, request, done = arrival.gate, arrival.request, arrival.done
    told: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def tell(result: Accepted | Unavailable) -> None:
        if not told.done():
            told.set_result(None)
        done(result)

    arrival.done = tell
    async with gate.large:
        try:
            inflated = await asyncio.to_thread(
                encoding.inflate,
                arrival.body,
                request.content_encoding,
                limit_bytes=LIMITS.inflated_bytes,
            )
        except Refused as refused:
            _count(gate, request, arrival.sender, refused)
            raise
        await _take_long(arrival, inflated)
        await told


async def _take_long(arrival: _Arrival, inflated: Body) -> None:
    """Open a body in a thread."""
    try:
        opened = await asyncio.to_thread(_open, arrival.request, inflated)
    except Refused as refused:
        _count(arrival.gate, arrival.request, arrival.sender, refused)
        raise
    rest = _let_in(arrival, opened, inflated)
    if rest is not None:
        await rest


def _open(request: IngestRequest, body: Body) -> Envelope:
    if request.kind not in _READ_WHOLE and (not body or body.isspace()):
        raise Malformed("the body is empty, expected an envelope")
    return open_body(request.kind, body)


def _let_in(arrival: _Arrival, opened: Envelope, inflated: Body) -> Rest | None:
    """Check what only the opened envelope tells, and keep it."""
    sender = arrival.sender
    if sender.key is None:
        key = _key_inside(opened)
        record = arrival.gate.keys.lookup(key)
        if record is UNKNOWN_YET:
            return _ask_inside(arrival, opened, inflated, key)
        arrival.sender = _sender(arrival.gate, arrival.request, key, sender.project_id, record)
    return _admit(arrival, opened, inflated)


async def _ask_inside(arrival: _Arrival, opened: Envelope, inflated: Body, key: PublicKey) -> None:
    """Ask for the key of a tunnelled envelope, which names it only in its header."""
    gate = arrival.gate
    await gate.keys.settle(key)
    project_id = arrival.sender.project_id
    arrival.sender = _sender(gate, arrival.request, key, project_id, gate.keys.lookup(key))
    rest = _admit(arrival, opened, inflated)
    if rest is not None:
        await rest


def _admit(arrival: _Arrival, opened: Envelope, inflated: Body) -> Rest | None:
    """Ask the quotas, and keep it as soon as there is room."""
    gate, sender = arrival.gate, arrival.sender
    key, project_id = sender.key, sender.project_id
    assert key is not None  # noqa: S101 - looked for in the envelope by now
    size_bytes = len(arrival.body)
    if opened.header.dsn is not None:
        _check_dsn(opened.header.dsn, key, project_id)
    if not sender.is_key_known:
        gate.quotas.admit_unseen(arrival.request.client_ip, opened.items, size_bytes)
    try:
        rate_limits = gate.quotas.admit(project_id, key, opened.items, size_bytes)
    except Limited as limited:
        gate.tally.limit(project_id, opened.items, limited.reason)
        raise
    accepted = Accepted(opened, rate_limits)
    if gate.inbox.has_room:
        _keep(arrival, key, accepted, inflated)
        return None
    return _keep_later(arrival, key, accepted, inflated)


async def _keep_later(
    arrival: _Arrival, key: PublicKey, accepted: Accepted, inflated: Body
) -> None:
    await arrival.gate.inbox.room()
    _keep(arrival, key, accepted, inflated)


def _keep(arrival: _Arrival, key: PublicKey, accepted: Accepted, inflated: Body) -> None:
    """Write an envelope down; once it is on disk it goes to the inbox, and its sender is told."""
    gate, request, sender = arrival.gate, arrival.request, arrival.sender
    received_ms = clock.now_ms()

    def settled(error: Unavailable | None) -> None:
        if error is not None:
            arrival.done(error)
            return
        # The journal calls in the order of the seqs, and so the inbox gets them.
        gate.inbox.add(
            Fresh(
                seq=seq,
                project_id=sender.project_id,
                key=key,
                received_ms=received_ms,
                client_ip=request.client_ip,
                envelope=accepted.envelope,
                body=inflated,
                is_key_known=sender.is_key_known,
            )
        )
        arrival.done(accepted)

    seq = gate.journal.append(
        project_id=sender.project_id,
        key=key,
        received_ms=received_ms,
        client_ip=request.client_ip,
        content_encoding=request.content_encoding,
        kind=request.kind,
        body=arrival.body,
        done=settled,
    )


def _sender(
    gate: Gate,
    request: IngestRequest,
    key: PublicKey,
    project_id: ProjectId | None,
    record: KeyRecord | Literal[Unsettled.UNKNOWN_YET] | None,
) -> Sender:
    """Check a key against what is known, and against the project of the path if it names one."""
    match record:
        case KeyRecord(project_id=owner, is_active=is_active):
            if project_id is not None and owner != project_id:
                raise gate.quotas.refuse_stranger(
                    request.client_ip, f"this key belongs to another project than {project_id}"
                )
            if not is_active:
                gate.tally.refuse(owner, "envelope", "key_off")
                raise Forbidden("this key is switched off")
            return Sender(owner, key, is_key_known=True)
        case None:
            raise gate.quotas.refuse_stranger(request.client_ip, _NO_SUCH_KEY)
        case _ if project_id is None:
            raise Unavailable("whose key this is cannot be read now, and the path does not tell")
        case _:
            return Sender(project_id, key, is_key_known=False)


def _read_project(text: str) -> ProjectId:
    if not (text.isascii() and text.isdigit() and len(text) <= _PROJECT_DIGITS):
        raise Malformed(f"the project in the path is {shown(text)}, expected a number")
    return ProjectId(int(text))


def _key_inside(opened: Envelope) -> PublicKey:
    """Return the key that an envelope names in its own header."""
    found = credentials.from_dsn(opened.header.dsn or "")
    if found is None:
        raise Unauthorised(
            "no key: send X-Sentry-Auth with sentry_key, or sentry_key in the query string"
        )
    return found[0]


def _check_dsn(dsn: str, key: PublicKey, project_id: ProjectId) -> None:
    """Refuse an envelope whose own DSN contradicts the request that carries it."""
    found = credentials.from_dsn(dsn)
    if found is not None and found != (key, str(project_id)):
        raise Forbidden("the DSN in the envelope's header names another project or key")


def _count(gate: Gate, request: IngestRequest, sender: Sender, refused: Refused) -> None:
    """Count a refusal, if the request itself says whose it is."""
    if sender.key is not None:
        gate.tally.refuse(sender.project_id, request.kind, refused.reason)
