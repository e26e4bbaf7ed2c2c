"""Names of the projects that the demo makes where it finds none to play into."""

from typing import Final

APP: Final = "Demo shop"
BACKEND: Final = "Demo backend"
