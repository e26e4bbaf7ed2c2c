"""Symbolicates stored events again: those that waited, and those that a person chose."""
