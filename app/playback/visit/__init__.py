"""Reads what the pages of one replay show: one story for each page."""
