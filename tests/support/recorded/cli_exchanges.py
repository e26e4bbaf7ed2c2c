"""Reads what sentry-cli said to a server and was told, as it was recorded.

    POST /api/0/projects/acme/app/files/difs/assemble/
       H Content-Type: application/json
       B {"227f5d…": {"name": "libshop.so", …}}
       -> 200 {"227f5d…": {"state": "not_found", …}}

The server was a stand-in, so ids and dates of its answers are made up.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

EXCHANGES: Final = Path(__file__).parents[2] / "samples" / "symbolication" / "exchanges"
_REQUEST: Final = re.compile(r"(GET|POST|PUT|DELETE) (/\S+)")
_ANSWER: Final = re.compile(r"-> (\d+) ?(.*)")


@dataclass(frozen=True, slots=True)
class CliExchange:
    """A request and its answer."""

    method: str
    path: str
    body: str
    """The JSON of the request; empty for none, and for a form."""
    is_form: bool
    status: int
    answer: Any
    """The JSON of the answer; None for none, and for one that was cut because it is long."""


def list_recordings() -> list[str]:
    """List the recordings by their names."""
    return sorted(path.stem for path in EXCHANGES.glob("*.txt"))


def read_exchanges(name: str) -> Iterator[CliExchange]:
    """Read the exchanges of a recording in their order."""
    request: re.Match[str] | None = None
    body, is_form = "", False
    for line in (EXCHANGES / f"{name}.txt").read_text().splitlines():
        text = line.strip()
        if line[:1] != " ":
            request, body, is_form = _REQUEST.match(line), "", False
        elif text.startswith("B "):
            body = text[2:]
        elif text.startswith("PART "):
            is_form = True
        elif request and (answer := _ANSWER.match(text)):
            told = _read_answer(answer[2])
            yield CliExchange(request[1], request[2], body, is_form, int(answer[1]), told)


def _read_answer(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
