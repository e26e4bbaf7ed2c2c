"""Serves `static/`: compressed text, and the style sheets of a page in one answer.

    css/bundle.css?tokens,base,pages/replay/stage     the named files one after the other
    *.js, *.css, *.svg                         brotli or gzip, compressed once and kept

The base of the addresses names the content, so an answer never expires. A checkout serves its
modules as they are; in the wheel each script is one file (`tools/bundle.js`) at the same address.
"""

import gzip
import re
from functools import lru_cache
from pathlib import Path
from typing import Final, override

import brotli  # type: ignore[import-untyped]  # the package carries no types
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.core.shipped import STATIC

_KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_BUNDLE: Final = "css/bundle.css"
_MOST_KEPT: Final = 512
"""Enough for three encodings of each file, and some addresses that name no file."""
_STYLE_NAME: Final = re.compile(r"[a-z0-9_/-]+")


class Assets(StaticFiles):
    """Serves the static files of the pages."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer text compressed, and any other file as it is."""
        media_type = _KINDS.get(Path(path).suffix)
        if media_type is None or scope["method"] not in {"GET", "HEAD"}:
            return await super().get_response(path, scope)
        query = scope["query_string"].decode("latin-1") if path == _BUNDLE else ""
        accepted = dict(scope["headers"]).get(b"accept-encoding", b"").decode("latin-1")
        encoding = next((name for name in ("br", "gzip") if name in accepted), "")
        data = _compress(path, query, encoding)
        if data is None:
            raise HTTPException(404)
        headers = {"Vary": "Accept-Encoding"}
        if encoding:
            headers["Content-Encoding"] = encoding
        return Response(data, 200, headers, media_type)


def prepare_assets() -> None:
    """Compress all scripts, so that no visitor waits for it."""
    for path in STATIC.rglob("*.js"):
        _compress(path.relative_to(STATIC).as_posix(), "", "br")


def read_asset(path: str, query: str = "") -> bytes | None:
    """Return a text file, or the style sheets that a query names.

    Returns:
        None if there is no such file.
    """
    if path != _BUNDLE:
        return _read_file(path)
    parts = [
        _read_file(f"css/{name}.css") for name in query.split(",") if _STYLE_NAME.fullmatch(name)
    ]
    return None if None in parts or not parts else b"\n".join(part for part in parts if part)


@lru_cache(maxsize=_MOST_KEPT)
def _compress(path: str, query: str, encoding: str) -> bytes | None:
    data = read_asset(path, query)
    if data is None or not encoding:
        return data
    compressed = brotli.compress(data, quality=9) if encoding == "br" else gzip.compress(data, 9)
    return bytes(compressed)


def _read_file(path: str) -> bytes | None:
    file = (STATIC / path).resolve()
    if not file.is_relative_to(STATIC.resolve()) or not file.is_file():
        return None
    return file.read_bytes()
