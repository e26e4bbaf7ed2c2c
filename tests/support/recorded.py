"""Opens the requests that real SDKs sent, kept beside the repository and not part of it.

    for request in recorded.requests("android-crash-a"):
        request.items            -> the items of its envelope
        request.expected         -> what a correct server concludes from each

The folder is `../shared/samples`, seen from the repository, or what PLAYHEAD_SAMPLES names. Without
it there is nothing to open, and a test that needs it is skipped with a reason.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from app.core.limits import LIMITS
from app.formats import encoding, envelope, replay_video, store_body

_HERE: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = Path(os.environ.get("PLAYHEAD_SAMPLES") or _HERE.parent / "shared" / "samples")
HOSTILE: Final = "hostile"

needed: Final = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="no recorded requests; PLAYHEAD_SAMPLES may name their folder"
)


@dataclass(frozen=True)
class Request:
    """One recorded request, in order of delivery."""

    name: str
    path: str
    headers: dict[str, str]
    expect: dict[str, Any]
    folder: Path

    @property
    def body(self) -> bytes:
        """As it came, its Content-Encoding taken off."""
        packed = (self.folder / "body.bin").read_bytes()
        declared = self.headers.get("content-encoding")
        return encoding.inflate(packed, declared, limit_bytes=LIMITS.inflated_bytes)

    @property
    def envelope(self) -> envelope.Envelope:
        """The envelope; a body of the old store endpoint is wrapped into one."""
        if "/store" in self.path:
            return store_body.wrap_store(self.body)
        return envelope.split(self.body)

    def video(self) -> bytes | None:
        """Return the video of the first `replay_video` item."""
        for item in self.envelope.items:
            if item.type == "replay_video":
                video = replay_video.expand(item.payload).video
                return None if video is None else bytes(video)
        return None

    @property
    def expected(self) -> list[dict[str, Any]]:
        """What is in the request, item by item; empty for hostile ones."""
        found: list[dict[str, Any]] = self.expect.get("items", [])
        return found


def families() -> list[str]:
    """Name the folders of requests that SDKs sent, the hostile ones left out."""
    if not FOLDER.is_dir():
        return []
    names = (path.parent.name for path in FOLDER.glob("*/family.json"))
    return sorted(name for name in names if name != HOSTILE)


@cache
def conclusions(family: str) -> dict[str, Any]:
    """Return what a family amounts to: replays, errors, transactions."""
    found: dict[str, Any] = json.loads((FOLDER / family / "family.json").read_bytes())["expect"]
    return found


def requests(family: str, pattern: str = "*") -> Iterator[Request]:
    """Open the requests of a family whose folder name matches, in order of delivery."""
    for path in sorted((FOLDER / family).glob(f"{pattern}/request.json")):
        said = json.loads(path.read_bytes())
        headers = {name.lower(): value for name, value in said["headers"]}
        yield Request(path.parent.name, said["path"], headers, said["expect"], path.parent)
