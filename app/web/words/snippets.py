"""A text to copy that sets an SDK up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """How to set one SDK up: text to copy."""

    key: str
    """For the element's id: `android`."""
    sdk: str
    file: str
    code: str
    note: str | None = None
