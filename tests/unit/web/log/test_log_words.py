"""The words of the log."""

import pytest

from app.audit.model import Action, ActionDetail
from app.web.log.words import describe_action, describe_facts


@pytest.mark.parametrize("action", list(Action))
def test_every_action_has_words_of_its_own(action: Action):
    """A line reads as a sentence about whoever did it: `Pinned a replay`, not `Replay pinned`."""
    words = describe_action(action)
    assert words != action.value.replace("_", " ").capitalize()
    assert words[0].isupper()


def test_an_action_of_a_later_release_is_named_after_itself():
    """Its lines stay readable when an older release shows them."""
    assert describe_action("replay_praised") == "Replay praised"


def test_facts_without_a_value_say_nothing():
    """Names and values are words, and sizes have units."""
    detail: ActionDetail = {
        "days": 7,
        "part": True,
        "frames": "",
        "person": None,
        "video_bytes": 2048,
    }
    assert describe_facts(detail) == "days: 7, only a part of it: yes, video bytes: 2.0 KiB"
