"""The address of a ticket in somebody's tracker, which people keep with an issue or a replay.

https://github.com/acme/shop/issues/12                → acme/shop#12
https://gitlab.example/acme/shop/-/issues/12          → acme/shop#12
https://acme.atlassian.net/browse/SHOP-12             → SHOP-12
https://linear.app/acme/issue/ENG-12/the-title        → ENG-12
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from app.core.errors import InvalidInput
from app.core.ids import PersonId

ADDRESS_CHARS: Final = 1_000
MOST_TICKETS: Final = 20
"""The most tickets of one issue or replay."""
_LABEL_CHARS: Final = 80
_NUMBERED: Final = re.compile(r"/([\w.-]+(?:/[\w.-]+)+?)(?:/-)?/issues/(\d{1,10})/?", re.ASCII)
_NAMED: Final = re.compile(
    r"/(?:[\w.-]+/)*(?:browse|issue|issues)/([A-Z][A-Z0-9_]{0,30}-\d{1,10})(?:/.*)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class TicketAddress:
    """An address of the web, and the name by which people call the ticket."""

    url: str
    label: str


@dataclass(frozen=True, slots=True)
class KeptTicket:
    """A ticket that somebody keeps with an issue or a replay."""

    id: int
    address: TicketAddress
    added_by: PersonId | None
    added_at: datetime


def read_ticket_address(text: str) -> TicketAddress:
    """Read the address that somebody pasted.

    Raises:
        InvalidInput: It is no http or https address, it names a user or password, or it is too
            long.
    """
    url = text.strip()
    if not url:
        raise InvalidInput("paste the address of the ticket")
    if len(url) > ADDRESS_CHARS:
        raise InvalidInput(f"the address is longer than {ADDRESS_CHARS} characters")
    parts = _split_address(url)
    is_plain = not any(char.isspace() or _is_hidden(char) for char in url)
    if parts is None or not is_plain or parts.scheme not in {"http", "https"}:
        raise InvalidInput("the address of a ticket begins with https:// or http://")
    if parts.username is not None or parts.password is not None or "\\" in url:
        raise InvalidInput("the address of a ticket has no name and no password before its host")
    return TicketAddress(url, _name_ticket(parts.hostname or "", parts.path))


def _split_address(url: str) -> SplitResult | None:
    """Split an address; None if it has no host, or a port that is none."""
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return None
    return parts if parts.hostname and has_port else None


def _name_ticket(host: str, path: str) -> str:
    numbered, named = _NUMBERED.fullmatch(path), _NAMED.fullmatch(path)
    if named:
        return named[1]
    if numbered:
        return f"{numbered[1]}#{numbered[2]}"[:_LABEL_CHARS]
    last = unquote(path.rstrip("/").rpartition("/")[2], errors="replace")
    shown = "".join(char for char in last if not _is_hidden(char))
    label = f"{host}: {shown}" if shown else host
    return label if len(label) <= _LABEL_CHARS else f"{label[: _LABEL_CHARS - 1]}…"


def _is_hidden(char: str) -> bool:
    """Tell control and format characters, which may hide or reorder what follows."""
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
