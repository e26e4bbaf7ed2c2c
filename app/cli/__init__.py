"""The `playhead` command: starts the server, and administers it from a terminal."""

from app.cli.root import main

__all__ = ["main"]
