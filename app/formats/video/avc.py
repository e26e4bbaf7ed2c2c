"""Judges H.264 without decoding it: its configuration, and the structure of its samples.

    avcC    1 | profile | compatibility | level | 111111 + length size - 1
            | 111 + count of SPS | length, SPS … | count of PPS | length, PPS …
    sample  NAL length | NAL | NAL length | NAL …

Source: ISO/IEC 14496-15, section 5.3.3; ITU-T H.264, sections 7.3.1, 7.3.2.1 and annex A.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Final

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS

_SHORTEST_CONFIG_BYTES: Final = 7
_LONGEST_CONFIG_BYTES: Final = 4_096
"""Most bytes of a configuration, since it is stored with every segment. Real ones have 30 to 60."""
_MOST_NALS: Final = 200_000
"""Most NALs of a video, ten for each sample of the longest, to bound the time for tiny NALs."""
_HIGH: Final = 100
_PLAYED_PROFILES: Final = frozenset({66, 77, _HIGH})
"""Baseline, Main and High, which every browser decodes."""
_OTHER_PROFILES: Final = {
    44: "High 4:4:4 Intra",
    88: "Extended",
    110: "High 10",
    122: "High 4:2:2",
    244: "High 4:4:4",
}
_CHROMA_4_2_0: Final = 1
_DEEPEST_POC_CYCLE: Final = 255
_NAL_HEADS: Final = {1: Struct(">BB"), 2: Struct(">HB"), 4: Struct(">IB")}
"""Layouts of a NAL's length and first byte, by the size of the length."""
_FORBIDDEN_BIT: Final = 0x80
_NAL_KIND: Final = 0x1F
_IDR: Final = 5
_SPS: Final = 7
_PPS: Final = 8


@dataclass(frozen=True, slots=True)
class AvcConfig:
    """The facts in the configuration record of a track."""

    profile_text: str
    """Profile, compatibility and level as six hex digits, the end of `avc1.42C01F`."""
    nal_length_bytes: int
    fault: str | None
    """The reason why browsers do not play it, for people, or None if they do."""


@lru_cache(maxsize=256)
def read_avc_config(config: bytes) -> AvcConfig:
    """Read the body of an `avcC` box, which is the same in all segments of a phone.

    Raises:
        MalformedInput: It is cut, of another version, or its parameter sets are of other kinds.
        OversizedInput: It is longer than 4,096 bytes.
    """
    if len(config) > _LONGEST_CONFIG_BYTES:
        raise OversizedInput(
            f"avcC of {len(config)} bytes, at most {_LONGEST_CONFIG_BYTES} are read"
        )
    if len(config) < _SHORTEST_CONFIG_BYTES or config[0] != 1:
        raise MalformedInput("avcC is cut or not of version 1")
    nal_length_bytes = (config[4] & 3) + 1
    if nal_length_bytes not in _NAL_HEADS:
        raise MalformedInput("avcC says that NAL lengths have 3 bytes; 1, 2 or 4 are possible")
    sequences, at = _read_sets(config, 6, count=config[5] & 0x1F, kind=_SPS)
    if at >= len(config):
        raise MalformedInput("avcC is cut before its picture parameter sets")
    pictures, _ = _read_sets(config, at + 1, count=config[at], kind=_PPS)
    if not sequences or not pictures:
        fault: str | None = "its parameter sets are not in the file header, where players need them"
    else:
        fault = next((fault for sps in sequences if (fault := judge_sequence(sps))), None)
    return AvcConfig(config[1:4].hex().upper(), nal_length_bytes, fault)


def _read_sets(config: bytes, at: int, *, count: int, kind: int) -> tuple[list[bytes], int]:
    """Read parameter sets, each after its 16-bit length; return them and the offset of the end."""
    parameter_sets: list[bytes] = []
    for _ in range(count):
        start = at + 2
        at = start + int.from_bytes(config[at:start], "big")
        if start >= at or at > len(config):
            raise MalformedInput("avcC is cut inside a parameter set")
        if config[start] & (_FORBIDDEN_BIT | _NAL_KIND) != kind:
            raise MalformedInput(f"avcC holds NAL {config[start]} where kind {kind} is due")
        parameter_sets.append(config[start:at])
    return parameter_sets, at


def judge_sequence(sps: bytes) -> str | None:
    """Return why browsers do not play video with a sequence parameter set, or None if they do.

    Raises:
        MalformedInput: The parameter set is cut.
    """
    try:
        return _judge_bits(sps)
    except (IndexError, ValueError):
        raise MalformedInput("the sequence parameter set is cut") from None


class _Bits:
    """Reads the bit fields of a parameter set, without the bytes of emulation prevention."""

    def __init__(self, nal: bytes) -> None:
        payload = nal[1:].replace(b"\0\0\3", b"\0\0")
        self._text = f"{int.from_bytes(payload, 'big'):0{len(payload) * 8}b}" if payload else ""
        self._at = 0

    def read_fixed(self, count: int) -> int:
        """Read u(count): an unsigned number of so many bits."""
        text = self._text[self._at : self._at + count]
        if len(text) < count:
            raise IndexError
        self._at += count
        return int(text, 2)

    def read_unsigned(self) -> int:
        """Read ue(v): some zeros, a one, and as many digits as there were zeros."""
        one_at = self._text.index("1", self._at)
        zeros, self._at = one_at - self._at, one_at
        return self.read_fixed(zeros + 1) - 1

    def read_signed(self) -> int:
        """Read se(v), which counts 0, 1, -1, 2, -2 and so on."""
        value = self.read_unsigned()
        return (value + 1) // 2 if value % 2 else -(value // 2)


def _judge_bits(sps: bytes) -> str | None:
    """Read a sequence parameter set up to the picture size, as `judge_sequence` does."""
    bits = _Bits(sps)
    profile = bits.read_fixed(8)
    bits.read_fixed(16)
    bits.read_unsigned()  # its id
    if profile not in _PLAYED_PROFILES:
        name = _OTHER_PROFILES.get(profile, f"profile {profile}")
        return f"it is H.264 {name}; browsers play Baseline, Main and High"
    if profile == _HIGH and (fault := _judge_chroma(bits)):
        return fault
    bits.read_unsigned()  # digits of the frame number
    _skip_picture_order(bits)
    bits.read_unsigned()  # reference frames
    bits.read_fixed(1)
    width_px = (bits.read_unsigned() + 1) * 16
    units = bits.read_unsigned() + 1
    height_px = units * (32 if bits.read_fixed(1) == 0 else 16)
    # Up to 15 pixels are the coder's padding and not shown.
    if max(width_px, height_px) >= LIMITS.video_px + 16:
        return f"its pictures are coded as {width_px} x {height_px}, at most {LIMITS.video_px} play"
    return None


def _judge_chroma(bits: _Bits) -> str | None:
    """Read the fields that only High profiles have, and return why browsers do not play it."""
    if bits.read_unsigned() != _CHROMA_4_2_0:
        return "its colours are not 4:2:0, which is what browsers play"
    if bits.read_unsigned() or bits.read_unsigned():
        return "its colours have more than 8 bits, which browsers do not play"
    bits.read_fixed(1)
    if bits.read_fixed(1):
        for index in range(8):
            if bits.read_fixed(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)  # noqa: PLR2004 - 4x4, then 8x8
    return None


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    """Skip a scaling list, which ends early where a scale becomes 0."""
    scale = 8
    for _ in range(size):
        scale = (scale + bits.read_signed()) % 256
        if scale == 0:
            return


def _skip_picture_order(bits: _Bits) -> None:
    """Skip the fields on picture order, of which there are three types."""
    kind = bits.read_unsigned()
    if kind == 0:
        bits.read_unsigned()
    elif kind == 1:
        bits.read_fixed(1)
        bits.read_signed()
        bits.read_signed()
        for _ in range(min(bits.read_unsigned(), _DEEPEST_POC_CYCLE)):
            bits.read_signed()


def walk_samples(
    data: bytes | memoryview, extents: Iterable[tuple[int, int]], *, nal_length_bytes: int
) -> list[bool]:
    """Follow the NAL lengths of every sample from its first byte to its last.

    Args:
        data: The whole file.
        extents: First byte and size of each sample, all inside the file.
        nal_length_bytes: Size of the length of a NAL, from the configuration.

    Returns:
        True for each sample that a decoder can start with, because it holds an IDR picture.

    Raises:
        MalformedInput: A NAL is empty or too long, or a sample holds no picture.
        OversizedInput: There are more NALs than pictures can need.
    """
    head = _NAL_HEADS[nal_length_bytes]
    read_head, head_bytes = head.unpack_from, head.size
    starts_here: list[bool] = []
    nals = 0
    for at, size in extents:
        nal, end = at, at + size
        kinds = 0
        while nal < end:
            if nal + head_bytes > end:
                raise MalformedInput(f"sample at byte {at} is cut inside a NAL")
            length, first = read_head(data, nal)
            if length == 0 or first & _FORBIDDEN_BIT:
                raise MalformedInput(f"sample at byte {at} holds bytes that are not a NAL")
            kinds |= 1 << (first & _NAL_KIND)
            nal += nal_length_bytes + length
            nals += 1
            if nals > _MOST_NALS:
                raise OversizedInput(f"more than {_MOST_NALS} NALs")
        if nal != end or not kinds & 0b11_1110:  # kinds 1 to 5 are slices of a picture
            raise MalformedInput(f"sample at byte {at} is cut inside a NAL or holds no picture")
        starts_here.append(bool(kinds & 1 << _IDR))
    return starts_here
