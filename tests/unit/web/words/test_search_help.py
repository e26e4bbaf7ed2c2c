"""The help on searching is complete."""

from app.playback import replay_search
from app.replays.search import query_conditions
from app.web.words import search_help


def test_every_key_is_explained():
    """The help on the page names all keys that mean something."""
    named = {key.strip() for keys, _ in search_help.HELP for key in keys.split(",")}
    assert {*query_conditions.COLUMN_KEYS, *replay_search.LATE_KEYS} <= named
