"""Use cases of the page of an issue: its counts, users, replays, feedback and status."""
