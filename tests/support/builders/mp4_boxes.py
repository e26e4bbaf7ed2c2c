"""Builds MP4 files box by box, so that a test can break exactly one of them.

    mp4_file()                                   five H.264 frames, `moov` last
    mp4_file(stts=runs((5, 0)))                  one table replaced
    mp4_file(stss=None)                          one box left out
    fragmented_file(tfhd=full(0x20000, u32(1)))  the same for fragments

The pictures are slices of random bytes: right in structure, not for decoding.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

SPS: Final = bytes.fromhex("6742c01fda0701e684000003000400001f403c60ca80")
"""Constrained Baseline, 448 x 960."""
PPS: Final = bytes.fromhex("68ce3c80")
TIMESCALE: Final = 1_000


def u16(*values: int) -> bytes:
    """Write unsigned 16-bit numbers."""
    return struct.pack(f">{len(values)}H", *values)


def u32(*values: int) -> bytes:
    """Write unsigned 32-bit numbers."""
    return struct.pack(f">{len(values)}I", *values)


def i32(*values: int) -> bytes:
    """Write signed 32-bit numbers."""
    return struct.pack(f">{len(values)}i", *values)


def u64(*values: int) -> bytes:
    """Write unsigned 64-bit numbers."""
    return struct.pack(f">{len(values)}Q", *values)


def box(kind: str, *parts: bytes) -> bytes:
    """Write a box: size, kind, body."""
    body = b"".join(parts)
    return u32(8 + len(body)) + kind.encode() + body


def full(flags: int, *parts: bytes, version: int = 0) -> bytes:
    """Write the body of a full box: version, flags, the rest."""
    return u32(version << 24 | flags) + b"".join(parts)


def runs(*rows: tuple[int, ...], flags: int = 0) -> bytes:
    """Write the body of a table of 32-bit rows, negative numbers in two's complement."""
    return full(flags, u32(len(rows)), *(u32(*(n & 0xFFFF_FFFF for n in row)) for row in rows))


def nal(kind: int, size: int = 12) -> bytes:
    """Write a NAL of some bytes after its 32-bit length."""
    return u32(size) + bytes((0x60 | kind,)) + b"\x5a" * (size - 1)


KEY: Final = nal(7, 4) + nal(8, 3) + nal(5, 90)
DELTA: Final = nal(6, 5) + nal(1, 20)
FRAMES: Final = (KEY, DELTA, DELTA, DELTA, DELTA)


def avcc(
    *, sps: tuple[bytes, ...] = (SPS,), pps: tuple[bytes, ...] = (PPS,), length_bytes: int = 4
) -> bytes:
    """Write the body of an `avcC` box."""
    sets = [u16(len(sequence)) + sequence for sequence in sps]
    pictures = [u16(len(picture)) + picture for picture in pps]
    head = bytes((1, *SPS[1:4], 0xFC | length_bytes - 1, 0xE0 | len(sps)))
    return b"".join((head, *sets, bytes((len(pps),)), *pictures))


def entry(
    kind: str = "avc1", *, width: int = 448, height: int = 960, config: bytes | None = None
) -> bytes:
    """Write a visual sample entry."""
    record = box("avcC", avcc() if config is None else config)
    return box(kind, bytes(6), u16(1), bytes(16), u16(width, height), bytes(50), record)


def stsd(*entries: bytes) -> bytes:
    """Write the body of the sample descriptions."""
    return full(0, u32(len(entries)), *entries)


def matrix(a: int = 1, b: int = 0) -> bytes:
    """Write the transformation matrix of a track header: 1, 0 is upright."""
    return i32(a << 16, b << 16, 0, -b << 16, a << 16, 0, 0, 0, 1 << 30)


def tkhd(*, track: int = 1, version: int = 0, turn: bytes | None = None) -> bytes:
    """Write the body of a track header."""
    times = u64(0, 0) + u32(track, 0) + u64(5_000) if version else u32(0, 0, track, 0, 5_000)
    geometry = bytes(16) + (turn or matrix()) + u32(448 << 16, 960 << 16)
    return full(3, times, geometry, version=version)


def timed(*, timescale: int = TIMESCALE, version: int = 0) -> bytes:
    """Write the body of a movie or media header, as far as it is read."""
    times = u64(0, 0) if version else u32(0, 0)
    return full(0, times, u32(timescale), u32(0, 0), version=version)


def edits(*rows: tuple[int, int, int], version: int = 0) -> bytes:
    """Write the body of an edit list: length, media time, rate (1 is plain)."""
    form = ">Qqi" if version else ">Iii"
    packed = (struct.pack(form, length, begins, rate << 16) for length, begins, rate in rows)
    return full(0, u32(len(rows)), *packed, version=version)


def _track(changed: dict[str, bytes | None], **defaults: bytes | None) -> bytes:
    """Write a `trak`; a changed body wins, None leaves the box out."""

    def written(kind: str, *inner: bytes) -> bytes:
        body = changed.get(kind, defaults.get(kind, b"".join(inner)))
        return b"" if body is None else box(kind, body)

    tables = ("stsd", "stts", "ctts", "stss", "stsc", "stsz", "stco", "co64")
    stbl = written("stbl", *(written(kind) for kind in tables))
    dinf = written("dinf", written("dref"))
    minf = written("minf", box("vmhd", bytes(12)), dinf, stbl)
    mdia = written("mdia", written("mdhd"), written("hdlr"), minf)
    edts = written("edts", written("elst"))
    return written("trak", written("tkhd"), edts, mdia)


def _defaults(frames: tuple[bytes, ...]) -> dict[str, bytes | None]:
    count = len(frames)
    return {
        "tkhd": tkhd(),
        "mdhd": timed(),
        "hdlr": full(0, u32(0), b"vide", bytes(12), b"\0"),
        "dref": full(0, u32(1), box("url ", full(1))),
        "elst": edits((count * 1_000, 0, 1)),
        "stsd": stsd(entry()),
        "stts": runs((count, 1_000)),
        "ctts": None,
        "stss": runs((1,)),
        "stsc": runs((1, count, 1)),
        "stsz": full(0, u32(0, count, *map(len, frames))),
        "co64": None,
    }


def mp4_file(
    *,
    frames: tuple[bytes, ...] = FRAMES,
    moov_first: bool = False,
    tail: bytes = b"",
    **changed: bytes | None,
) -> bytes:
    """Build a plain MP4 of H.264.

    Args:
        frames: The bytes of each sample.
        moov_first: Put the description before the data.
        tail: Bytes after the last box.
        **changed: Bodies of boxes by kind; None leaves one out. `before_trak` is put before the
            track, `in_moov` after it.

    Returns:
        The file; every frame lasts one second of 1,000 ticks unless `stts` says otherwise.
    """
    kind = box("ftyp", b"isom", u32(512), b"isomavc1")
    data = box("mdat", *frames)

    def moov(data_at: int) -> bytes:
        stco = runs((data_at,))
        trak = _track(changed, **{**_defaults(frames), "stco": stco})
        before, after = changed.get("before_trak"), changed.get("in_moov")
        mvhd = changed.get("mvhd", timed())
        head = box("mvhd", mvhd) if mvhd is not None else b""
        return box("moov", head, before or b"", trak, after or b"")

    if moov_first:
        size = len(kind) + len(moov(0))
        return kind + moov(size + 8) + data + tail
    return kind + data + moov(len(kind) + 8) + tail


RUN_FLAGS: Final = 0xF01
NO_KEY: Final = 0x10000


def trun(*, flags: int = RUN_FLAGS, offset: int = 0, rows: int = 5, columns: bytes = b"") -> bytes:
    """Write the body of a fragment run: flags, count, offset of its data, rows."""
    return full(flags, u32(rows), i32(offset), columns)


def fragmented_file(
    *,
    frames: tuple[bytes, ...] = FRAMES,
    run: Callable[[int], bytes] | None = None,
    second: Callable[[int], bytes] | None = None,
    **changed: bytes | None,
) -> bytes:
    """Build a fragmented MP4: an empty track, then one `moof` and its data.

    Args:
        frames: The bytes of each sample.
        run: Writes the body of the `trun`, given where the data begins after the `moof` does.
        second: Writes the body of another `traf`, likewise.
        **changed: Bodies of `mvex`, `tfhd`, `tfdt`, `trun` (None leaves one out); `before_traf` is
            put before the fragment.
    """
    empty = full(0, u32(0))
    trex = full(0, u32(1, 1, 1_000, 0, NO_KEY))
    mvex = changed.get("mvex", box("trex", trex))
    bodies: dict[str, Any] = {
        "elst": None,
        "stts": empty,
        "stss": None,
        "stsc": empty,
        "stsz": full(0, u32(0, 0)),
        "stco": empty,
        "in_moov": box("mvex", mvex) if mvex is not None else b"",
    }
    start = mp4_file(frames=(), **bodies)

    def moof(offset: int) -> bytes:
        rows = b"".join(
            u32(1_000, len(frame), 0 if index == 0 else NO_KEY, 0)
            for index, frame in enumerate(frames)
        )
        plain = trun(offset=offset, rows=len(frames), columns=rows)
        body = run(offset) if run else changed.get("trun", plain)
        time = changed.get("tfdt", full(0, u32(0)))
        parts = [
            box("tfhd", changed.get("tfhd") or full(0x20000, u32(1))),
            b"" if time is None else box("tfdt", time),
            b"" if body is None else box("trun", body),
        ]
        after = box("traf", second(offset)) if second else b""
        before = changed.get("before_traf") or b""
        return box("moof", box("mfhd", full(0, u32(1))), before, box("traf", *parts), after)

    return start + moof(len(moof(0)) + 8) + box("mdat", *frames)
