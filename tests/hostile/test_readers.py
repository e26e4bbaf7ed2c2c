"""H1: every reader of incoming bytes turns broken input into a value or a refusal.

The property tests of each reader draw from all bytes; these tests start from what SDKs send and
break it as an attacker would.
"""

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final
from zipfile import ZIP_STORED

from app.core import clock
from app.core.errors import InvalidInput, RequestRefused
from app.core.ids import ProjectId
from app.formats import client_report, feedback, jsonish, log, session
from app.formats.debug_files.packed.bundle_packing import pack_bundle
from app.formats.debug_files.packed.dart_maps import pack_dart_map
from app.formats.debug_files.packed.packed_bundle import PackedBundle
from app.formats.events import event, view_hierarchy
from app.formats.otlp import json_body, protobuf_body
from app.formats.replay import recording, replay_event, replay_video
from app.formats.spans import span, transaction
from app.formats.video import avc, mp4
from app.formats.wire import credentials, encoding, envelope, store_body
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem
from app.ingest.item_types import BY_NAME, ITEM_TYPES
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import PreparedBatch
from app.replays.search import query_language
from app.scrub.rules import DEFAULT_RULES
from tests.support import programme_size
from tests.support.builders import (
    clips,
    envelopes,
    item_payloads,
    otlp,
    payloads,
    recordings,
    source_maps,
)
from tests.support.builders.mp4_boxes import fragmented_file, mp4_file
from tests.support.builders.wire import KEY, STARTED_MS, compact
from tests.support.recorded.debug_samples import load_sample_event, read_debug_sample
from tests.support.report import Report
from tests.support.symbolication.retracing import is_jvm, make_retracer

EXAMPLES = programme_size.rounds(ci=2_000, nightly=50_000)
MIB: Final = 1024 * 1024
HEADER: Final = EnvelopeHeader()
CONTEXT: Final = EnvelopeContext(
    project_id=ProjectId(1),
    received_at=clock.now(),
    drift_ms=0,
    client_ip="192.0.2.7",
    header=EnvelopeHeader(event_id="c" * 32),
    rules=DEFAULT_RULES,
)
BITES: Final = (
    b"\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff" * 10, b"[", b"{", b"}", b'"', b"\n",
    b"\\ud800", b"\\u0000", b"1e400", b"-1", b"NaN", b"null", b"[]", b"{}", b"9" * 40, b"\xc3\x28",
    b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xed\xa0\x80", b"e" * 300, b"[" * 100,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader with good input for it."""

    read: Callable[[bytes], object]
    good: tuple[bytes, ...]


def payload_of(item: bytes) -> bytes:
    """Return the payload of a framed item."""
    return item.partition(b"\n")[2]


def read_event(data: bytes) -> object:
    """Read both parts of an event: its links and its problem."""
    raw = event.decode_event(data, "event")
    return event.read_event(raw, HEADER), event.read_problem(raw)


def read_to_the_end(read: Callable[[bytes], Iterable[Any]]) -> Callable[[bytes], object]:
    """Make a reader that consumes all that a lazy reader yields."""
    return lambda data: list(read(data))


def as_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """Make a reader of bytes from a reader of text; the wire's bytes are read as Latin-1."""
    return lambda data: read(data.decode("latin-1"))


def read_bundle(data: bytes) -> object:
    """Pack a bundle, and look a script up in what was written."""
    target = io.BytesIO()
    facts = pack_bundle(io.BytesIO(data), target)
    packed = PackedBundle(target.getvalue())
    return [packed.find_script_by_id(debug_id) for debug_id in facts.debug_ids]


def read_source_map(data: bytes) -> object:
    """Pack a source map, and look positions up in what was written."""
    packed, _ = source_maps.pack_text(data)
    positions = [packed.find_position(line, column) for line in (1, 3) for column in (1, 40, 700)]
    return [packed.read_content(position.source_number) for position in positions if position]


def read_mapping(data: bytes) -> object:
    """Index a mapping, and retrace the stacks of a sample with it."""
    retracer = make_retracer(data)
    return [
        retracer.retrace_frames(exception["stacktrace"]["frames"], is_jvm, "q.c")
        for folder in ("r8", "proguard")
        for exception in load_sample_event(folder)["exception"]["values"]
    ]


PLAIN_BUNDLES: Final = tuple(
    source_maps.bundle({"files/_/_/a.js": "a", "files/_/_/a.js.map": text}, packing=ZIP_STORED)
    for text in (compact(source_maps.source_map()),)
)
"""Bundles whose entries are not compressed, so that what is broken is the manifest as well."""
SECTION: Final = {"offset": {"line": 2, "column": 0}, "map": source_maps.source_map()}
SEGMENT: Final = envelopes.replay_video_envelope()
EVENT: Final = compact(payloads.event())
RECORDING: Final = recordings.recording(recordings.segment_events())
OTLP: Final = otlp.request(otlp.span(1), otlp.span(2), resource={"service.name": "shop"})
PAYLOADS: Final = item_payloads.item_payloads()
VIEW_HIERARCHY: Final = {
    "rendering_system": "android_view_system",
    "windows": [
        {"type": "Window", "width": 1080, "children": [{"type": "Button", "tag": "pay", "x": 1.5}]}
    ],
}
VIDEOS: Final = (
    mp4_file(),
    fragmented_file(),
    clips.clip(),
    clips.clip(fragmented=True),
    clips.clip(b_frames=2),
)
READERS: Final = {
    # Each item type has its reader here, under its own name; the other names are free.
    "envelope": Reader(envelope.split_envelope, (SEGMENT, envelopes.event_envelope())),
    "envelope header": Reader(envelope.read_header, (SEGMENT.partition(b"\n")[0],)),
    "inflate gzip": Reader(
        lambda data: encoding.inflate(data, "gzip", limit_bytes=MIB),
        (envelopes.gzipped(SEGMENT), envelopes.gzipped(EVENT, members=3)),
    ),
    "inflate deflate": Reader(
        lambda data: encoding.inflate(data, "deflate", limit_bytes=MIB), (zlib.compress(EVENT),)
    ),
    "replay_video": Reader(
        replay_video.split_replay_video,
        (envelopes.pack({"replay_event": EVENT, "replay_recording": RECORDING}),),
    ),
    "replay_recording": Reader(
        recording.read_recording,
        (RECORDING, recordings.recording(recordings.segment_events(), compressed=True)),
    ),
    "replay_event": Reader(
        lambda data: replay_event.read_replay_event(replay_event.decode_replay_event(data)),
        (compact(payloads.replay_event()),),
    ),
    "event": Reader(read_event, (EVENT,)),
    "transaction": Reader(
        lambda data: transaction.read_transaction(event.decode_event(data, "transaction"), HEADER),
        (compact(payloads.transaction()),),
    ),
    "span": Reader(
        lambda data: span.read_lone_span(jsonish.decode_object(data, "span"), HEADER),
        (compact(payloads.span("db", "select", STARTED_MS)),),
    ),
    "span container": Reader(
        lambda data: span.read_span_container(
            jsonish.decode_object(data, "span container"), HEADER
        ),
        (compact({"items": [payloads.span("db", "select", STARTED_MS)]}),),
    ),
    "log": Reader(
        lambda data: log.read_log_container(jsonish.decode_object(data, "log container"), HEADER),
        (payload_of(envelopes.log_item("a", "b", c="d")),),
    ),
    "attachment": Reader(
        lambda data: view_hierarchy.read_view_hierarchy(jsonish.decode(data, "view hierarchy")),
        (compact(VIEW_HIERARCHY),),
    ),
    "session": Reader(session.read_session, (payload_of(envelopes.session_item()),)),
    "sessions": Reader(session.read_session_aggregates, (PAYLOADS["sessions"],)),
    "feedback": Reader(
        lambda data: feedback.read_feedback(data, HEADER), (payload_of(envelopes.feedback_item()),)
    ),
    "user_report": Reader(
        lambda data: feedback.read_feedback(feedback.convert_user_report(data, HEADER), HEADER),
        (PAYLOADS["user_report"],),
    ),
    "client_report": Reader(
        client_report.read_client_report, (payload_of(envelopes.client_report_item()),)
    ),
    "store": Reader(store_body.wrap_store, (EVENT,)),
    "otlp json": Reader(read_to_the_end(json_body.read_json_body), (otlp.as_json(OTLP),)),
    "otlp protobuf": Reader(
        read_to_the_end(protobuf_body.read_protobuf_body), (OTLP.SerializeToString(),)
    ),
    "dsn": Reader(as_text(credentials.parse_dsn), (f"https://{KEY}@a.example/7".encode(),)),
    "auth": Reader(
        as_text(lambda text: credentials.read_credentials(auth_headers=[text], query="")),
        (envelopes.auth_header().encode(),),
    ),
    "auth in a query": Reader(
        as_text(lambda text: credentials.read_credentials(auth_headers=[], query=text)),
        (envelopes.auth_query().encode(),),
    ),
    "search": Reader(
        as_text(query_language.read_query), (b'release:shop@1 user.email:"a b" !os:Android x',)
    ),
    "bundle": Reader(
        read_bundle,
        (read_debug_sample("web/uploaded/artifact-bundle.zip"), *PLAIN_BUNDLES),
    ),
    "source map": Reader(
        read_source_map,
        (
            read_debug_sample("web/dist/app.a1f3.js.map"),
            compact({"version": 3, "sections": [SECTION, SECTION]}),
        ),
    ),
    "mapping": Reader(
        read_mapping,
        (read_debug_sample("r8/mapping.txt"), read_debug_sample("proguard/mapping.txt")),
    ),
    "dart symbol map": Reader(
        lambda data: pack_dart_map(io.BytesIO(data), io.BytesIO()),
        (read_debug_sample("dart/dartsymbolmap.json"),),
    ),
    "mp4": Reader(mp4.read_video, VIDEOS),
    "avcC": Reader(avc.read_avc_config, (mp4.read_video(clips.clip()).config,)),
}


def break_bytes(dice: random.Random, data: bytes) -> bytes:
    """Break good input in one to six places."""
    body = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        offset = dice.randrange(len(body) + 1)
        start = dice.randrange(len(body) + 1)
        splice = dice.choice(BITES)
        length = struct.pack(">I", dice.choice((0, 1, len(body), 2**31)))
        piece, end = dice.choice(
            (
                (dice.randbytes(1), offset + 1),
                (splice, offset + len(splice)),
                (splice, offset),
                (b"", offset + dice.randint(1, 30)),
                (bytes(body[start : start + dice.randint(1, 200)]), offset),
                (length, offset + 4),
                (b"", len(body) if dice.random() < 0.2 else offset + 1),
            )
        )
        body[offset:end] = piece
    return bytes(body)


def test_every_item_type_has_its_reader() -> None:
    """A new type is among the readers that are given broken input."""
    missing_types = set(BY_NAME) - set(READERS)
    assert not missing_types, f"add a reader of each of these types to READERS: {missing_types}"


def test_broken_input_is_read_or_refused(report: Report) -> None:
    """A reader reads good input, and only a refusal leaves it for broken input."""
    for name, reader in READERS.items():
        for data in reader.good:
            reader.read(data)
        report.round(reader=name, **try_broken_inputs(name, reader))


def test_broken_items_are_prepared_or_refused(report: Report) -> None:
    """A broken item of any type becomes rows or an outcome."""
    for item_type in ITEM_TYPES:
        dice = programme_size.seeded_dice("item", item_type.name)
        for number in range(EXAMPLES):
            payload = break_bytes(dice, PAYLOADS[item_type.name])
            item = EnvelopeItem(
                item_type.name, memoryview(payload), item_count=dice.choice((None, 1))
            )
            batch = PreparedBatch()
            try:
                item_type.prepare([(item, CONTEXT)], batch)
            except Exception as error:
                message = f"{item_type.name}, example {number}: {payload!r}"
                raise AssertionError(message) from error
            assert batch.outcomes or batch.rows_of(item_type) or item_type.is_container
        report.round(item_type=item_type.name, examples=EXAMPLES)


def try_broken_inputs(name: str, reader: Reader) -> dict[str, Any]:
    """Give a reader many broken inputs and return figures for the report."""
    dice = programme_size.seeded_dice("reader", name)
    refused, slowest_ms = 0, 0.0
    for number in range(EXAMPLES):
        data = break_bytes(dice, dice.choice(reader.good))
        started_s = clock.monotonic_s()
        try:
            reader.read(data)
        except (RequestRefused, InvalidInput):
            refused += 1
        except Exception as error:
            raise AssertionError(f"{name}, example {number}: {data!r}") from error
        slowest_ms = max(slowest_ms, (clock.monotonic_s() - started_s) * 1_000)
    return {"examples": EXAMPLES, "refused": refused, "slowest_ms": round(slowest_ms, 1)}
