"""The player copes with awkward replays: reordered frames, long GOPs, damage, a broken network."""

from collections.abc import Sequence

import pytest

from tests.browser.player import replays
from tests.browser.player.replays import Replay
from tests.browser.player.serve import Server
from tests.browser.player.watching import Watching
from tests.support.builders.clips import clip

_SECOND = 1000


def _seek_all(watching: Watching, due: Sequence[tuple[int, int, int]]) -> None:
    """Seek back and forth over tuples of a time, the start of its due frame, and its colour."""
    count = len(due)
    for index in range(count):
        at_ms, shown_ms, colour = due[index * 7 % count if count % 7 else count - 1 - index]
        assert watching.look("seek", at_ms, shown_ms)[-1] == colour, f"at {at_ms} ms"


def _each_second(first: int, count: int, start_ms: int = 0) -> list[tuple[int, int, int]]:
    """Return the due frame in the middle of each second of a clip with one frame a second."""
    return [
        (start_ms + n * _SECOND + 500, start_ms + n * _SECOND, n % 8)
        for n in range(first, first + count)
    ]


def test_reordered_frames_are_shown_in_order(watching: Watching, server: Server):
    """B-frames are decoded after the frame that they precede, and shown before it."""
    video = clip(frames=12, b_frames=2)
    server.replays["reordered"] = replays.of_clips([(0, video), (12_000, video)])
    watching.open("reordered")
    _seek_all(watching, [*_each_second(0, 12), *_each_second(0, 12, 12_000)])
    refreshes = watching.look("play", 8, 24_000)
    assert [(at, colour) for at, colour, *_ in refreshes if colour != at // _SECOND % 12 % 8][
        :-1
    ] == []


def test_a_frame_beyond_a_cut_is_never_shown(watching: Watching, server: Server):
    """A reordered frame beyond the cut is decoded for earlier frames and never shown."""
    video = clip(frames=12, b_frames=2)
    for cut_ms in (7200, 8200, 9200):
        name = f"cut-{cut_ms}"
        server.replays[name] = replays.of_clips([(0, video), (cut_ms, video)])
        watching.open(name)
        due_before_cut = [
            (at, shown_ms, colour) for at, shown_ms, colour in _each_second(5, 5) if at < cut_ms
        ]
        _seek_all(watching, [*due_before_cut, *_each_second(0, 3, cut_ms)])
        assert watching.look("seek", cut_ms - 1, cut_ms // _SECOND * _SECOND)[-1] == (
            cut_ms // _SECOND % 8
        )


@pytest.mark.parametrize("engine", ["file"], indirect=True)
def test_a_browser_without_media_source_plays_files(watching: Watching, server: Server):
    """A browser without Media Source plays one small file for each GOP, also across a cut."""
    video = clip(frames=12)
    server.replays["files"] = replays.of_clips([(0, video), (7200, video)])
    assert watching.open("files")["engine"] == "file"
    _seek_all(watching, [*_each_second(5, 2), *_each_second(0, 12, 7200)])
    refreshes = watching.look("play", 4, 12_000)
    assert refreshes
    colours = [
        (at, colour, (at if at < 7200 else at - 7200) // _SECOND % 8)
        for at, colour, *_ in refreshes
    ]
    assert [colour_pair for colour_pair in colours if colour_pair[1] != colour_pair[2]] == []


@pytest.mark.parametrize("engine", ["mse that never seeks"], indirect=True)
def test_media_source_that_shows_nothing_gives_way_to_files(watching: Watching, server: Server):
    """The player falls back to files where Media Source never reaches a frame, as in WebKitGTK."""
    server.replays["silent"] = replays.of_clips([(0, clip(frames=12))])
    assert watching.open("silent", 3500)["engine"] == "file"
    _seek_all(watching, _each_second(0, 12))


def test_a_long_gop_is_decoded_as_needed(watching: Watching, server: Server):
    """Seeks, steps and fast play are right with hundreds of frames after one keyframe."""
    video = clip(frames=150, keyframe_every=1000, width=720, height=1280)
    server.replays["long"] = replays.of_clips([(0, video)])
    watching.open("long")
    _seek_all(watching, [_each_second(0, 150)[n] for n in (149, 3, 80, 79, 78, 120)])
    watching.request("step", frames=-1)
    watching.until("s.shown_ms === 119000")
    refreshes = watching.look("play", 16, 145_000)
    assert [(at, colour) for at, colour, *_ in refreshes if colour != at // _SECOND % 8] == []


def _three_segments() -> Replay:
    video = clip(frames=5)
    return replays.of_clips([(0, video), (5000, video), (10_000, video)])


def _check_that_play_passes_the_second_segment(watching: Watching) -> None:
    """Check that the second of three segments is skipped and an error reported there."""
    refreshes = watching.look("play", 2, 11_000)
    assert [at for at, *_ in refreshes if 5000 <= at < 10_000] == []
    assert [(at, colour) for at, colour, *_ in refreshes if colour != at // _SECOND % 5] == []
    assert watching.state()["error"] is not None
    watching.request("seek", at_ms=7000)
    watching.until("s.at_ms === 7000 && s.shown_ms === -1")
    assert watching.look("colour") == -1
    assert watching.state()["error"] is not None
    assert watching.look("seek", 12_000, 12_000)[-1] == 2
    assert watching.state()["error"] is None


def test_a_missing_object_is_reported_and_skipped(watching: Watching, server: Server):
    """A segment whose object is missing is skipped, and the others are played."""
    replay = server.replays["missing"] = _three_segments()
    del replay.objects["000001.mp4"]
    watching.open("missing")
    _check_that_play_passes_the_second_segment(watching)


def test_undecodable_video_is_reported_and_skipped(watching: Watching, server: Server):
    """A decoder error costs one GOP and not the replay."""
    replay = server.replays["damaged"] = _three_segments()
    video = replay.objects["000001.mp4"]
    at = video.index(b"mdat") + 4
    replay.objects["000001.mp4"] = video[:at] + b"\xa5" * (len(video) - at)
    watching.open("damaged")
    _check_that_play_passes_the_second_segment(watching)


def test_a_refresh_extends_a_growing_replay(watching: Watching, server: Server):
    """A refresh brings the new end, and keeps the picture and the time."""
    replay = server.replays["growing"] = replays.of_clips([(0, clip(frames=5))])
    watching.open("growing", 3500)
    replay.add(1, replays.EPOCH_MS + 5000, clip(frames=5))
    watching.request("refresh")
    watching.until("s.duration_ms === 10000")
    assert (watching.state()["at_ms"], watching.look("colour")) == (3500, 3)
    _seek_all(watching, _each_second(0, 5, 5000))


def test_a_growing_replay_plays_on_from_its_end(watching: Watching, server: Server):
    """A replay that was played to its end goes on when a new segment arrives."""
    replay = server.replays["live"] = replays.of_clips([(0, clip(frames=5))])
    watching.open("live", 4500)
    watching.request("play")
    watching.until("!s.playing && s.at_ms === 5000")
    watching.request("refresh")
    replay.add(1, replays.EPOCH_MS + 5000, clip(frames=5))
    watching.request("refresh")
    watching.until("s.playing && s.at_ms > 5200")
    watching.request("seek", at_ms=9900)
    watching.until("!s.playing && s.at_ms === 10000")
    watching.request("seek", at_ms=9000)
    replay.add(2, replays.EPOCH_MS + 10_000, clip(frames=5))
    watching.request("refresh")
    watching.until("s.duration_ms === 15000")
    assert watching.state()["playing"] is False


def test_a_late_segment_in_the_middle_is_played(watching: Watching, server: Server):
    """When the stream refuses the old version, the page fetches the new index and goes on."""
    clips = [(0, clip(frames=5)), *((20_000 + n * 60_000, clip(frames=60)) for n in range(3))]
    replay = server.replays["late"] = replays.of_clips(clips)
    watching.open("late")
    assert len(watching.state()["gaps"]) == 1
    replay.add(9, replays.EPOCH_MS + 5000, clip(frames=15))
    _seek_all(watching, [(150_500, 150_000, 2)])
    watching.until("s.gaps.length === 0")
    assert watching.look("seek", 9000, 9000)[-1] == 4


def test_the_player_recovers_from_a_lost_connection(watching: Watching, server: Server):
    """The player waits, reports why, and goes on by itself when the connection is back."""
    server.replays["far"] = replays.of_clips([(0, clip(frames=400))])
    watching.open("far")
    watching.page.context.set_offline(True)
    watching.request("seek", at_ms=300_500)
    watching.until("s.waiting && s.error !== null")
    assert (watching.state()["at_ms"], watching.state()["shown_ms"]) == (300_500, 0)
    watching.page.context.set_offline(False)
    watching.until("s.shown_ms === 300000 && !s.waiting && s.error === null")
    watching.look("frames", 2)
    assert watching.look("colour") == 300 % 8


@pytest.mark.parametrize(
    ("status", "words"), [(503, "The database does not answer"), (429, "has too much to do")]
)
def test_an_unavailable_server_is_asked_again(
    watching: Watching, server: Server, status: int, words: str
):
    """While the database is away or requests are limited, the player reports it and tries again."""
    server.replays["far"] = replays.of_clips([(0, clip(frames=400))])
    watching.open("far")
    server.refuse_stream_with = status
    watching.request("seek", at_ms=300_500)
    watching.until(f"s.waiting && s.error !== null && s.error.includes({words!r})")
    server.refuse_stream_with = None
    watching.until("s.shown_ms === 300000 && !s.waiting && s.error === null")


def test_playing_stops_at_the_end_of_a_range(watching: Watching, server: Server):
    """Play stops at the end of a range and repeats it, but plays on from behind it."""
    server.replays["range"] = replays.of_clips([(0, clip(frames=20))])
    watching.open("range")
    watching.request("range", intervals=[{"start_ms": 2_000, "end_ms": 6_500}])
    watching.request("rate", rate=8)
    watching.request("seek", at_ms=3_000)
    for _ in range(2):
        watching.request("play")
        watching.until("!s.playing && s.at_ms === 6500 && s.shown_ms === 6000")
    watching.request("seek", at_ms=7_000)
    watching.request("play")
    watching.until("!s.playing && s.at_ms === 20000")
    watching.request("play")
    watching.until("!s.playing && s.at_ms === 6500")


def test_a_replay_without_video_is_empty(watching: Watching, server: Server):
    """A replay without video has nothing to play, and requests to the player do no harm."""
    server.replays["empty"] = Replay()
    assert watching.open("empty")["status"] == "empty"
    watching.request("play")
    watching.request("seek", at_ms=5)
    watching.request("step", frames=1)
    state = watching.state()
    assert (state["status"], state["playing"], state["error"]) == ("empty", False, None)


def test_turned_video_is_shown_upright(watching: Watching, server: Server):
    """The stage shows a video upright whose track header asks for a quarter turn."""
    video = bytearray(clip(frames=2))
    matrix = video.index(b"tkhd") + 44
    quarter = [0, 1 << 16, 0, -(1 << 16) & 0xFFFFFFFF, 0, 0, 0, 0, 1 << 30]
    video[matrix : matrix + 36] = b"".join(number.to_bytes(4, "big") for number in quarter)
    server.replays["turned"] = replays.of_clips([(0, bytes(video))])
    state = watching.open("turned")
    watching.check_picture_size((256, 128))
    assert (state["width"], state["height"]) == (256, 128)


@pytest.mark.parametrize("engine", ["file"], indirect=True)
def test_a_browser_without_h264_reports_it(watching: Watching, server: Server):
    """A browser that cannot play H.264 reports this instead of a dark picture."""
    server.replays["any"] = replays.of_clips([(0, clip())])
    watching.page.add_init_script("HTMLMediaElement.prototype.canPlayType = () => ''")
    state = watching.open("any")
    assert (state["status"], state["engine"]) == ("failed", "none")
    assert "H.264" in state["error"]
    watching.request("play")
    assert watching.state()["playing"] is False


def test_a_destroyed_player_leaves_nothing(watching: Watching, server: Server):
    """A destroyed player removes its elements and its global from the page."""
    server.replays["any"] = replays.of_clips([(0, clip(frames=60))])
    watching.open("any")
    watching.request("play")
    watching.page.evaluate("player.destroy()")
    assert watching.page.evaluate("document.querySelectorAll('canvas, video').length") == 0
    assert watching.page.evaluate("'pb' in window") is False
