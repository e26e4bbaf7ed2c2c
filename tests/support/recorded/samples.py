"""Reads the recorded SDK traffic in `tests/samples`: a folder per family, a folder per request.

`PLAYHEAD_SAMPLES` names another folder of the same layout, to test with more traffic.
"""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(
    os.environ.get("PLAYHEAD_SAMPLES", Path(__file__).resolve().parents[2] / "samples")
)
HOSTILE: Final = "hostile"
"""The family of malformed, oversized and abusive requests."""


@dataclass(frozen=True, slots=True)
class Request:
    """One recorded request."""

    name: str
    """`family/number`; for hostile ones `hostile/case`."""
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body: bytes
    expect: dict[str, Any]

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next((value for key, value in self.headers if key == name), None)

    def all_of(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name]


@cache
def requests(family: str) -> tuple[Request, ...]:
    """Return the requests of one family in order of delivery."""
    return tuple(_load(path) for path in sorted(ROOT.glob(f"{family}/*/request.json")))


def families() -> list[str]:
    """Return the families of good traffic, without the hostile one."""
    names = {path.parent.parent.name for path in ROOT.glob("*/*/request.json")}
    return sorted(names - {HOSTILE})


def _load(path: Path) -> Request:
    fields = json.loads(path.read_text("utf-8"))
    return Request(
        name=fields["name"],
        method=fields["method"],
        path=fields["path"],
        query=fields["query"],
        headers=tuple((name.lower(), value) for name, value in fields["headers"]),
        body=path.with_name("body.bin").read_bytes(),
        expect=fields["expect"],
    )
