"""Blocks in which spans are stored."""
