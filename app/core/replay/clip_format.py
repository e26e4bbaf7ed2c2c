"""The file formats of clips."""

from enum import StrEnum


class ClipFormat(StrEnum):
    """A file format of a clip; the value is also the extension of its file name."""

    MP4 = "mp4"
    GIF = "gif"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """The media type with which the file is served."""
        return "video/mp4" if self is ClipFormat.MP4 else f"image/{self.value}"
