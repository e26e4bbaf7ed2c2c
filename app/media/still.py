"""Draws one picture again, so that nothing hidden in the original file reaches a browser.

Runs inside the media child; Pillow only.
"""

import io
from typing import Final

from PIL import Image

from app.media.wire import LONGEST_STILL_PX, StillPicture

_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_MOST_PIXELS: Final = 4_096 * 4_096
_QUALITY: Final = 80


def redraw(data: bytes, *, is_jpeg: bool = False) -> StillPicture:
    """Decode a picture, scale it down to what a page shows, and encode it.

    Args:
        data: A PNG, JPEG or WebP.
        is_jpeg: True to encode a JPEG, which has no alpha, and not a WebP.

    Raises:
        Exception: The data is not a picture, is too large, or is broken. Pillow raises many kinds
            of errors, and each of them ends the child.
    """
    with Image.open(io.BytesIO(data), formats=_FORMATS) as original:
        if original.width * original.height > _MOST_PIXELS:
            raise ValueError("the picture is too large")
        original.draft("RGB", (LONGEST_STILL_PX, LONGEST_STILL_PX))
        has_alpha = "transparency" in original.info or original.mode in {"RGBA", "LA", "PA"}
        picture = original.convert("RGBA" if has_alpha and not is_jpeg else "RGB")
    picture.thumbnail((LONGEST_STILL_PX, LONGEST_STILL_PX))
    target = io.BytesIO()
    if is_jpeg:
        picture.save(target, "JPEG", quality=_QUALITY)
    else:
        picture.save(target, "WEBP", quality=_QUALITY, method=2)
    return StillPicture(target.getvalue(), picture.width, picture.height)


def warm_up() -> None:
    """Use every format once, so that nothing has to be loaded after the sandbox is closed."""
    for name in _FORMATS:
        for mode in ("RGB", "L", "RGBA", "P"):
            if name != "JPEG" or mode in {"RGB", "L"}:
                target = io.BytesIO()
                Image.new(mode, (4, 4)).save(target, name)
                redraw(target.getvalue())
                redraw(target.getvalue(), is_jpeg=True)
