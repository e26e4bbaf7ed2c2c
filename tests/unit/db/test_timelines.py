"""The newest timelines are kept in a file that the processes of a data folder share."""

import fcntl
from pathlib import Path

import pytest

from app.db import timelines as timelines_module
from app.db.timelines import NewestTimelines, Timeline


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The file, which is not there yet."""
    return tmp_path / "timelines.json"


def start(kept: Path) -> NewestTimelines:
    """Remember timelines in a file, as a process does that starts."""
    timelines = NewestTimelines()
    timelines.keep_in(kept)
    return timelines


def test_timelines_of_other_systems_are_not_compared(kept: Path):
    """A new Postgres begins with timeline 1; a damaged file is as good as none."""
    kept.write_bytes(b"{broken")
    timelines = start(kept)
    timelines.note(Timeline(7, 3))
    timelines.note(Timeline(7, 2))
    assert timelines.find_newer(Timeline(7, 2)) == 3
    assert timelines.find_newer(Timeline(7, 3)) is None
    assert timelines.find_newer(Timeline(8, 1)) is None
    assert start(kept).find_newer(Timeline(7, 1)) == 3


def test_processes_learn_from_one_another_and_lose_nothing(kept: Path):
    """Each adds to what the file has by now, and looks there before it trusts a primary."""
    first, second = start(kept), start(kept)
    first.note(Timeline(7, 3))
    first.note(Timeline(9, 5))
    assert second.find_newer(Timeline(7, 2)) == 3
    third = NewestTimelines()
    third.note(Timeline(7, 2))
    third.note(Timeline(8, 4))
    third.keep_in(kept)
    third.note(Timeline(7, 2))
    later = start(kept)
    found = [later.find_newer(Timeline(system_id, 1)) for system_id in (7, 8, 9)]
    assert found == [3, 4, 5]


def test_what_could_not_be_kept_is_kept_later(kept: Path):
    """While another process writes, nobody waits for it."""
    timelines = start(kept)
    with kept.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        timelines.note(Timeline(7, 2))
        assert not kept.exists()
    timelines.note(Timeline(7, 2))
    assert start(kept).find_newer(Timeline(7, 1)) == 2


def test_the_file_is_left_alone_for_a_while(kept: Path, monkeypatch: pytest.MonkeyPatch):
    """A use of a connection does not wait for the disk each time."""
    monkeypatch.setattr(timelines_module, "monotonic_s", lambda: 100.0)
    timelines = start(kept)
    start(kept).note(Timeline(7, 3))
    assert timelines.find_newer(Timeline(7, 2), looked_within_s=1.0) is None
    monkeypatch.setattr(timelines_module, "monotonic_s", lambda: 101.0)
    assert timelines.find_newer(Timeline(7, 2), looked_within_s=1.0) == 3
