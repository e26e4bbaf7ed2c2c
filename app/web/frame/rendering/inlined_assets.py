"""The style sheet and script inside the replay page, so that its first picture comes sooner.

A separate script or style sheet costs two round trips: a connection, since the page occupies the
first one, and the request. The policy names both by their hashes, so nothing else in the page runs.
The script is inlined once it is bundled, which the build of the wheel does (`tools/bundle.js`); in
a checkout the page names its modules instead.
"""

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from app.web.frame.middleware import guard
from app.web.frame.rendering import assets, module_imports

COMMON: Final = (
    "tokens", "fonts", "reset", "base", "layout", "components/controls", "components/menu",
    "components/pieces", "components/empty", "components/alerts",
)  # fmt: skip
"""The style sheets of every page."""
_REPLAY: Final = (
    "replay/stage", "replay/gestures", "replay/transport", "replay/timeline", "replay/lanes",
    "replay/playhead", "replay/marks", "replay/filmstrip", "replay/panels", "shared/rows",
    "shared/tables", "replay/exchange", "trace/page", "trace/bars", "replay/errors", "replay/page",
    "replay/layouts", "replay/menus", "replay/narrow", "replay/low", "replay/no-video",
)  # fmt: skip
_SCRIPT: Final = "js/replay/begin"
_RELATIVE: Final = re.compile(r'url\(("?)\.\./')
"""An address in a style sheet, relative to `css/`; a bundled one has no quotes."""
_BASE: Final = "/@static/"
"""The beginning of the addresses that the bundled script imports later."""


@dataclass(frozen=True, slots=True)
class InlinedAssets:
    """A style sheet and a script inside a page, and the policy that allows them."""

    styles: str
    html: str
    """Both of them with their tags."""
    script: str
    """The text between its tags; empty if the page names modules instead."""
    policy: str


def inline_replay_assets(static_base: str) -> InlinedAssets:
    """Return the style sheet and the script of the page of a replay.

    Args:
        static_base: The address of `static/`, in which both find other files.
    """
    bundle = assets.read_asset(f"{_SCRIPT}.inline.js")
    script = (bundle or b"").decode().replace(_BASE, f"{static_base}/")
    element = f'<script type="module" async>{script}</script>'
    if not bundle:
        # Modules are preloaded, or each would be fetched only after the module that imports it.
        modules = module_imports.list_modules(f"{_SCRIPT}.js")
        preloads = [f'<link rel="modulepreload" href="{static_base}/{name}">' for name in modules]
        source = f'<script type="module" async src="{static_base}/{_SCRIPT}.js"></script>'
        element = "\n".join([*preloads, source])
    names = ",".join((*COMMON, *(f"pages/{name}" for name in _REPLAY)))
    sheet = (assets.read_asset("css/bundle.css", names) or b"").decode()
    sheet = _RELATIVE.sub(rf"url(\1{static_base}/", sheet)
    styles = f"<style>{sheet}</style>"
    return InlinedAssets(
        styles=styles,
        html=f"{styles}\n{element}",
        script=script,
        policy=guard.write_policy(_hash(script) if script else "", _hash(sheet)),
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f" 'sha256-{b64encode(digest).decode('ascii')}'"
