"""Shortens the address of a request to its path, which tells the requests of an app apart."""

import re
from typing import Final

_HOST: Final = re.compile(r"\A(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")
_QUERY: Final = re.compile(r"[?#].*", re.DOTALL)


def shorten_url_to_path(url: str) -> str:
    """Return the path of an address, whole or relative, without its query and fragment.

    A query may hold anybody's data, and the path goes where people without an account see it: into
    clips and the steps of reports.

    Args:
        url: An address as an app noted it; words that are none stay as they are.
    """
    return _HOST.sub("", drop_query(url)) or "/"


def drop_query(url: str) -> str:
    """Return an address without its query and fragment."""
    return _QUERY.sub("", url.strip())
