"""Warnings about the server, for the banner on every page."""
