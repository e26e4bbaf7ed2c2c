"""The roles of a process: what it does of everything that an installation has to do."""

from enum import StrEnum


class ProcessRole(StrEnum):
    """One part of the work; a process may have several roles, and by default has all."""

    DOOR = "door"
    """Accepts envelopes, keeps them in its journal, and digests them."""
    PAGES = "pages"
    """Serves the web app."""
    WORKER = "worker"
    """Draws pictures, closes and seals replays, erases, sweeps, expires and tidies up."""
