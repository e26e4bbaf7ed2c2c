"""One issue: its events, replays, files and status."""
