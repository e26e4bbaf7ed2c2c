"""Requests that browsers make by themselves."""
