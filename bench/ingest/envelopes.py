"""Makes endless unique envelopes, as an app sends them, in almost no time of the client.

A template is an envelope with placeholders for ids, numbers and times, which each request fills in.
The bytes after the last placeholder are deflated beforehand (`gzips.py`). Transactions are
compressed anew, because each of their spans names its trace: with one trace, all but the first
would be duplicates.
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

EnvelopeKind = Literal["replay", "error", "transaction"]
Values = Mapping[bytes, bytes]
FillTemplate = Callable[[Values], bytes]
"""Fills in the placeholders of a template; returns a gzip body."""
Corpus = Mapping[EnvelopeKind, Sequence[FillTemplate]]

REPLAY_KB: Final = ((20, 2), (30, 4), (45, 6), (50, 8), (60, 8), (80, 12), (120, 20), (200, 50))
"""The sizes of video and recording of each template."""
ERROR_KB: Final = (5, 10, 20, 40, 100)
TRANSACTION_KB: Final = (5, 20, 60, 200)

_SEGMENT: Final = 987_654
_SENT_MS: Final = STARTED_MS + SEGMENT_MS + 500
_PLACEHOLDERS: Final = {
    REPLAY_ID.encode(): b"%(replay)b",
    TRACE_ID.encode(): b"%(trace)b",
    EVENT_ID.encode(): b"%(event)b",
    b"%d" % _SEGMENT: b"%(segment)b",
    iso(STARTED_MS).encode(): b"%(began)b",
    iso(STARTED_MS + SEGMENT_MS).encode(): b"%(ended)b",
    iso(_SENT_MS).encode(): b"%(sent)b",
    b"%d" % STARTED_MS: b"%(began_ms)b",
}
"""The text in an envelope that each placeholder replaces. Every value is as long as that text, so
that the lengths inside the envelope stay right."""
_SESSIONS: Final = 200
_SEGMENTS: Final = 60


def parse_mix(text: str) -> dict[EnvelopeKind, float]:
    """Parse `replay=8,error=1`: kinds of envelopes and how often each is sent.

    Raises:
        ArgumentTypeError: The text names another kind.
        ValueError: The text has another form.
    """
    shares = dict(part.split("=", 1) for part in text.split(","))
    if unknown := set(shares) - set(get_args(EnvelopeKind)):
        kinds = ", ".join(get_args(EnvelopeKind))
        raise argparse.ArgumentTypeError(f"a mix names {kinds}, not {', '.join(unknown)}")
    return {kind: float(shares[kind]) for kind in get_args(EnvelopeKind) if kind in shares}


def make_corpus(kinds: Sequence[EnvelopeKind]) -> Corpus:
    """Make the templates of some kinds; encoding the videos takes a few seconds."""
    makers: dict[EnvelopeKind, Callable[[], list[FillTemplate]]] = {
        "replay": lambda: [_replay(*kb, seed) for seed, kb in enumerate(REPLAY_KB)],
        "error": lambda: [_error(kb, seed) for seed, kb in enumerate(ERROR_KB)],
        "transaction": lambda: [_transaction(kb, seed) for seed, kb in enumerate(TRANSACTION_KB)],
    }
    return {kind: makers[kind]() for kind in kinds}


@dataclass(slots=True)
class _Session:
    """A replay whose segments are being sent."""

    replay: bytes
    trace: bytes
    started_ms: int
    segment: int = 0


class EnvelopeStream:
    """An endless stream of requests: many replays at a time, each with its segments in order."""

    def __init__(self, templates: Corpus, shares: Mapping[EnvelopeKind, float]) -> None:
        self._templates = templates
        self._kinds, self._weights = [*shares], [*shares.values()]
        self._dice = random.Random()  # noqa: S311 - no secret
        self._sessions = [self._start_session() for _ in range(_SESSIONS)]
        for session in self._sessions:
            session.segment = self._dice.randrange(_SEGMENTS)
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
                self._sessions[place] = self._start_session()
        return body

    def _values(self, kind: EnvelopeKind, session: _Session) -> Values:
        began_ms = session.started_ms + session.segment * SEGMENT_MS
        return {
            b"replay": session.replay,
            # A span is known by its trace and id, so each transaction needs a trace of its own.
            b"trace": session.trace if kind == "replay" else self._make_id(),
            b"event": self._make_id(),
            b"segment": b"%6d" % session.segment,
            b"began": iso(began_ms).encode(),
            b"ended": iso(began_ms + SEGMENT_MS).encode(),
            b"sent": iso(clock.now_ms()).encode(),
            b"began_ms": b"%d" % began_ms,
        }

    def _start_session(self) -> _Session:
        return _Session(self._make_id(), self._make_id(), clock.now_ms() - _SEGMENTS * SEGMENT_MS)

    def _make_id(self) -> bytes:
        return b"%032x" % self._dice.getrandbits(128)


def _replay(video_kb: int, recording_kb: int, seed: int) -> FillTemplate:
    film = material.make_video(video_kb * 1024, seed)
    size = {"width": material.WIDTH_PX, "height": material.HEIGHT_PX}
    note = recordings.video_note(_SEGMENT, STARTED_MS, SEGMENT_MS, size_bytes=len(film), **size)
    happened = material.make_recording_events(recording_kb * 1024, STARTED_MS, seed)
    return _with_tail(
        envelopes.replay_video_envelope(
            _SEGMENT,
            started_ms=STARTED_MS,
            video=film,
            events=[recordings.meta(STARTED_MS, **size), note, *happened],
            contexts=material.make_contexts({"trace_id": TRACE_ID, "span_id": SPAN_ID}),
        )
    )


def _error(size_kb: int, seed: int) -> FillTemplate:
    event = payloads.event(
        at_ms=STARTED_MS,
        contexts=material.make_contexts({"trace_id": TRACE_ID, "span_id": SPAN_ID}),
        **material.make_error_members(size_kb * 1024, seed),
    )
    changing = {name: event.pop(name) for name in ("event_id", "timestamp", "contexts")}
    return _with_tail(
        envelopes.envelope(
            envelopes.envelope_header(event_id=EVENT_ID, sent_ms=_SENT_MS),
            envelopes.item("event", compact(changing | event), content_type="application/json"),
        )
    )


def _transaction(size_kb: int, seed: int) -> FillTemplate:
    started_ms = clock.now_ms() - SEGMENT_MS
    transaction = payloads.transaction(
        started_ms=started_ms,
        ended_ms=started_ms + 800,
        contexts=material.make_contexts(
            {"trace_id": TRACE_ID, "span_id": SPAN_ID, "op": "ui.load", "status": "ok"}
        ),
        spans=material.make_spans(size_kb * 1024, started_ms, TRACE_ID, seed),
    )
    whole = _make_template(
        envelopes.envelope(
            envelopes.envelope_header(event_id=EVENT_ID, sent_ms=_SENT_MS),
            envelopes.item("transaction", transaction),
        )
    )
    return lambda values: bytes(deflate.gzip_compress(whole % values, 1))


def _with_tail(envelope: bytes) -> FillTemplate:
    end = max(envelope.rfind(mark) + len(mark) for mark in _PLACEHOLDERS if mark in envelope)
    head, tail = _make_template(envelope[:end]), gzips.deflate_tail(envelope[end:])
    return lambda values: gzips.make_gzip_body(head % values, tail)


def _make_template(text: bytes) -> bytes:
    text = text.replace(b"%", b"%%")
    for original, placeholder in _PLACEHOLDERS.items():
        text = text.replace(original, placeholder)
    return text
