"""Counts events in their issues, and takes deleted and moved ones out again."""
