"""Symbolicates stored events: those that waited for a file or for time, or that a person chose."""
