"""Addresses of scripts, as events, bundles and source maps write them.

Events name a script by where it ran (`https://shop.example/app.js?v=2`, `app:///main.jsbundle`), a
bundle by `~/app.js`, in which `~` is any scheme and host, and a source map by a path relative to
its own address. Nothing here is ever fetched.
"""

import re
from typing import Final

_ANY_HOST: Final = "~"
_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]*:)//([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
_BUNDLER: Final = re.compile(
    r"(?:webpack|webpack-internal|turbopack|rspack|ng|rsc|vite|parcel)://[^/]*/"
    r"(?:\((?:rsc|ssr|app-pages-browser|pages-dir-node|action-browser)\)/)?(.*)",
    re.DOTALL,
)
_WEBPACK_HASH: Final = re.compile(r"\?[0-9a-f]{4,20}\Z")
_SUFFIX: Final = re.compile(r"[?#]")
_NO_FILES: Final = frozenset({"", "native", "[native code]", "<anonymous>", "anonymous"})
_ENGINE_SCRIPT: Final = "InternalBytecode.js"
"""Code of Hermes itself, for which no app has a source map."""


def is_script_address(url: object) -> bool:
    """Say whether a frame with this address can have a source map."""
    if not isinstance(url, str) or url in _NO_FILES or url.endswith(_ENGINE_SCRIPT):
        return False
    return not url.startswith(("node:", "data:", "blob:", "native "))


def list_url_candidates(url: str) -> list[str]:
    """List the addresses under which a bundle may have a script, the most exact first.

    With and without scheme and host, each with and without what follows `?` or `#`.
    """
    plain = leave_out_query(url)
    candidates = [url, plain, _leave_out_host(url), _leave_out_host(plain)]
    return list(dict.fromkeys(candidates))


def leave_out_query(url: str) -> str:
    """Return an address without what follows `?` or `#`."""
    return _SUFFIX.split(url, maxsplit=1)[0]


def move_to_host(url: str, path: str) -> str:
    """Return an address that begins with `~` as one on the host of another address.

    Args:
        url: An address with scheme and host.
        path: An address with `~` for scheme and host; others come back as they are.
    """
    root, _ = _split_root(url)
    return root + path[1:] if path.startswith(_ANY_HOST + "/") and root else path


def resolve_url(base: str, reference: str) -> str:
    """Resolve the address of a source or of a map against that of the file that names it.

    Args:
        base: Any address; with `~` for scheme and host, or without both.
        reference: Relative, with or without a host, or on another host.
    """
    if _ADDRESS.match(reference) or reference.startswith(_ANY_HOST + "/"):
        return reference
    if _SCHEME.match(reference):
        return reference
    root, path = _split_root(base)
    if reference.startswith("//"):
        return root.partition("//")[0] + reference
    folder = "" if reference.startswith("/") else path.rpartition("/")[0]
    return root + _remove_dots(f"{folder}/{reference.lstrip('/')}")


def shorten_source_name(source: str) -> str:
    """Write the address of a source as people know the file.

    Bundlers put their own scheme before it: `webpack:///./src/cart.js?a1b2` is `./src/cart.js`.
    """
    match = _BUNDLER.fullmatch(source)
    if match is None:
        return source.removeprefix("app:///") or source
    name = _WEBPACK_HASH.sub("", match[1])
    _, tilde, module = name.partition("~/")
    return f"~/{module}" if tilde else name or source


def _leave_out_host(url: str) -> str:
    root, path = _split_root(url)
    return url if root == _ANY_HOST else f"{_ANY_HOST}/{path.lstrip('/')}"


def _split_root(url: str) -> tuple[str, str]:
    """Split an address into scheme and host, and its path, which begins with `/`."""
    if url.startswith(_ANY_HOST + "/"):
        return _ANY_HOST, url[1:]
    match = _ADDRESS.match(url)
    if match is None:
        return "", url
    return f"{match[1]}//{match[2]}", match[3] or "/"


def _remove_dots(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if len(parts) > 1:
                parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
