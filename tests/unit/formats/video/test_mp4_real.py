"""The MP4 reader against a demuxer, and with what SDKs sent."""

import io
from fractions import Fraction

import av
import pytest

from app.core.errors import MalformedInput, OversizedInput
from app.formats.video import mp4
from tests.support.builders.clips import clip
from tests.support.recorded import contents, samples

PROFILES = {"Constrained Baseline": "avc1.42", "Main": "avc1.4D", "High": "avc1.64"}
FAULTS = {
    "video-2h-one-frame": "it lasts 1 h, at most 10 min play",
    "video-giant": "its pictures have 7680 x 4320 pixels, at most 4096 play",
    "video-hevc": "it is HEVC (hvc1); H.264 plays here",
    "video-mjpeg": "it is MPEG-4 video or JPEG pictures (mp4v); H.264 plays here",
    "video-vp9": "it is VP9 (vp09); H.264 plays here",
    "video-yuv444": "it is H.264 High 4:4:4; browsers play Baseline, Main and High",
}
REFUSED = {
    "video-annexb", "video-audio-only", "video-boxes-deep", "video-concat-local-file",
    "video-cut-1-byte", "video-cut-half", "video-cut-no-moov", "video-dref-external",
    "video-empty", "video-free-huge", "video-gif",
    "video-hls-local-file", "video-html", "video-moov-size-wrong", "video-mpegts",
    "video-no-samples", "video-no-tracks", "video-png", "video-stsz-huge", "video-stts-huge",
    "video-text", "video-webm", "video-zeros",
}  # fmt: skip


def packets(data: bytes) -> list[tuple[Fraction, int, bool]]:
    """List time, size and key mark of every packet, in decode order."""
    with av.open(io.BytesIO(data), "r") as container:
        return [
            (packet.pts * packet.time_base, packet.size, packet.is_keyframe)
            for packet in container.demux(video=0)
            if packet.pts is not None and packet.size
        ]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"frames": 1},
        {"b_frames": 2, "frames": 13},
        {"b_frames": 3, "frames": 20, "fragmented": True, "keyframe_every": 5},
        {"fragmented": True, "frames": 14},
        {"moov_first": True, "width": 64, "height": 48},
        {"frames": 60, "fps": 30, "keyframe_every": 10, "b_frames": 1},
        {"times_ms": (0, 40, 1_000, 1_010, 4_990, 12_000)},
    ],
    ids=str,
)
def test_a_demuxer_finds_the_same(arguments):
    """Number, times, sizes and keyframes are those that FFmpeg reads."""
    data = clip(**arguments)
    video = mp4.read_video(data)
    assert video.fault is None
    ours = [(Fraction(s.at, video.timescale), s.size_bytes, s.is_key) for s in video.samples]
    assert ours == packets(data)
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        assert (video.width, video.height) == (stream.width, stream.height)
        shown = [frame.time for frame in container.decode(video=0)]
    assert sorted(s.at / video.timescale for s in video.samples) == pytest.approx(shown)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"codec": "libx265"}, "HEVC"),
        ({"codec": "mjpeg", "pixel_format": "yuvj420p"}, "JPEG"),
        ({"pixel_format": "yuv444p"}, "High 4:4:4"),
    ],
    ids=str,
)
def test_other_real_codecs_have_a_fault(arguments, fault):
    """Such files are whole, and do not play."""
    assert fault in (mp4.read_video(clip(**arguments)).fault or "")


# Recorded by SDKs


@pytest.mark.parametrize("family", samples.families())
def test_recorded_segments_are_read(family):
    """Every video of every SDK plays, with the facts that a decoder found."""
    for request in contents.requests(family):
        for item in request.expect.get("items", []):
            facts = item.get("video")
            if not facts:
                continue
            data = contents.video_of(request)
            assert data is not None
            video = mp4.read_video(data)
            shown_s = [sample.at / video.timescale for sample in video.samples]
            assert video.fault is None
            assert len(video.samples) == facts["frames"]
            assert video.duration_ms == round(facts["seconds"] * 1_000)
            assert min(shown_s) == pytest.approx(facts["first_pts"], abs=0.001)
            assert max(shown_s) == pytest.approx(facts["last_pts"], abs=0.001)
            assert (video.width, video.height) == (facts["width"], facts["height"])
            assert len(data) == facts["bytes"]
            assert video.codec[:7] == PROFILES[facts["profile"]]


def test_hostile_videos_are_refused_or_have_a_fault():
    """Each has its known outcome, and none plays that may only be a segment without video."""
    seen = set()
    for request in contents.requests(samples.HOSTILE, "video-*"):
        name = request.name.partition("/")[2]
        try:
            data = contents.video_of(request)
            if data is None:
                seen.add(name)
                continue
            video = mp4.read_video(data)
        except (MalformedInput, OversizedInput):
            seen.add(name)
            continue
        assert video.fault == FAULTS.get(name), name
        assert video.is_playable <= (request.expect["result"] != "segment-without-video")
    assert seen == REFUSED
