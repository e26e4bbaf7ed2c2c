"""Playhead: self-hosted session replay for mobile apps."""

__version__ = "0.1.0"
