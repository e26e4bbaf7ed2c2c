"""MP4 files that are broken in exactly one place."""

import pytest

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.video import mp4
from tests.support.builders.mp4_boxes import (
    DELTA,
    KEY,
    box,
    edits,
    entry,
    fragmented_file,
    full,
    mp4_file,
    runs,
    stsd,
    timed,
    trun,
    u32,
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no moov box"),
        (b"GIF89a" + bytes(40), "box at byte 0 claims"),
        (box("ftyp") + box("mdat"), "no moov box"),
        (box("moov"), "no picture track"),
        (mp4_file()[:-1], "box at byte"),
        (mp4_file()[:200], "box at byte 24 claims"),
        (mp4_file(trak=b""), "no mdia box"),
        (mp4_file(hdlr=full(0, u32(0), b"soun")), "no picture track"),
        (mp4_file(hdlr=full(0)), "too short"),
        (mp4_file(tkhd=None), "no tkhd box"),
        (mp4_file(tkhd=full(0)), "too short"),
        (mp4_file(mdhd=timed(timescale=0)), "0 ticks a second"),
        (mp4_file(elst=edits((500, -1, 1)), mvhd=timed(timescale=0)), "0 ticks a second"),
        (mp4_file(elst=full(0, u32(2**32 - 1))), "too short"),
        (mp4_file(minf=None), "no minf box"),
        (mp4_file(dinf=None), "no dinf box"),
        (mp4_file(dref=full(0, u32(0))), "no data reference"),
        (mp4_file(dref=full(0, u32(1), box("url ", full(0)))), "another file"),
        (mp4_file(dref=full(0, u32(1), box("urn ", full(1)))), "another file"),
        (mp4_file(stbl=None), "no stbl box"),
        (mp4_file(stsd=None), "no stsd box"),
        (mp4_file(stsd=stsd()), "no sample description"),
        (mp4_file(stsd=stsd(box("avc1", bytes(20)))), "too short"),
        (mp4_file(stsd=stsd(entry(width=0))), "0 x 960 pixels"),
        (mp4_file(stsd=stsd(entry(height=0))), "448 x 0 pixels"),
        (mp4_file(stsd=stsd(box("avc1", bytes(24), b"\1\0\1\0", bytes(50)))), "no avcC box"),
        (mp4_file(stsd=stsd(entry(config=b"\1"))), "avcC is cut"),
        (mp4_file(stsz=None), "no stsz box"),
        (mp4_file(stsz=full(0, u32(0, 0))), "no samples"),
        (mp4_file(stsz=full(0, u32(0, 5, 1, 2, 3, 4))), "is cut: 5 rows"),
        (mp4_file(stsz=full(0, u32(0, 5, 109, 33, 33, 0, 33))), "sample 4 is empty"),
        (mp4_file(stsz=full(0, u32(0, 5, 109, 33, 33, 33, 2_000))), "outside the file"),
        (mp4_file(stsz=full(0, u32(400, 5)), stsc=runs((1, 1, 1)), stco=runs(*[(0,)] * 5)),
         "samples have 2000 bytes, the file"),
        (mp4_file(stco=runs((2**32 - 1,))), "outside the file"),
        (mp4_file(stco=None), "no co64 box"),
        (mp4_file(stco=runs()), "chunks hold 0 samples, stsz has 5"),
        (mp4_file(stco=runs((33,))), "are not a NAL|cut inside a NAL"),
        (mp4_file(stsc=None), "no stsc box"),
        (mp4_file(stsc=runs()), "stsc does not name the chunks"),
        (mp4_file(stsc=runs((2, 5, 1))), "stsc does not name the chunks"),
        (mp4_file(stsc=runs((1, 1, 1), (3, 1, 1), (2, 1, 1))), "stsc does not name the chunks"),
        (mp4_file(stsc=runs((1, 4, 1))), "chunks hold 4 samples, stsz has 5"),
        (mp4_file(stsc=runs((1, 6, 1))), "chunks hold 6 samples, stsz has 5"),
        (mp4_file(stts=None), "no stts box"),
        (mp4_file(stts=runs((4, 1))), "stts is for 4 samples, stsz for 5"),
        (mp4_file(stts=runs((6, 1))), "stts is for 6 samples, stsz for 5"),
        (mp4_file(stts=runs()), "stts is for 0 samples"),
        (mp4_file(ctts=runs((4, 1))), "ctts is for 4 samples"),
        (mp4_file(ctts=runs((6, 1), (-1, 1))), "ctts is for 5 samples"),
        (mp4_file(stss=runs((0,))), "stss names sample 0 of 5"),
        (mp4_file(stss=runs((6,))), "stss names sample 6 of 5"),
        (mp4_file(frames=(KEY, DELTA[:-1])), "cut inside a NAL"),
        (mp4_file(frames=(KEY, bytes(40))), "are not a NAL"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused(data, message):
    """Each break is found, and the message says which."""
    with pytest.raises(MalformedInput, match=message):
        mp4.read_video(data)


@pytest.mark.parametrize(
    "data",
    [
        mp4_file(stsz=full(0, u32(100, LIMITS.mp4_samples + 1))),
        mp4_file(stsz=full(0, u32(0, LIMITS.mp4_samples + 1))),
        mp4_file(stts=full(0, u32(2**31))),
        fragmented_file(trun=trun(rows=LIMITS.mp4_samples + 1)),
        fragmented_file(trun=full(0, u32(LIMITS.mp4_samples + 1))),
    ],
)
def test_too_many_samples_are_refused(data):
    """A claim of more than 20,000 is not believed, nor acted on."""
    with pytest.raises(OversizedInput):
        mp4.read_video(data)


def test_the_most_samples_are_read():
    """A track of 20,000 samples is read."""
    frames = (KEY,) + (DELTA,) * (LIMITS.mp4_samples - 1)
    assert (
        len(mp4.read_video(mp4_file(frames=frames, stts=runs((len(frames), 30)))).samples) == 20_000
    )
