"""Adds a query to the path of a page."""

from urllib.parse import urlencode


def with_query(path: str, pairs: dict[str, str]) -> str:
    """Add a query to a path; empty values are left out."""
    text = urlencode({name: value for name, value in pairs.items() if value})
    return f"{path}?{text}" if text else path
