"""Says in one sentence which replay data a project lost, as that may be why some is missing."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from app.projects.model import Outcome, OutcomeCount

_REPLAYS: Final = frozenset({"replay", "replay_video", "replay_event", "replay_recording"})
_VERBS: Final = {
    Outcome.LIMITED: "limited",
    Outcome.REFUSED: "refused",
    Outcome.DROPPED_BY_SDK: "dropped by the SDK",
}
_MOST: Final = 4


def describe_losses(counts: Sequence[OutcomeCount]) -> str | None:
    """Say what became of replay items that were not kept; None if all were.

    Returns:
        Text such as `3 limited (envelope_rate), 1 dropped by the SDK (cache_overflow)`.
    """
    lost: Counter[tuple[str, str]] = Counter()
    for count in counts:
        if count.item_type in _REPLAYS and count.outcome in _VERBS:
            lost[_VERBS[Outcome(count.outcome)], count.reason] += count.quantity
    if not lost:
        return None
    parts = [
        f"{quantity:,} {verb} ({reason})" if reason else f"{quantity:,} {verb}"
        for (verb, reason), quantity in lost.most_common(_MOST)
    ]
    return ", ".join(parts)
