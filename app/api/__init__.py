"""Doors for programs: the envelope endpoint, health, metrics."""
