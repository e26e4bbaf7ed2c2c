"""Tests of the formats of clips."""

from app.core.replay.clip_format import ClipFormat


def test_each_format_has_its_media_type():
    """Browsers play one and show the others."""
    assert [each.media_type for each in ClipFormat] == ["video/mp4", "image/gif", "image/webp"]
