"""H3: broken videos that pass the box reader go through the clip process."""

import tempfile
from collections import Counter

from app.core.errors import MalformedInput, RequestRefused
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange
from app.playback.clips.render import ClipRenderer, ClipSettings
from tests.hostile.media.test_mutated import break_video
from tests.support import programme_size
from tests.support.builders.clip_sources import clip_source
from tests.support.builders.clips import clip
from tests.support.report import Report

REFUSED = "refused by the box reader"
COUNT = programme_size.rounds(ci=12, nightly=2_000)


async def _note_nothing(_part: float) -> None:
    return


async def _render(videos: list[bytes], clip_format: ClipFormat) -> str:
    """Render a replay, and tell what came of it: a clip, or words for whoever asked."""
    try:
        store, index = clip_source(videos)
    except RequestRefused:
        return REFUSED
    settings = ClipSettings(clip_format, ReplayRange(0, 15_000), (), None, has_body=False)
    renderer = ClipRenderer(
        store,  # type: ignore[arg-type]  # it reads only
        index,
        settings,
        most_cpu_s=20,
        note_progress=_note_nothing,
    )
    with tempfile.TemporaryFile() as target:
        try:
            rendered = await renderer.render(target.fileno())
        except MalformedInput as error:
            return str(error)
    assert rendered.size_bytes > 0
    return "a clip"


async def test_a_broken_video_costs_no_more_than_its_own_time(report: Report):
    """A child ends without a forbidden call, and a sound video beside it still becomes a clip."""
    dice = programme_size.seeded_dice("H3 clips")
    results: Counter[str] = Counter()
    for number in range(COUNT):
        broken = break_video(dice)
        results[await _render([broken], list(ClipFormat)[number % 3])] += 1
        report.round(cases=1)
        if number % 4 == 0:
            beside = await _render([clip(), broken], ClipFormat.MP4)
            assert beside in {"a clip", REFUSED}
    report.facts = dict(results)
    for result in results:
        assert result.startswith(
            ("a clip", REFUSED, "the decoder gave up on it", "there is no video")
        )
