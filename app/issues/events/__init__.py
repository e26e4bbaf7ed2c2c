"""Reads the events of issues, of replays and of traces."""
