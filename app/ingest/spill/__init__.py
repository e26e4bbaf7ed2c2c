"""Spilling: what waits for digest longer than a second lies in the bucket as well, encrypted."""
