"""Minified scripts: which function lies around a position, and what it is called there."""
