"""Addresses of our own pages."""

from app.core.ids import ProjectId, ReplayId
from app.web.urls import list_urls, project_urls, replay_urls

PROJECT, REPLAY = ProjectId(7), ReplayId("ab" * 16)


def test_everything_of_a_replay_lies_below_its_page():
    """Index, stream, segments and deletion share the page's path."""
    page = replay_urls.replay(PROJECT, REPLAY)
    assert page == f"/projects/7/replays/{REPLAY}"
    assert replay_urls.index(PROJECT, REPLAY) == f"{page}/index"
    assert replay_urls.stream(PROJECT, REPLAY) == f"{page}/stream"
    assert replay_urls.segment_video(PROJECT, REPLAY, 12) == f"{page}/segments/12.mp4"
    assert replay_urls.delete_replay(PROJECT, REPLAY) == f"{page}/delete"


def test_a_moment_is_told_in_seconds():
    """`t` counts seconds, and never begins before the replay."""
    assert replay_urls.replay_at(PROJECT, REPLAY, at_ms=83_500).endswith("?t=83.5")
    assert replay_urls.replay_at(PROJECT, REPLAY, at_ms=-5).endswith("?t=0")
    # That of a picture is exact: shortly before it, something else was on the screen.
    assert replay_urls.picture_at(PROJECT, REPLAY, at_ms=7_234_567).endswith("webp?t=7234.567")


def test_the_list_carries_its_filters():
    """Empty filters leave no trace in the address; values are quoted."""
    assert list_urls.replays() == "/replays"
    assert list_urls.replays(PROJECT, before="a&b", after="") == "/replays?project=7&before=a%26b"
    assert project_urls.project(PROJECT) == "/projects/7"
