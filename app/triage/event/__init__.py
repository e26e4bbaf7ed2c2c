"""Use cases of a single event: its replay, its files, its stack and its views."""
