"""Words for shares: the panels that one shows."""

from typing import Final

from app.replays.sharing.model import SharePanel, ShareTerms

PANEL_WORDS: Final = {
    SharePanel.ACTIVITY: "Activity",
    SharePanel.NETWORK: "Network",
    SharePanel.ERRORS: "Errors",
    SharePanel.TRACE: "Trace",
    SharePanel.LOGS: "Logs",
    SharePanel.DETAILS: "Details",
}


def describe_panels(terms: ShareTerms) -> str:
    """Say which panels a share shows: `with Activity, Network and bodies of requests`."""
    words = [words for panel, words in PANEL_WORDS.items() if panel in terms.panels]
    if terms.shows_bodies:
        words.append("bodies of requests")
    if not words:
        return "video only"
    *most, last = words
    return f"with {', '.join(most)} and {last}" if most else f"with {last}"
