"""Ends replays: hides them, deletes their rows, and lists the objects to sweep."""
