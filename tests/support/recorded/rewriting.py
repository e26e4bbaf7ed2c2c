"""Rewrites recorded requests as another SDK or proxy might: other bytes with the same meaning.

    request ─► inflate ─► header, items ─► payloads ─► items ─► framing ─► encoding ─► request

Each choice is a form that docs/protocol.md names (sections 1.3, 2.1, 4.1 to 4.4, 9.1, 11).
What a server concludes may not depend on any of them.
"""

import gzip
import json
import random
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

import brotli  # type: ignore[import-untyped]  # the package carries no types
import zstandard

from app.core.limits import LIMITS
from app.formats.replay import replay_video
from app.formats.wire import encoding, envelope
from app.formats.wire.envelope import EnvelopeItem
from tests.support.recorded import samples

_TIMES: Final = {"timestamp", "start_timestamp", "replay_start_timestamp"}
_IDS: Final = {"event_id", "replay_id", "trace_id"}
_WRAPPED: Final = {"exception", "breadcrumbs", "threads"}
_EXTRA: Final = b'{"type":"client_report"}\n{"timestamp":1786000000.5,"discarded_events":[]}\n'
_STRANGE: Final = b'{"type":"profile_chunk","length":5,"later":true}\n\n{}[\n\n'
_TYPED: Final = {"event", "transaction", "feedback", "replay_event"}

_ENCODINGS: Final[dict[str | None, Callable[[bytes], bytes]]] = {
    None: lambda body: body,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: bytes(brotli.compress(body, quality=1)),
    "zstd": zstandard.compress,
    "identity": lambda body: body,
    "utf-8": lambda body: body,
}


def rewritten(request: samples.Request, dice: random.Random) -> samples.Request:
    """Return a request that says the same.

    What comes to the old store endpoint keeps its body; only its encoding changes.
    """
    declared = request.header("content-encoding")
    body = bytes(encoding.inflate(request.body, declared, limit_bytes=LIMITS.inflated_bytes))
    if "/envelope" in request.path:
        body = _Envelope(dice).rewrite(body)
    named = dice.choice(list(_ENCODINGS))
    packed = _ENCODINGS[named](body)
    if named == "gzip" and dice.random() < 0.3:
        named = None  # a proxy stripped the header
    headers = [
        (name, value)
        for name, value in request.headers
        if name not in {"content-encoding", "content-type"}
    ]
    kinds = ("text/plain;charset=UTF-8", "application/json", "application/x-sentry-envelope")
    if dice.random() < 0.8:
        headers.append(("content-type", dice.choice(kinds)))
    if named is not None:
        headers.append(("content-encoding", named))
    path = request.path.rstrip("/") + dice.choice(("", "/"))
    return replace(_told_otherwise(request, headers, dice), path=path, body=packed)


def _told_otherwise(
    request: samples.Request, headers: list[tuple[str, str]], dice: random.Random
) -> samples.Request:
    """Let the key come by another way."""
    credentials = next((value for name, value in headers if name == "x-sentry-auth"), None)
    if credentials is None:
        return replace(request, headers=tuple(headers))
    others = [header for header in headers if header[0] != "x-sentry-auth"]
    pairs = credentials.partition(" ")[2].replace(" ", "").split(",")
    match dice.randrange(4):
        case 0:
            query = "&".join(dice.sample(pairs, len(pairs)))
            return replace(request, headers=tuple(others), query=query)
        case 1:
            credentials = f"SENTRY {' , '.join(pairs)}"
        case 2:
            others.append(("authorization", "Sentry " + ",".join(pairs)))
            return replace(request, headers=tuple(others))
        case _:
            credentials = "sentry " + ",".join(dice.sample(pairs, len(pairs)))
    return replace(request, headers=(*others, ("x-sentry-auth", credentials)))


class _Envelope:
    """Rewrites one envelope."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._json = _Json(dice)

    def rewrite(self, body: bytes) -> bytes:
        """Write header and items anew, in another order, with items nobody keeps among them."""
        line, _, _ = body.partition(b"\n")
        items = envelope.split_envelope(body).items
        parts = [self._item(item) for item in items]
        # A browser's recording follows its event; the others may stand anywhere.
        if not any(item.type == "replay_recording" for item in items):
            self._dice.shuffle(parts)
        parts += self._dice.sample([_EXTRA, _STRANGE], self._dice.randrange(3))
        if parts and self._dice.random() < 0.5:
            parts[-1] = parts[-1].removesuffix(b"\n")
        else:
            parts.append(b"\n" * self._dice.randrange(3))
        return self._header(line) + b"\n" + b"".join(parts)

    def _header(self, line: bytes) -> bytes:
        header = json.loads(line)
        header = self._json.shuffled({**header, "unknown": {"later": [1, None]}})
        if header.get("event_id"):
            header["event_id"] = self._json.id(header["event_id"])
        trace = header.get("trace")
        if isinstance(trace, dict):
            for name in ("sampled", "sample_rate", "sample_rand"):
                if isinstance(trace.get(name), str) and self._dice.random() < 0.5:
                    trace[name] = json.loads(trace[name])
        return self._json.one_line(header)

    def _item(self, item: EnvelopeItem) -> bytes:
        payload = self._payload(item)
        header: dict[str, Any] = {"type": item.type}
        for name in ("content_type", "filename", "attachment_type", "item_count"):
            value = getattr(item, name)
            if value is not None:
                header[name] = value
        is_line = b"\n" not in payload and item.type != "attachment"
        if not is_line or self._dice.random() < 0.5:
            header["length"] = len(payload)
        header["later"] = "unknown"
        return self._json.one_line(self._json.shuffled(header)) + b"\n" + payload + b"\n"

    def _payload(self, item: EnvelopeItem) -> bytes:
        payload = bytes(item.payload)
        match item.type:
            case "replay_video":
                return self._segment(item)
            case "replay_recording":
                return self._recording(payload)
            case kind if kind in _TYPED:
                return self._json.text(self._json.event(json.loads(payload)))
            case _:
                return payload

    def _segment(self, item: EnvelopeItem) -> bytes:
        parts = replay_video.split_replay_video(item.payload)
        values = {"replay_event": self._json.text(self._json.event(json.loads(bytes(parts.event))))}
        if parts.recording is not None:
            values["replay_recording"] = self._recording(bytes(parts.recording))
        if parts.video is not None:
            values["replay_video"] = bytes(parts.video)
        packed = [
            self._name(name) + self._bytes(value)
            for name, value in self._dice.sample(list(values.items()), len(values))
        ]
        return bytes([0x80 | len(packed)]) + b"".join(packed)

    def _name(self, name: str) -> bytes:
        raw = name.encode()
        heads = (
            bytes([0xA0 | len(raw)]),
            bytes([0xD9, len(raw)]),
            b"\xda" + len(raw).to_bytes(2, "big"),
        )
        return self._dice.choice(heads) + raw

    def _bytes(self, value: bytes) -> bytes:
        heads = [b"\xc6" + len(value).to_bytes(4, "big"), b"\xdb" + len(value).to_bytes(4, "big")]
        if len(value) < 1 << 16:
            heads.append(b"\xc5" + len(value).to_bytes(2, "big"))
        if len(value) < 1 << 8:
            heads.append(b"\xc4" + bytes([len(value)]))
        return self._dice.choice(heads) + value

    def _recording(self, data: bytes) -> bytes:
        line, has_events, packed = data.partition(b"\n")
        if not has_events:
            return data
        text = packed if packed.startswith(b"[") else zlib.decompress(packed)
        # Of events with one time the order is part of what was recorded.
        at_once: defaultdict[object, list[object]] = defaultdict(list)
        for event in json.loads(text):
            at_once[event["timestamp"]].append(event)
        events = list(chain(*self._dice.sample(list(at_once.values()), len(at_once))))
        header = self._json.one_line({**json.loads(line), "later": [True]})
        written = self._json.text(events)
        return (
            header + b"\n" + (zlib.compress(written, 1) if self._dice.random() < 0.5 else written)
        )


class _Json:
    """Writes JSON in another way."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def one_line(self, value: object) -> bytes:
        """Write it on one line, with or without blanks and escapes."""
        separators = self._dice.choice(((",", ":"), (", ", ": "), (" , ", " :\t")))
        escaped = json.dumps(value, separators=separators).encode()
        if self._dice.random() < 0.5:
            return escaped
        try:
            return json.dumps(value, separators=separators, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # half of a surrogate pair has no other form than its escape
            return escaped

    def text(self, value: object) -> bytes:
        """Write it on one line or on many."""
        if self._dice.random() < 0.7:
            return self.one_line(value)
        return json.dumps(value, indent=self._dice.choice((1, "\t"))).encode()

    def shuffled(self, members: dict[str, Any]) -> dict[str, Any]:
        """Return the same members in another order."""
        return dict(self._dice.sample(list(members.items()), len(members)))

    def id(self, text: str) -> str:
        """Write an id in upper case, or with dashes."""
        plain = text.replace("-", "")
        if len(plain) != 32:
            return text
        parts = (plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:])
        return self._dice.choice((plain, plain.upper(), "-".join(parts), "-".join(parts).upper()))

    def event(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Write the members that SDKs write in several shapes in another of them."""
        event = {name: self._member(name, value) for name, value in self.shuffled(raw).items()}
        if isinstance(contexts := event.get("contexts"), dict):
            event["contexts"] = self.shuffled(
                {**contexts, "later": {"type": "later", "deep": [{}]}}
            )
        return event

    def _member(self, name: str, value: object) -> object:
        is_other = self._dice.random() < 0.5
        match value:
            case str() if name in _IDS:
                return self.id(value)
            case str() | int() | float() if name in _TIMES and is_other:
                return self._time(value)
            case dict() if name == "tags" and is_other:
                return [[key, each] for key, each in value.items()]
            case {"values": [*values], **rest} if name in _WRAPPED and is_other and not rest:
                return values
            case [*ids] if name == "trace_ids":
                return [self.id(str(trace_id)) for trace_id in ids]
            case _:
                return value

    def _time(self, value: str | float) -> object:
        """Write a time as the other kind of SDK does, without losing a microsecond."""
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            return round(at.timestamp(), 6)
        written = datetime.fromtimestamp(value, UTC).isoformat(timespec="microseconds")
        return self._dice.choice((written, written.replace("+00:00", "Z"), str(value)))
