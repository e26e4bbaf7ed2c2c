"""Reads the sites that may show a share in a frame, from the field of a form.

They become part of a header of the page (`frame-ancestors`), so only origins may pass.
"""

import re
from typing import Final

from app.core import log
from app.core.errors import InvalidInput
from app.replays.sharing.model import MOST_FRAME_ORIGINS

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN: Final = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*)(?P<port>:[0-9]{{1,5}})?/?"
)
_LONGEST: Final = 253
_HIGHEST_PORT: Final = 65_535


def read_frame_origins(text: str) -> tuple[str, ...]:
    """Read origins that blanks, commas or lines separate.

    Returns:
        Origins in the order given, each once: `https://wiki.example.com`.

    Raises:
        InvalidInput: There are too many, or one is not the address of a site.
    """
    origins = [_read_origin(word) for word in text.replace(",", " ").split()]
    unique = tuple(dict.fromkeys(origins))
    if len(unique) > MOST_FRAME_ORIGINS:
        raise InvalidInput(f"a share can stand in frames of {MOST_FRAME_ORIGINS} sites at most")
    return unique


def _read_origin(word: str) -> str:
    match = _ORIGIN.fullmatch(word.lower())
    port = int((match["port"] or ":0")[1:]) if match else 0
    if match is None or len(match["host"]) > _LONGEST or port > _HIGHEST_PORT:
        raise InvalidInput(
            f"{log.shown(word)} is not the address of a site; write it as https://wiki.example.com,"
            " without a path"
        )
    return f"{match['scheme']}://{match['host']}{match['port'] or ''}"
