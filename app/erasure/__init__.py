"""Erases replays, issues, people and projects: rows at once, objects later, with receipts."""
