"""Addresses of our own pages, in one place, so that a link and its route agree."""
