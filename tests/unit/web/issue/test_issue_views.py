"""Charts and tags of issues: what is counted where."""

from datetime import UTC, datetime, timedelta

from app.formats.stored import packed_json
from app.projects.model import OutcomeCount
from app.triage.issue import tag_counts
from app.web.issue import build_replay
from app.web.words import charts

NOW = datetime(2026, 8, 6, 12, 34, 56, tzinfo=UTC)
HOUR = datetime(2026, 8, 6, 12, tzinfo=UTC)


def test_hours_are_bars_to_the_current_one():
    """There are 24 bars, the last for this hour; the smallest count still has a visible bar."""
    chart = charts.draw_hours({HOUR: 1_000, HOUR - timedelta(hours=23): 1}, NOW)
    assert (len(chart.bars), chart.total, chart.first) == (24, 1_001, "24 hours ago")
    assert [(bar.count, bar.high) for bar in chart.bars if bar.count] == [(1, 6), (1_000, 100)]
    assert chart.bars[-1].label == "6 Aug, 12:00 UTC"


def test_days_gather_their_hours():
    """Hours before the first day and in the future are left out."""
    counts = {
        HOUR: 1,
        HOUR - timedelta(hours=5): 2,
        HOUR - timedelta(days=29): 4,
        HOUR - timedelta(days=30): 8,
        HOUR + timedelta(days=1): 16,
    }
    chart = charts.draw_days(counts, NOW)
    assert (len(chart.bars), chart.bars[-1].count, chart.bars[0].count) == (30, 3, 4)
    assert chart.total == 7


def test_tags_spread_over_events():
    """The commonest values come first, contexts follow tags, and broken events are left out."""
    device = {"device": {"model": "Pixel 9"}, "os": {"name": "Android", "version": "16"}}
    events = [
        {"release": "1.0", "tags": {"shop": f"s{number}", "replayId": "x"}, "contexts": device}
        for number in range(7)
    ]
    tags, hidden = tag_counts.count_tags(
        [*map(packed_json.pack_json, events), b"broken", packed_json.pack_json([])]
    )
    assert [tag.name for tag in tags] == ["release", "device", "os", "shop"]
    assert (tags[2].values[0].value, tags[2].values[0].percent) == ("Android 16", 100)
    assert (len(tags[3].values), tags[3].others, tags[3].total) == (5, 2, 7)
    assert hidden == 0


def test_losses_are_those_of_the_days_of_an_event():
    """Losses of replays are summed by outcome and reason, without kept ones and other days."""

    def outcome(days: int, kind: str, outcome: str, reason: str) -> OutcomeCount:
        return OutcomeCount(NOW.date() + timedelta(days=days), kind, outcome, reason, 2)

    losses = build_replay.describe_losses(
        [
            outcome(0, "replay", "dropped_by_sdk", "queue_overflow"),
            outcome(-1, "replay", "dropped_by_sdk", "queue_overflow"),
            outcome(1, "replay_video", "refused", "too_large"),
            outcome(0, "replay_video", "kept", ""),
            outcome(2, "replay_video", "refused", "too_large"),
            outcome(0, "event", "refused", "too_large"),
        ],
        NOW,
    )
    assert losses == (
        "4 replay items dropped by the SDK: queue_overflow",
        "2 replay items refused here: too_large",
    )
