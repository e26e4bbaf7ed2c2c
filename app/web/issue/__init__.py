"""One issue: its events, replays, files and fate."""
