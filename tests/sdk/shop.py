"""A shop's web site with Sentry's SDK for browsers, on a port and thus an origin of its own.

The packages are served as npm installed them. An import map, made from the exports that they
declare, replaces a bundler.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, override

FOLDER: Final = Path(__file__).parent
_PACKAGES: Final = FOLDER / "node_modules"
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>A shop</title><link rel="icon" href="data:,">
<script type="importmap">{{"imports": {imports}}}</script>
<h1>Shirts</h1><p>Three left</p><button>Pay</button>
<script type="module" src="/senders/browser.js"></script></html>
"""


class _Handler(SimpleHTTPRequestHandler):
    """Serves the page, its script and the packages."""

    @override
    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/":
            super().do_GET()
            return
        body = _page().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_args: Any) -> None:
        """Write no log."""


@contextmanager
def run_shop() -> Iterator[str]:
    """Run the shop and yield its address."""
    handler = partial(_Handler, directory=str(FOLDER))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _page() -> str:
    return _PAGE.format(imports=json.dumps(_make_import_map()))


def _make_import_map() -> dict[str, str]:
    """Map each module name that the SDK's modules import to its address."""
    addresses: dict[str, str] = {}
    for package_file in (*_PACKAGES.glob("*/package.json"), *_PACKAGES.glob("@*/*/package.json")):
        package = json.loads(package_file.read_text("utf-8"))
        folder = f"/{package_file.parent.relative_to(FOLDER)}"
        exports = package.get("exports")
        if not isinstance(exports, dict) or "." not in exports:
            exports = {".": exports or package.get("module")}
        for name, conditions in exports.items():
            module = _find_browser_module(conditions)
            if module:
                addresses[package_file.parent.relative_to(_PACKAGES).as_posix() + name[1:]] = (
                    folder + module.removeprefix(".")
                )
    return addresses


def _find_browser_module(conditions: Any) -> str | None:
    """Return the file that a browser uses of what a package exports under one name."""
    if isinstance(conditions, str):
        return conditions
    if not isinstance(conditions, dict):
        return None
    kinds = ("browser", "import", "default")
    return next(
        (file for kind in kinds if (file := _find_browser_module(conditions.get(kind)))), None
    )
