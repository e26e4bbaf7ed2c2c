"""Reads the native images of an event: which library was loaded where, and its debug id."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.debug_files.model import DebugFileKind
from app.formats import jsonish
from app.formats.debug_files.debug_ids import derive_elf_debug_id, normalize_debug_id
from app.formats.jsonish import JsonObject

_KINDS: Final = {
    "elf": DebugFileKind.ELF,
    "macho": DebugFileKind.MACHO,
    "apple": DebugFileKind.MACHO,
    "pe": DebugFileKind.PDB,
    "pe_dotnet": DebugFileKind.PDB,
}
_PATH_CHARS: Final = 1_000
_LABEL_CHARS: Final = 100
_ADDRESS_CHARS: Final = 20
_END: Final = 2**64
_RELATIVE: Final = "rel:"


@dataclass(frozen=True, slots=True)
class NativeImage:
    """A library or program in the memory of the process."""

    kind: DebugFileKind
    debug_id: str
    """Normalised."""
    path: str
    """The path on the device; empty if the event does not say."""
    arch: str | None
    start: int | None
    """The address at which it begins in memory; None if the event does not say, as thread dumps."""
    size_bytes: int | None
    """None if the event does not say: it reaches to the next image then."""

    @property
    def name(self) -> str:
        """The name of the file, without its folders."""
        return self.path.replace("\\", "/").rpartition("/")[2]


class NativeImages:
    """The native images of an event, by address and by the ways in which frames name them."""

    def __init__(self, images: Sequence[JsonObject]) -> None:
        """Read images.

        Args:
            images: All images in `debug_meta`, as sent and in their order.
        """
        # Frames count images of all kinds.
        self._numbered = [_read_image(image) for image in images]
        placed = sorted(
            (
                (image.start, number)
                for number, image in enumerate(self._numbered)
                if image is not None and image.start is not None
            ),
        )
        self._starts = [start for start, _ in placed]
        self._placed = [number for _, number in placed]
        self._by_id = {image.debug_id: image for image in self._numbered if image is not None}

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._by_id)

    def find_image(self, address: int) -> NativeImage | None:
        """Return the image in which an address lies."""
        at = bisect_right(self._starts, address) - 1
        image = self._numbered[self._placed[at]] if at >= 0 else None
        if image is None or image.size_bytes is None or image.start is None:
            return image
        return image if address < image.start + image.size_bytes else None

    def find_named_image(self, mode: str) -> NativeImage | None:
        """Return the image to which a frame's addresses are relative.

        Args:
            mode: The frame's `addr_mode`: `rel:` and a debug id, or the number of an image.
        """
        name = mode.removeprefix(_RELATIVE)
        if name.isascii() and name.isdecimal() and len(name) <= _LABEL_CHARS:
            number = int(name)
            return self._numbered[number] if number < len(self._numbered) else None
        debug_id = normalize_debug_id(name)
        return self._by_id.get(debug_id) if debug_id else None


def parse_address(value: object) -> int | None:
    """Read an address: a number, or text in hex with `0x` or in decimals.

    Returns:
        None for whatever is not an address of 64 bits.
    """
    if isinstance(value, str) and len(value) <= _ADDRESS_CHARS and value.isascii():
        try:
            value = int(value, 16 if value[:2] in {"0x", "0X"} else 10)
        except ValueError:
            return None
    is_address = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _END
    return value if is_address else None  # type: ignore[return-value]  # it is an int


def is_relative(mode: object) -> bool:
    """Tell whether the `addr_mode` of a frame says that its address counts from an image."""
    return isinstance(mode, str) and mode.startswith(_RELATIVE)


def _read_image(image: JsonObject) -> NativeImage | None:
    kind = _KINDS.get(jsonish.text(image, "type", limit=_LABEL_CHARS) or "")
    if kind is None:
        return None
    debug_id = _read_debug_id(image, kind)
    if debug_id is None:
        return None
    path = (
        jsonish.text(image, "code_file", limit=_PATH_CHARS)
        or jsonish.text(image, "name", limit=_PATH_CHARS)  # older Cocoa SDKs
        or jsonish.text(image, "debug_file", limit=_PATH_CHARS)
        or ""
    )
    return NativeImage(
        kind=kind,
        debug_id=debug_id,
        path=path,
        arch=jsonish.text(image, "arch", limit=_LABEL_CHARS),
        start=parse_address(image.get("image_addr")),
        size_bytes=parse_address(image.get("image_size")) or None,
    )


def _read_debug_id(image: JsonObject, kind: DebugFileKind) -> str | None:
    for name in ("debug_id", "id", "uuid"):
        debug_id = normalize_debug_id(image.get(name))
        if debug_id is not None:
            return debug_id
    if kind is DebugFileKind.ELF:
        return derive_elf_debug_id(image.get("code_id"))
    return None
