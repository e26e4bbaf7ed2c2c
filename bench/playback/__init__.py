"""Measures what a person who watches a replay sees and waits for."""
