"""Reads mail addresses, and refuses text that could become a second address or a header."""

import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Final

from app.core.errors import InvalidInput

LONGEST_CHARS: Final = 254
"""RFC 5321, section 4.5.3.1.3, less the brackets."""
_LONGEST_LOCAL: Final = 64
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z"
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mail address, and the name that is shown with it."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """The part after the @."""
        return self.address.rpartition("@")[2]

    def to_header(self) -> Address:
        """Return the address as `email.headerregistry` has it."""
        local, _, domain = self.address.rpartition("@")
        return Address(self.name, username=local, domain=domain)


def read_mail_address(text: str) -> str:
    """Read one address as a person types it, without a name.

    Raises:
        InvalidInput: The text is not one address, or has more than an address.
    """
    address = text.strip()
    local = address.rpartition("@")[0]
    is_sound = (
        len(address) <= LONGEST_CHARS
        and len(local) <= _LONGEST_LOCAL
        and _ADDRESS.match(address) is not None
        and ".." not in address
        and not local.startswith(".")
        and not local.endswith(".")
    )
    if not is_sound:
        raise InvalidInput("this is not an e-mail address, such as team@example.com")
    return address


def read_mailbox(text: str) -> Mailbox:
    """Read `Name <address>` or an address alone, the form of the setting.

    Raises:
        ValueError: There is no address in it, or the name has control characters.
    """
    if not text.isprintable():
        raise ValueError("has characters that no address has")
    name, address = parseaddr(text)
    try:
        return Mailbox(read_mail_address(address), name)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
