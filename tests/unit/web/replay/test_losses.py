"""Tests of what is said of lost replays."""

from datetime import date

from app.projects.model import OutcomeCount
from app.web.replay.losses import describe_losses

TODAY = date(2026, 11, 24)


def count(item_type: str, outcome: str, reason: str, quantity: int) -> OutcomeCount:
    """Make a count of today."""
    return OutcomeCount(TODAY, item_type, outcome, reason, quantity)


def test_losses_are_added_up_by_reason():
    """The largest loss comes first; kept items and items of other types do not count."""
    losses = describe_losses([
        count("replay_video", "limited", "envelope_rate", 1),
        count("replay_video", "limited", "envelope_rate", 2),
        count("replay", "dropped_by_sdk", "", 1),
        count("replay_video", "kept", "", 9),
        count("event", "limited", "envelope_rate", 9),
    ])  # fmt: skip
    assert losses == "3 limited (envelope_rate), 1 dropped by the SDK"


def test_nothing_lost_is_nothing_said():
    """The page mentions no losses when all items were kept."""
    assert describe_losses([count("replay_video", "kept", "", 9)]) is None
