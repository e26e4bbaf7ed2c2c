"""Runs Playhead for long, and with more than it can do; `make soak` and `make overload`."""
