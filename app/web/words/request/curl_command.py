"""Writes the curl command that sends a recorded request again.

A developer pastes the command into a shell, and every part of it comes from a recording: anybody
who knows a DSN can choose the method, the address, the headers and the body. So the method is a
plain word, the address is http or https, each part is quoted, and no part can become an option, a
file name that curl reads (`-H @file`), or a pattern that it expands (`[1-9999]`).
"""

import re
import shlex
import unicodedata
from typing import Final

from app.formats.replay.exchange import RecordedExchange, write_body

_METHOD: Final = re.compile(r"[A-Za-z]{1,20}", re.ASCII)
_WEB_ADDRESS: Final = re.compile(r"https?://[^/?#\\\s]", re.IGNORECASE)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
"""A token of RFC 9110, section 5.6.2. `@` is none, so no header is read from a file."""
_KEPT_CONTROLS: Final = "\n\t"
_LINE_BREAKS: Final = str.maketrans(_KEPT_CONTROLS, "  ")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cs"})
# They change the order in which a terminal shows the command. Emoji need the other format
# characters.
_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def write_curl_command(
    method: str | None, url: str | None, exchange: RecordedExchange
) -> str | None:
    """Write a command that sends the recorded parts of a request again.

    Args:
        method: Method of the recording; anything but 1 to 20 letters becomes GET.
        url: Address of the recording.
        exchange: Headers and body of the request, if they were recorded.

    Returns:
        The command, or None if the address is neither http nor https.
    """
    if not url or not _WEB_ADDRESS.match(url):
        return None
    is_word = method is not None and _METHOD.fullmatch(method)
    first = ["curl", "-X", method if is_word and method else "GET", "--globoff", "--url"]
    lines = [" ".join([*first, shlex.quote(_escape_controls(url))])]
    if exchange.request is not None:
        lines += [
            f"-H {shlex.quote(_header(name, value))}"
            for name, value in exchange.request.headers
            if _HEADER_NAME.fullmatch(name) and name.lower() != "content-length"
        ]
        if exchange.request.body is not None:
            body = _without_controls(write_body(exchange.request.body))
            lines.append(f"--data-raw {shlex.quote(body)}")
    return " \\\n  ".join(lines)


def _header(name: str, value: str) -> str:
    text = _without_controls(value).translate(_LINE_BREAKS).strip()
    # curl leaves out a header without a value, unless it ends in a semicolon.
    return f"{name}: {text}" if text else f"{name};"


def _without_controls(text: str) -> str:
    """Drop the characters that a terminal acts on while a text is pasted, such as Ctrl-C.

    Quotes do not stop them: a terminal that gets Ctrl-C forgets the line that it has, and takes
    what follows for a command.
    """
    return "".join(char for char in text if char in _KEPT_CONTROLS or not _is_hidden(char))


def _escape_controls(url: str) -> str:
    """Percent-encode blanks and control characters of an address."""
    return "".join(
        "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        if char.isspace() or _is_hidden(char)
        else char
        for char in url
    )


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN_CATEGORIES or char in _REORDERING
