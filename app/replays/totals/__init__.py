"""Counts how many replays projects have, and how much room they take."""
