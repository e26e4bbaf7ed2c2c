"""Deletion of replays and issues: rows at once, objects by the sweep, then a receipt."""
