"""The kinds of problem that an issue can be, in words and as the shape of its mark."""

from typing import Final, Literal

KINDS: Final = {
    "crash": "Crash",
    "native_crash": "Native crash",
    "anr": "App not responding",
    "app_hang": "App hang",
    "watchdog": "Ended by the system",
    "error": "Error",
    "message": "Message",
}
"""Kinds of problems by their name in words."""


def shape_of(kind: str) -> Literal["crash", "error"]:
    """Return the shape of the mark: a cross for what ended or froze the app."""
    return "error" if kind in {"error", "message"} else "crash"
