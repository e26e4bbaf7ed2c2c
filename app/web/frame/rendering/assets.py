"""Serves `static/`: compressed text, and the style sheets of a page in one answer.

    css/bundle.css?tokens,base,pages/replay/stage     the named files one after the other
    *.js, *.css, *.svg                         brotli or gzip, compressed once and kept

The base of the addresses names the content, so an answer never expires. A checkout serves its
modules as they are; in the wheel each script is one file (`tools/bundle.js`) at the same address.
"""

import gzip
import mimetypes
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final, override

import brotli  # type: ignore[import-untyped]  # the package carries no types
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from app.core.shipped import STATIC
from app.processes.static_releases import StaticReleases

ReadFile = Callable[[str], bytes | None]
"""Returns a file of one release by its path, or None if there is no such file."""

_KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_ADDRESS: Final = re.compile(r"/static/([0-9a-f]{12})/(.+)")
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
        if Path(path).suffix not in _KINDS or scope["method"] not in {"GET", "HEAD"}:
            return await super().get_response(path, scope)
        return answer_file(_read_file, path, scope)


class OtherAssets:
    """Serves static files of other releases, which pages of other processes or of before name."""

    def __init__(self, releases: StaticReleases) -> None:
        self._releases = releases

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, mounted after this release's own files."""
        address = _ADDRESS.fullmatch(scope["path"])
        if address is None or scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(404)
        release = await self._releases.find_release(address[1])
        if release is None:
            raise HTTPException(404)
        await answer_file(release.read_file, address[2], scope)(scope, receive, send)


def answer_file(read_file: ReadFile, path: str, scope: Scope) -> Response:
    """Answer a request for a file: text is compressed.

    Args:
        read_file: Returns a file of the release that is asked for.
        path: The path of the file within it.
        scope: The request.

    Raises:
        HTTPException: There is no such file.
    """
    query = scope["query_string"].decode("latin-1") if path == _BUNDLE else ""
    accepted = dict(scope["headers"]).get(b"accept-encoding", b"").decode("latin-1")
    media_type = _KINDS.get(Path(path).suffix)
    encoding = ""
    if media_type is not None:
        encoding = next((name for name in ("br", "gzip") if name in accepted), "")
    data = _compress(read_file, path, query, encoding)
    if data is None:
        raise HTTPException(404)
    headers = {"Vary": "Accept-Encoding"}
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(data, 200, headers, media_type or mimetypes.guess_type(path)[0])


def prepare_assets() -> None:
    """Compress all scripts, so that no visitor waits for it."""
    for path in STATIC.rglob("*.js"):
        _compress(_read_file, path.relative_to(STATIC).as_posix(), "", "br")


def read_asset(path: str, query: str = "") -> bytes | None:
    """Return a text file, or the style sheets that a query names.

    Returns:
        None if there is no such file.
    """
    return _read_asset(_read_file, path, query)


def _read_asset(read_file: ReadFile, path: str, query: str) -> bytes | None:
    if path != _BUNDLE:
        return read_file(path)
    parts = [
        read_file(f"css/{name}.css") for name in query.split(",") if _STYLE_NAME.fullmatch(name)
    ]
    return None if None in parts or not parts else b"\n".join(part for part in parts if part)


@lru_cache(maxsize=_MOST_KEPT)
def _compress(read_file: ReadFile, path: str, query: str, encoding: str) -> bytes | None:
    data = _read_asset(read_file, path, query)
    if data is None or not encoding:
        return data
    compressed = brotli.compress(data, quality=9) if encoding == "br" else gzip.compress(data, 9)
    return bytes(compressed)


def _read_file(path: str) -> bytes | None:
    file = (STATIC / path).resolve()
    if not file.is_relative_to(STATIC.resolve()) or not file.is_file():
        return None
    return file.read_bytes()
