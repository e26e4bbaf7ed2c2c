"""Sealing: everything that is stored of a replay moves into an object of its own."""
