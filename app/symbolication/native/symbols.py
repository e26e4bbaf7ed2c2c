"""Collects the symbols of one image while an event is made clear."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.debug_files.model import DebugFilePart, DebugFileRemark
from app.symbolication.family import LocalFile
from app.symbolication.native.addresses import FrameAddress
from app.symbolication.native.images import NativeImage
from app.symbolicator.wire import SourceLocation


@dataclass(slots=True, eq=False)
class SourceFiles:
    """An uploaded bundle with the sources of an image."""

    part: DebugFilePart
    file: LocalFile


@dataclass(slots=True, eq=False)
class ImageSymbols:
    """The symcache of an image, and what was found in it."""

    image: NativeImage
    part: DebugFilePart | None = None
    """The debug file of the image. It may be there without a symcache that helps."""
    file: LocalFile | None = None
    """The open symcache, if it can name functions."""
    locations: dict[FrameAddress, Sequence[SourceLocation]] = field(default_factory=dict)
    """The locations of addresses, innermost function first."""
    sources: list[SourceFiles] = field(default_factory=list)

    @property
    def has_no_lines(self) -> bool:
        """True if the debug file names functions, but no lines."""
        return self.part is not None and self.part.remark is DebugFileRemark.NO_LINES

    @property
    def reason(self) -> Literal["not_uploaded", "stripped"] | None:
        """The reason why a frame in this image stays unreadable, as far as another file would help.

        A debug file has the id of its image, so an address that it does not know is of code for
        which compilers write nothing, such as the stubs of a linker.
        """
        if self.file is not None:
            return None
        if self.part is not None and self.part.remark is DebugFileRemark.STRIPPED:
            return "stripped"
        return "not_uploaded"
