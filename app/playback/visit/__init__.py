"""Reads what the pages of one replay show: one use case for each page."""
