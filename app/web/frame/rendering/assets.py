"""Serves `static/`: text packed as the browser takes it, and the style sheets of a page in one.

    css/bundle.css?tokens,base,pages/replay/stage     the named files one after the other
    *.js, *.css, *.svg                         brotli or gzip, made once, kept

The base of the addresses names the content, so an answer is good for ever. A checkout serves its
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
"""Three codings of each file, and some addresses that name none."""
_PLACE: Final = re.compile(r"[a-z0-9_/-]+")


class Assets(StaticFiles):
    """The files of the web app."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer text from what was packed before, anything else as the file it is."""
        media_type = _KINDS.get(Path(path).suffix)
        if media_type is None or scope["method"] not in {"GET", "HEAD"}:
            return await super().get_response(path, scope)
        query = scope["query_string"].decode("latin-1") if path == _BUNDLE else ""
        wanted = dict(scope["headers"]).get(b"accept-encoding", b"").decode("latin-1")
        coding = next((one for one in ("br", "gzip") if one in wanted), "")
        data = _packed(path, query, coding)
        if data is None:
            raise HTTPException(404)
        headers = {"Vary": "Accept-Encoding"}
        if coding:
            headers["Content-Encoding"] = coding
        return Response(data, 200, headers, media_type)


def prepare_assets() -> None:
    """Pack all scripts, so that no visitor waits for it."""
    for path in STATIC.rglob("*.js"):
        _packed(path.relative_to(STATIC).as_posix(), "", "br")


def read_asset(path: str, query: str = "") -> bytes | None:
    """Return a text file, or the style sheets that a query names.

    Returns:
        None when there is none such.
    """
    if path != _BUNDLE:
        return _file(path)
    parts = [_file(f"css/{name}.css") for name in query.split(",") if _PLACE.fullmatch(name)]
    return None if None in parts or not parts else b"\n".join(part for part in parts if part)


@lru_cache(maxsize=_MOST_KEPT)
def _packed(path: str, query: str, coding: str) -> bytes | None:
    data = read_asset(path, query)
    if data is None or not coding:
        return data
    packed = brotli.compress(data, quality=9) if coding == "br" else gzip.compress(data, 9)
    return bytes(packed)


def _file(path: str) -> bytes | None:
    place = (STATIC / path).resolve()
    return (
        place.read_bytes() if place.is_relative_to(STATIC.resolve()) and place.is_file() else None
    )
