"""The `playhead` command: start the server, and run what belongs to it from a terminal."""

from app.cli.root import main

__all__ = ["main"]
