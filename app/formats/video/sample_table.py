"""Reads where the samples of an MP4 track lie and when they are due, from the track's own tables.

    stsz  size of each sample            stco, co64  where each chunk begins
    stts  time from each to the next     stsc        how many samples each chunk has
    ctts  time from decoding to showing  stss        which samples are keyframes; all without it

Source: ISO/IEC 14496-12, sections 8.6 and 8.7.
"""

from collections.abc import Sequence
from itertools import accumulate, chain, repeat
from struct import Struct
from typing import Final

import msgspec

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.video.boxes import Box, BoxReader, Extent, Numbers, find_box, require_box

_STSZ_HEAD: Final = Struct(">III")
"""Version and flags, the size of all samples or 0, and the count of samples."""
FORMAT_CHANGES: Final = "its picture format changes inside the file"


class SampleTable(msgspec.Struct, gc=False):
    """The samples of a track in decode order, as columns; times in ticks of the track."""

    sizes: list[int] = []
    offsets: list[int] = []
    decoded_at: list[int] = []
    lengths: list[int] = []
    """The time from decoding each sample to decoding the next."""
    shown_after: list[int] = []
    """The time from decoding each sample to showing it, which may be negative."""
    keys: list[bool] = []
    fault: str | None = None
    """The reason why it cannot be played here although it is well-formed, for people."""


def read_sample_table(boxes: BoxReader, stbl: list[Box]) -> SampleTable:
    """Read the tables of a track, which are empty in a fragmented file.

    Raises:
        MalformedInput: A table is cut or missing, or two tables are for different numbers of
            samples.
        OversizedInput: A table has more rows than `LIMITS.mp4_samples`.
    """
    sizes = _read_sizes(boxes, require_box(stbl, b"stsz"))
    count = len(sizes)
    if count == 0:
        return SampleTable()
    lengths = _spread(
        boxes.read_table("I", require_box(stbl, b"stts"), columns=2), count, kind="stts"
    )
    shifts = find_box(stbl, b"ctts")
    stco = find_box(stbl, b"stco")
    chunks = (
        boxes.read_table("I", stco) if stco else boxes.read_table("Q", require_box(stbl, b"co64"))
    )
    runs = boxes.read_table("I", require_box(stbl, b"stsc"), columns=3)
    return SampleTable(
        sizes=list(sizes),
        offsets=_find_offsets(sizes, chunks, runs),
        decoded_at=list(accumulate(lengths[:-1], initial=0)),
        lengths=lengths,
        # Signed in both versions: writers put negative shifts into version 0 as well.
        shown_after=_spread(boxes.read_table("i", shifts, columns=2), count, kind="ctts")
        if shifts
        else [0] * count,
        keys=_read_keys(boxes, find_box(stbl, b"stss"), count),
        fault=None if set(runs[2::3]) == {1} else FORMAT_CHANGES,
    )


def _read_sizes(boxes: BoxReader, stsz: Extent) -> Sequence[int]:
    """Read the size of each sample."""
    _, common, count = boxes.read_numbers(_STSZ_HEAD, stsz)
    if not common:
        return boxes.read_table("I", stsz, head_bytes=_STSZ_HEAD.size)
    if count > LIMITS.mp4_samples:
        raise OversizedInput(f"{count} samples, at most {LIMITS.mp4_samples} are read")
    return [common] * count


def _spread(runs: Numbers, count: int, *, kind: str) -> list[int]:
    """Spread a run-length table (repetitions, value), which must have one value for each sample."""
    repetitions, values = runs[::2], runs[1::2]
    if sum(repetitions) != count or min(repetitions) < 0:
        raise MalformedInput(f"{kind} is for {sum(repetitions)} samples, stsz for {count}")
    if len(repetitions) == 1:
        return [*values] * count
    return list(chain.from_iterable(map(repeat, values, repetitions)))


def _read_keys(boxes: BoxReader, stss: Extent | None, count: int) -> list[bool]:
    """Read which samples are keyframes."""
    if stss is None:
        return [True] * count
    keys = [False] * count
    for number in boxes.read_table("I", stss):
        if not 1 <= number <= count:
            raise MalformedInput(f"stss names sample {number} of {count}")
        keys[number - 1] = True
    return keys


def _find_offsets(sizes: Sequence[int], chunks: Numbers, runs: Numbers) -> list[int]:
    """Find where every sample lies in the file; those of a chunk follow one another."""
    run_starts = [number - 1 for number in runs[::3]]
    run_starts.append(len(chunks))
    if run_starts[0] != 0 or run_starts != sorted(run_starts):
        raise MalformedInput("stsc does not name the chunks in order from the first")
    offsets: list[int] = []
    placed = 0
    for start, stop, per_chunk in zip(run_starts, run_starts[1:], runs[1::3], strict=False):
        for chunk in chunks[start:stop]:
            at = chunk
            for size in sizes[placed : placed + per_chunk]:
                offsets.append(at)
                at += size
            placed += per_chunk
    if placed != len(sizes):
        raise MalformedInput(f"the chunks hold {placed} samples, stsz has {len(sizes)}")
    return offsets
