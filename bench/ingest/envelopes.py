"""Makes endless unique envelopes, as an app sends them, for almost no time of the client.

A template is an envelope with marks where ids, numbers and times go. A request fills them in.
Whatever comes after the last mark is deflated beforehand (see `gzips`); transactions, whose every
span names its trace, are compressed anew, or all but the first would be known spans.
"""

import argparse
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import deflate

from app.core import clock
from bench.ingest import gzips, material
from tests.support.builders import envelopes, payloads, recordings
from tests.support.builders.wire import (
    EVENT_ID,
    REPLAY_ID,
    SEGMENT_MS,
    SPAN_ID,
    STARTED_MS,
    TRACE_ID,
    compact,
    iso,
)

Kind = Literal["replay", "error", "transaction"]
Values = Mapping[bytes, bytes]
Stamp = Callable[[Values], bytes]
"""Fills in the marks; returns a gzip body."""
Corpus = Mapping[Kind, Sequence[Stamp]]

REPLAY_KB: Final = ((20, 2), (30, 4), (45, 6), (50, 8), (60, 8), (80, 12), (120, 20), (200, 50))
"""Of video and recording."""
ERROR_KB: Final = (5, 10, 20, 40, 100)
TRANSACTION_KB: Final = (5, 20, 60, 200)

_SEGMENT: Final = 987_654
_SENT_MS: Final = STARTED_MS + SEGMENT_MS + 500
_MARKS: Final = {
    REPLAY_ID.encode(): b"%(replay)b",
    TRACE_ID.encode(): b"%(trace)b",
    EVENT_ID.encode(): b"%(event)b",
    b"%d" % _SEGMENT: b"%(segment)b",
    iso(STARTED_MS).encode(): b"%(began)b",
    iso(STARTED_MS + SEGMENT_MS).encode(): b"%(ended)b",
    iso(_SENT_MS).encode(): b"%(sent)b",
    b"%d" % STARTED_MS: b"%(began_ms)b",
}
"""Every value is as long as its mark, so that lengths inside the envelope stay true."""
_SESSIONS: Final = 200
_SEGMENTS: Final = 60


def mix(text: str) -> dict[Kind, float]:
    """Read `replay=8,error=1`: kinds and how often each comes.

    Raises:
        ArgumentTypeError: It names something else.
        ValueError: It is written in another way.
    """
    shares = dict(part.split("=", 1) for part in text.split(","))
    if unknown := set(shares) - set(get_args(Kind)):
        kinds = ", ".join(get_args(Kind))
        raise argparse.ArgumentTypeError(f"a mix names {kinds}, not {', '.join(unknown)}")
    return {kind: float(shares[kind]) for kind in get_args(Kind) if kind in shares}


def corpus(kinds: Sequence[Kind]) -> Corpus:
    """Make the templates of some kinds; encoding the videos takes a few seconds."""
    makers: dict[Kind, Callable[[], list[Stamp]]] = {
        "replay": lambda: [_replay(*kb, seed) for seed, kb in enumerate(REPLAY_KB)],
        "error": lambda: [_error(kb, seed) for seed, kb in enumerate(ERROR_KB)],
        "transaction": lambda: [_transaction(kb, seed) for seed, kb in enumerate(TRANSACTION_KB)],
    }
    return {kind: makers[kind]() for kind in kinds}


@dataclass(slots=True)
class _Session:
    """A replay on its way."""

    replay: bytes
    trace: bytes
    started_ms: int
    segment: int = 0


class Stream:
    """Requests without end: many replays at a time, each sending its segments in order."""

    def __init__(self, templates: Corpus, shares: Mapping[Kind, float]) -> None:
        self._templates = templates
        self._kinds, self._weights = [*shares], [*shares.values()]
        self._dice = random.Random()  # noqa: S311 - no secret
        self._sessions = [self._session() for _ in range(_SESSIONS)]
        for one in self._sessions:
            one.segment = self._dice.randrange(_SEGMENTS)
        self._sent = 0

    def next(self) -> bytes:
        """Return the gzip body of the next envelope."""
        (kind,) = self._dice.choices(self._kinds, self._weights)
        templates = self._templates[kind]
        place = self._sent % _SESSIONS
        self._sent += 1
        session = self._sessions[place]
        body = templates[self._sent % len(templates)](self._values(kind, session))
        if kind == "replay":
            session.segment += 1
            if session.segment == _SEGMENTS:
                self._sessions[place] = self._session()
        return body

    def _values(self, kind: Kind, session: _Session) -> Values:
        began_ms = session.started_ms + session.segment * SEGMENT_MS
        return {
            b"replay": session.replay,
            # Spans are known by trace and number: each transaction needs a trace of its own.
            b"trace": session.trace if kind == "replay" else self._id(),
            b"event": self._id(),
            b"segment": b"%6d" % session.segment,
            b"began": iso(began_ms).encode(),
            b"ended": iso(began_ms + SEGMENT_MS).encode(),
            b"sent": iso(clock.now_ms()).encode(),
            b"began_ms": b"%d" % began_ms,
        }

    def _session(self) -> _Session:
        return _Session(self._id(), self._id(), clock.now_ms() - _SEGMENTS * SEGMENT_MS)

    def _id(self) -> bytes:
        return b"%032x" % self._dice.getrandbits(128)


def _replay(video_kb: int, recording_kb: int, seed: int) -> Stamp:
    film = material.video(video_kb * 1024, seed)
    size = {"width": material.WIDTH_PX, "height": material.HEIGHT_PX}
    note = recordings.video_note(_SEGMENT, STARTED_MS, SEGMENT_MS, size_bytes=len(film), **size)
    happened = material.events(recording_kb * 1024, STARTED_MS, seed)
    return _with_tail(
        envelopes.replay_video_envelope(
            _SEGMENT,
            started_ms=STARTED_MS,
            video=film,
            events=[recordings.meta(STARTED_MS, **size), note, *happened],
            contexts=material.contexts({"trace_id": TRACE_ID, "span_id": SPAN_ID}),
        )
    )


def _error(size_kb: int, seed: int) -> Stamp:
    event = payloads.event(
        at_ms=STARTED_MS,
        contexts=material.contexts({"trace_id": TRACE_ID, "span_id": SPAN_ID}),
        **material.error(size_kb * 1024, seed),
    )
    changing = {name: event.pop(name) for name in ("event_id", "timestamp", "contexts")}
    return _with_tail(
        envelopes.envelope(
            envelopes.envelope_header(event_id=EVENT_ID, sent_ms=_SENT_MS),
            envelopes.item("event", compact(changing | event), content_type="application/json"),
        )
    )


def _transaction(size_kb: int, seed: int) -> Stamp:
    started_ms = clock.now_ms() - SEGMENT_MS
    transaction = payloads.transaction(
        started_ms=started_ms,
        ended_ms=started_ms + 800,
        contexts=material.contexts(
            {"trace_id": TRACE_ID, "span_id": SPAN_ID, "op": "ui.load", "status": "ok"}
        ),
        spans=material.spans(size_kb * 1024, started_ms, TRACE_ID, seed),
    )
    whole = _marked(
        envelopes.envelope(
            envelopes.envelope_header(event_id=EVENT_ID, sent_ms=_SENT_MS),
            envelopes.item("transaction", transaction),
        )
    )
    return lambda values: bytes(deflate.gzip_compress(whole % values, 1))


def _with_tail(envelope: bytes) -> Stamp:
    end = max(envelope.rfind(mark) + len(mark) for mark in _MARKS if mark in envelope)
    head, tail = _marked(envelope[:end]), gzips.tail(envelope[end:])
    return lambda values: gzips.body(head % values, tail)


def _marked(text: bytes) -> bytes:
    text = text.replace(b"%", b"%%")
    for mark, place in _MARKS.items():
        text = text.replace(mark, place)
    return text
