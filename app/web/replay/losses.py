"""What a project lost of its replays, in one sentence: why one may be missing, or parts of it."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from app.projects.model import Outcome, OutcomeCount

_REPLAYS: Final = frozenset({"replay", "replay_video", "replay_event", "replay_recording"})
_SAID: Final = {
    Outcome.LIMITED: "limited",
    Outcome.REFUSED: "refused",
    Outcome.DROPPED_BY_SDK: "dropped by the SDK",
}
_MOST: Final = 4


def lost_replays(counts: Sequence[OutcomeCount]) -> str | None:
    """Say what became of replay items that were not kept; None when all were.

    Returns:
        Such as `3 limited (envelope_rate), 1 dropped by the SDK (cache_overflow)`.
    """
    lost: Counter[tuple[str, str]] = Counter()
    for one in counts:
        if one.item_type in _REPLAYS and one.outcome in _SAID:
            lost[_SAID[Outcome(one.outcome)], one.reason] += one.quantity
    if not lost:
        return None
    parts = [
        f"{quantity:,} {said} ({reason})" if reason else f"{quantity:,} {said}"
        for (said, reason), quantity in lost.most_common(_MOST)
    ]
    return ", ".join(parts)
