"""Use cases of the log of who looked at what, and who did what."""
