"""What the replay page carries in itself, so that its first picture waits for no further request.

A script or style sheet of its own costs two round trips: a connection, for the page holds the first
one, and the request. The policy names both by their hashes, so nothing else that stands in the page
runs.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from app.web import assets, guard, modules

COMMON: Final = (
    "tokens", "fonts", "reset", "base", "layout", "components/controls", "components/menu",
    "components/pieces", "components/empty", "components/alerts",
)  # fmt: skip
"""The style sheets of every page."""
_REPLAY: Final = (
    "stage", "gestures", "transport", "timeline", "lanes", "playhead", "filmstrip", "panels",
    "rows", "tables", "exchange", "trace", "trace-bars", "errors", "replay", "layouts",
    "replay-menus", "replay-narrow", "replay-low",
)  # fmt: skip
_SCRIPT: Final = "js/replay/begin.js"


@dataclass(frozen=True, slots=True)
class Inside:
    """A style sheet and a script as they stand in a page, and the policy that lets them."""

    styles: str
    html: str
    """Both, with their tags."""
    script: str
    policy: str


def of_replay(static_base: str) -> Inside:
    """Return what stands in the page of a replay.

    Args:
        static_base: Where `static/` is served: what both name is found there.
    """
    source = modules.joined(_SCRIPT, inside=static_base).encode()
    script = assets.without_notes(source).decode()
    names = ",".join((*COMMON, *(f"pages/{name}" for name in _REPLAY)))
    sheet = (assets.read("css/bundle.css", names) or b"").decode()
    sheet = sheet.replace('url("../', f'url("{static_base}/')
    styles = f"<style>{sheet}</style>"
    return Inside(
        styles=styles,
        html=f'{styles}\n<script type="module" async>{script}</script>',
        script=script,
        policy=guard.policy(_hash(script), _hash(sheet)),
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f" 'sha256-{b64encode(digest).decode('ascii')}'"
