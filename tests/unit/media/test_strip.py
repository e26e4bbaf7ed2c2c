"""Tests of the choice of a replay's pictures, and of the sheets drawn from them."""

import io

from PIL import Image, ImageDraw

from app.media import strip as film, wire
from app.media.strip import PictureStrip


def screen(number: int, *, size: tuple[int, int] = (110, 240)) -> Image.Image:
    """Make a screen whose colour differs for each number."""
    return Image.new("RGB", size, (number * 97 % 251,) * 3)


def test_equal_pictures_are_kept_once():
    """A screen that does not change for a minute is one tile, at its first moment."""
    reel = PictureStrip()
    for second in range(60):
        reel.add(screen(1), second * 1000)
    assert [tile.at_ms for tile in reel.draw().tiles] == [0]


def test_a_letter_is_no_scene_and_a_dialog_is():
    """A picture with a new letter is passed over, and one with a dialog is kept."""
    letter, dialog = screen(1), screen(1)
    ImageDraw.Draw(letter).rectangle((20, 60, 26, 68), fill="black")
    ImageDraw.Draw(dialog).rectangle((10, 80, 100, 160), fill="white")
    reel = PictureStrip()
    for second, picture in enumerate((screen(1), letter, dialog, dialog)):
        reel.add(picture, second * 1000)
    assert [tile.at_ms for tile in reel.draw().tiles] == [0, 2000]


def test_small_changes_add_up():
    """A screen that changes bit by bit is kept when it has changed enough."""
    reel = PictureStrip()
    picture = screen(1)
    for step in range(24):
        picture = picture.copy()
        ImageDraw.Draw(picture).rectangle((step * 4, 0, step * 4 + 3, 60), fill="white")
        reel.add(picture, step * 1000)
    assert 1 < len(reel.draw().tiles) < 24


def test_a_picture_that_is_not_later_is_passed_over():
    """A picture is kept only if it is later than the last one that was kept."""
    reel = PictureStrip()
    for at_ms in (1000, 1000, 500, 2000):
        reel.add(screen(at_ms), at_ms)
    assert [tile.at_ms for tile in reel.draw().tiles] == [1000, 2000]


def test_what_was_shown_the_shortest_goes_first():
    """When there are too many pictures, those shown longest remain; memory stays bounded."""
    reel = PictureStrip()
    at_ms = 0
    for number in range(3 * wire.MOST_TILES):
        reel.add(screen(number), at_ms)
        assert len(reel._shots) <= 2 * wire.MOST_TILES
        at_ms += 5000 if number % 3 == 0 else 100
    strip = reel.draw()
    assert len(strip.tiles) == wire.MOST_TILES
    assert len(strip.sheets) == -(-wire.MOST_TILES // strip.tiles_a_sheet)
    first = strip.tiles[0].at_ms
    assert all((tile.at_ms - first) % 5200 == 0 for tile in strip.tiles[:100])


def test_without_a_poster_the_first_picture_stands_for_it():
    """A replay whose poster cannot be decoded has its first picture as poster."""
    reel = PictureStrip()
    reel.add(screen(5), 0)
    strip = reel.draw()
    assert (strip.poster_width, strip.poster_height) == (110, 240)


def test_sheets_are_as_wide_as_their_tiles():
    """A few tiles make a small sheet."""
    reel = PictureStrip()
    for number in range(3):
        reel.add(screen(number), number)
    strip = reel.draw()
    with Image.open(io.BytesIO(strip.sheets[0])) as sheet:
        assert sheet.size == (330, 240)


def test_nothing_is_made_larger():
    """Pictures are scaled down to the side that is asked for, never up."""
    assert film.fit_size(448, 960, 240) == (112, 240)
    assert film.fit_size(960, 448, 240) == (240, 112)
    assert film.fit_size(64, 32, 240) == (64, 32)
    assert film.fit_size(4096, 1, 240) == (240, 1)
