"""Replays and their segments: rows, reads and writes."""
