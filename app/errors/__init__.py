"""Error and message events."""
