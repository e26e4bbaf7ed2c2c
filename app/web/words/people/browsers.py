"""Names browsers, for the list of a person's sign-ins."""

import re
from typing import Final

_BROWSERS: Final = (
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)\S* (?:Mobile/\S+ )?Safari/")),
)
"""The order matters: Edge and Opera also call themselves Chrome, and Chrome calls itself Safari."""
_SYSTEMS: Final = (
    ("Android", re.compile("Android")),
    ("iOS", re.compile("iPhone|iPad")),
    ("Windows", re.compile("Windows")),
    ("macOS", re.compile("Mac OS X|Macintosh")),
    ("Linux", re.compile("Linux|X11")),
)
_SHOWN_CHARS: Final = 60


def name_browser(user_agent: str) -> str:
    """Name a browser and its system: `Firefox 144 on Linux`; unknown ones by their own words."""
    matches = ((name, pattern.search(user_agent)) for name, pattern in _BROWSERS)
    browser = next((f"{name} {match[1]}" for name, match in matches if match), None)
    if browser is None:
        return user_agent[:_SHOWN_CHARS].strip() or "Unknown browser"
    system = next((name for name, pattern in _SYSTEMS if pattern.search(user_agent)), None)
    return f"{browser} on {system}" if system else browser
