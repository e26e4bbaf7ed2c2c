"""Requests with their headers and bodies, and the command that repeats them."""
