"""The MP4 reader with any bytes: a video that is safe to hand on, or a refusal."""

from hypothesis import given, strategies as st

from app.core.errors import Malformed, TooLarge
from app.core.limits import LIMITS
from app.formats import mp4
from tests.support import recorded, samples
from tests.support.clips import clip
from tests.support.examples import SETTINGS
from tests.support.mp4_boxes import box, fragmented_file, mp4_file


def read_or_refuse(data: bytes) -> None:
    """Read a file; whatever comes out must be safe to hand to a viewer."""
    try:
        video = mp4.read(data)
    except (Malformed, TooLarge):
        return
    assert video.samples
    assert sum(sample.size_bytes for sample in video.samples) <= len(data)
    for sample in video.samples:
        assert sample.offset >= 0
        assert sample.size_bytes > 0
        assert sample.offset + sample.size_bytes <= len(data)
        assert sample.duration >= 0
    if video.is_playable:
        assert video.samples[0].is_key
        assert 0 < video.duration_ms <= LIMITS.video_ms
        assert max(video.width, video.height) <= LIMITS.video_px
        assert video.codec.startswith("avc")


@SETTINGS
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data):
    """A value or a refusal, nothing else."""
    read_or_refuse(data)
    read_or_refuse(box("moov", data))


WHOLE = [mp4_file(), fragmented_file(), clip(), clip(fragmented=True, frames=7), clip(b_frames=2)]
mutations = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=6,
)


def placed(data: bytes, where: float) -> int:
    """Turn a share into a byte; half of them fall into the boxes, where it hurts."""
    moov = data.index(b"moov")
    length = int.from_bytes(data[moov - 4 : moov], "big")
    return moov + int(length * where * 2) if where < 0.5 else int(len(data) * (where * 2 - 1))


@SETTINGS
@given(st.sampled_from(WHOLE), mutations, st.floats(0, 1))
def test_a_changed_file_is_read_or_refused(data, changes, cut):
    """Bytes overwritten anywhere, and the end cut off now and then."""
    changed = bytearray(data)
    for where, patch in changes:
        at = placed(data, where)
        changed[at : at + len(patch)] = patch
    read_or_refuse(bytes(changed[: int(len(changed) * min(1, cut * 4))]))


@samples.needs_samples
@SETTINGS
@given(st.data())
def test_a_changed_segment_is_read_or_refused(data):
    """The same with what phones send."""
    segments = [recorded.video_of(r) for r in recorded.requests("android-rotation-a")]
    original = data.draw(st.sampled_from([video for video in segments if video]))
    changed = bytearray(original)
    for where, patch in data.draw(mutations):
        at = placed(original, where)
        changed[at : at + len(patch)] = patch
    read_or_refuse(bytes(changed))
