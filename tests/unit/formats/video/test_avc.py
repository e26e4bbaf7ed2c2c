"""Tests of the facts read from H.264 parameter sets, and of the check of samples."""

import pytest

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.video import avc
from tests.support.builders.mp4_boxes import DELTA, KEY, PPS, SPS, avcc, nal, u16, u32


class Bits:
    """Writes the bit fields of a parameter set."""

    def __init__(self) -> None:
        self.text = ""

    def fixed(self, count: int, value: int) -> "Bits":
        self.text += f"{value:0{count}b}"
        return self

    def unsigned(self, *values: int) -> "Bits":
        for value in values:
            digits = f"{value + 1:b}"
            self.text += "0" * (len(digits) - 1) + digits
        return self

    def signed(self, *values: int) -> "Bits":
        return self.unsigned(*(2 * v - 1 if v > 0 else -2 * v for v in values))

    def nal(self) -> bytes:
        whole = self.text + "1"
        whole += "0" * (-len(whole) % 8)
        body = int(whole, 2).to_bytes(len(whole) // 8, "big")
        return b"\x67" + body.replace(b"\0\0", b"\0\0\3")


def sequence(profile: int = 66) -> Bits:
    """Begin a parameter set."""
    return Bits().fixed(8, profile).fixed(16, 31).unsigned(0)


def ended(bits: Bits, *, width: int = 448, height: int = 960, frames_only: int = 1) -> bytes:
    """End a parameter set whose picture order is of type 2."""
    bits.unsigned(0, 2, 1).fixed(1, 0)
    units = height // (16 if frames_only else 32)
    return bits.unsigned(width // 16 - 1, units - 1).fixed(1, frames_only).nal()


def test_the_configuration_is_read():
    """Profile and length size are read, and a usual configuration has no fault."""
    assert avc.read_avc_config(avcc()) == avc.AvcConfig("42C01F", 4, None)
    assert avc.read_avc_config(avcc(length_bytes=2)).nal_length_bytes == 2


def test_more_bytes_after_the_picture_sets_are_allowed():
    """High profile adds four bytes there."""
    assert avc.read_avc_config(avcc() + bytes.fromhex("fdf8f800")).fault is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"", "cut or not of version 1"),
        (b"\0" + avcc()[1:], "cut or not of version 1"),
        (avcc(length_bytes=3), "3 bytes"),
        (avcc()[: 8 + len(SPS)], "cut before its picture parameter sets"),
        (avcc()[: 7 + len(SPS)], "cut inside a parameter set"),
        (avcc()[:-1], "cut inside a parameter set"),
        (avcc(sps=(b"",)), "cut inside a parameter set"),
        (avcc(sps=(PPS,)), "NAL 104 where kind 7 is due"),
        (avcc(pps=(SPS,)), "NAL 103 where kind 8 is due"),
        (avcc(pps=(b"\xe8" + PPS[1:],)), "NAL 232 where kind 8 is due"),
        (avcc(sps=(SPS[:4],)), "sequence parameter set is cut"),
        (avcc(sps=(SPS[:1],)), "sequence parameter set is cut"),
    ],
)
def test_a_broken_configuration_is_refused(config, message):
    """Every part of it must be there and have the right kind."""
    with pytest.raises(MalformedInput, match=message):
        avc.read_avc_config(config)


def test_a_configuration_is_limited():
    """A configuration has at most 4,096 bytes, since it is stored with every segment."""
    most = avcc() + bytes(4_096 - len(avcc()))
    assert avc.read_avc_config(most).fault is None
    with pytest.raises(OversizedInput, match="4097 bytes"):
        avc.read_avc_config(most + b"\0")


@pytest.mark.parametrize("config", [avcc(sps=()), avcc(pps=())])
def test_parameter_sets_must_be_in_the_header(config):
    """A header without parameter sets is refused: no decoder can be set up from it."""
    assert "parameter sets" in (avc.read_avc_config(config).fault or "")


def test_every_parameter_set_is_judged():
    """One parameter set of a profile that does not play is enough for a fault."""
    other = sequence(244).nal()
    fault = avc.read_avc_config(avcc(sps=(SPS, other))).fault
    assert fault == "it is H.264 High 4:4:4; browsers play Baseline, Main and High"


@pytest.mark.parametrize("profile", [66, 77])
def test_usual_profiles_play(profile):
    """Baseline and Main do not name their colours, which are always 4:2:0."""
    assert avc.judge_sequence(ended(sequence(profile))) is None


@pytest.mark.parametrize(
    ("profile", "name"), [(44, "High 4:4:4 Intra"), (110, "High 10"), (99, "profile 99")]
)
def test_other_profiles_do_not_play(profile, name):
    """The fault names the profile."""
    assert f"it is H.264 {name};" in (avc.judge_sequence(sequence(profile).nal()) or "")


def test_high_profile_plays():
    """Browsers play it with 4:2:0 colours of 8 bits."""
    bits = sequence(100).unsigned(1, 0, 0).fixed(1, 0).fixed(1, 0)
    assert avc.judge_sequence(ended(bits)) is None


def test_scaling_lists_are_skipped():
    """The fields after eight lists are read, also if some are absent and one ends early."""
    bits = sequence(100).unsigned(1, 0, 0).fixed(1, 0).fixed(1, 1)
    bits.fixed(1, 1).signed(*[1, -1] * 8)
    bits.fixed(1, 1).signed(-8)
    bits.fixed(4, 0)
    bits.fixed(1, 1).signed(*[2, -2] * 32)
    bits.fixed(1, 0)
    fault = avc.judge_sequence(ended(bits, width=8_000))
    assert fault == "its pictures are coded as 8000 x 960, at most 4096 play"


@pytest.mark.parametrize(
    ("numbers", "word"),
    [((3, 0, 0), "4:2:0"), ((0, 0, 0), "4:2:0"), ((1, 2, 0), "8 bits"), ((1, 0, 2), "8 bits")],
)
def test_other_colours_do_not_play(numbers, word):
    """High profile also allows 4:0:0, 4:4:4 and more bits."""
    bits = sequence(100).unsigned(*numbers).fixed(1, 0).fixed(1, 0)
    assert word in (avc.judge_sequence(ended(bits)) or "")


def test_picture_order_of_every_type_is_skipped():
    """The size after it is found for types 0, 1 and 2."""
    zero = sequence().unsigned(0, 0, 4, 1).fixed(1, 0)
    one = sequence().unsigned(0, 1).fixed(1, 0).signed(-1, 2).unsigned(2).signed(3, -4)
    one.unsigned(1).fixed(1, 0)
    for bits in (zero, one):
        fault = avc.judge_sequence(bits.unsigned(511, 3).fixed(1, 1).nal())
        assert fault == "its pictures are coded as 8192 x 64, at most 4096 play"


@pytest.mark.parametrize(
    ("width", "height", "plays"),
    [
        (LIMITS.video_px, LIMITS.video_px, True),
        (LIMITS.video_px + 16, 16, False),
        (16, LIMITS.video_px + 16, False),
    ],
)
def test_the_coded_size_has_a_limit(width, height, plays):
    """Decoders go by this size, and not by that of the container."""
    fault = avc.judge_sequence(ended(sequence(), width=width, height=height))
    assert (fault is None) is plays


def test_fields_double_the_height():
    """An interlaced picture counts its height in pairs of macroblocks."""
    fault = avc.judge_sequence(ended(sequence(), height=8_192, frames_only=0))
    assert fault == "its pictures are coded as 448 x 8192, at most 4096 play"


def test_samples_are_walked():
    """A decoder can start where there is an IDR picture, after its parameter sets."""
    data = b"xx" + KEY + DELTA
    extents = [(2, len(KEY)), (2 + len(KEY), len(DELTA))]
    assert avc.walk_samples(data, extents, nal_length_bytes=4) == [True, False]


@pytest.mark.parametrize("length_bytes", [1, 2, 4])
def test_nal_lengths_of_every_size_are_read(length_bytes):
    """One, two or four bytes say how long a NAL is."""
    sample = b"".join(
        length.to_bytes(length_bytes, "big") + bytes((kind,)) + bytes(length - 1)
        for kind, length in ((9, 2), (1, 5), (1, 1))
    )
    key_marks = avc.walk_samples(sample, [(0, len(sample))], nal_length_bytes=length_bytes)
    assert key_marks == [False]


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (nal(1)[:-1], "cut inside a NAL"),
        (nal(1) + b"\0\0\0\1", "cut inside a NAL"),
        (nal(1) + u32(0) + b"\x61", "are not a NAL"),
        (u32(2) + b"\xe1\0", "are not a NAL"),
        (nal(6) + nal(7), "holds no picture"),
        (bytes(40), "are not a NAL"),
        (u16(0xFFFF) * 20, "are not a NAL"),
    ],
)
def test_a_broken_sample_is_refused(sample, message):
    """Lengths must lead from its first byte to its last, over at least one slice."""
    with pytest.raises(MalformedInput, match=message):
        avc.walk_samples(sample + bytes(100), [(0, len(sample))], nal_length_bytes=4)


def test_nals_are_limited():
    """200,000 NALs are followed, and one more is refused."""
    tiny = b"\x01\x61"
    data = tiny * 200_001
    assert avc.walk_samples(data, [(0, 400_000)], nal_length_bytes=1) == [False]
    with pytest.raises(OversizedInput, match="more than 200000 NALs"):
        avc.walk_samples(data, [(0, len(data))], nal_length_bytes=1)
