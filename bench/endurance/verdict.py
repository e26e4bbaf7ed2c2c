"""Tells whether a long run kept its promises, in one line for each and one line of JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: what was found, and whether it is kept."""

    words: str
    is_kept: bool


def report_verdict(promises: Sequence[Promise], facts: Mapping[str, Any]) -> None:
    """Print each promise and the figures.

    Raises:
        SystemExit: A promise is broken.
    """
    for promise in promises:
        sys.stdout.write(f"{'kept  ' if promise.is_kept else 'BROKEN'}  {promise.words}\n")
    sys.stdout.write(json.dumps(facts) + "\n")
    if not all(promise.is_kept for promise in promises):
        raise SystemExit(1)


def report_progress(words: str) -> None:
    """Print a line at once, since a run takes long."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
