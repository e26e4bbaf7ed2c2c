"""H3: broken videos, through the reader of boxes and, if they pass it, through the media child.

`PLAYHEAD_HOSTILE_CLIPS` is how many (300), `PLAYHEAD_HOSTILE_SEED` chooses them.
"""

import json
import os
import random
from collections import Counter

from app.core.errors import Refused
from app.media import child
from tests.support import coded
from tests.support.clips import clip

COUNT = int(os.environ.get("PLAYHEAD_HOSTILE_CLIPS", "300"))
SEED = int(os.environ.get("PLAYHEAD_HOSTILE_SEED", "1"))
WHOLE = (
    clip(),
    clip(frames=3, moov_first=True),
    clip(frames=6, keyframe_every=2),
    clip(b_frames=2, frames=8),
)
SPLICES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"avcC", b"moov")


def _mutated(dice: random.Random) -> bytes:
    """Break one video in one to eight places, in its boxes or in its pictures."""
    data = bytearray(dice.choice(WHOLE))
    media = data.find(b"mdat")
    for _ in range(dice.randint(1, 8)):
        low, high = dice.choice([(0, len(data)), (media, len(data)), (media + 4, media + 400)])
        at = dice.randrange(low, min(high, len(data)))
        match dice.randrange(4):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                data[at] ^= 1 << dice.randrange(8)
            case 2:
                data[at : at + 4] = dice.choice(SPLICES)
            case _:
                start = dice.randrange(len(data))
                data[at : at + 16] = data[start : start + 16]
    return bytes(data)


async def _shown(videos: list[bytes], ends: Counter[str]) -> list[bytes]:
    """Show videos to one child until it ends over one; return those that are left."""
    async with child.started() as started:
        assert started.is_filtered
        while videos:
            try:
                start_ms = 100_000 * (COUNT - len(videos))
                for group in coded.groups(videos.pop(), start_ms=start_ms):
                    await started.show(group)
                ends["decoded"] += 1
            except Refused as error:
                if "child" in str(error) or "decoder" in str(error):
                    ends[str(error)] += 1
                    return videos
                ends["refused by the reader of boxes"] += 1
        await started.draw()
    return videos


async def test_broken_videos_end_children_only(capsys):
    """Each is refused, decoded or the end of a child; none makes a forbidden call or is slow."""
    dice = random.Random(SEED)
    videos = [_mutated(dice) for _ in range(COUNT)]
    ends: Counter[str] = Counter()
    while videos:
        videos = await _shown(videos, ends)
    with capsys.disabled():
        print(json.dumps({"run": "H3", "seed": SEED, "clips": COUNT, **ends}))  # noqa: T201 - the line of the run
    assert sum(ends.values()) == COUNT
    assert {"decoded", "refused by the reader of boxes", "the decoder gave up on the video"} >= set(
        ends
    )
