"""Tests that whatever the masker covers stays covered."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from PIL import Image

from app.demo.drawing import paint
from app.demo.drawing.ui import Box, Control, Icon, Photo, Rect, Text

SCREEN = Rect(0, 0, 128, 96)
SPOT = Rect(21, 17, 60, 40)
WORD = Text(SPOT, "Secret 12.90", 16, "#22302A")
SECRETS: tuple[Control, ...] = (
    WORD,
    replace(WORD, words="x"),
    Icon(Rect(21, 17, 40, 40), "bag", "#B93A32", unmask=False),
    Photo(SPOT, "fern", "#D9E7EC"),
)


def _render(*controls: Control, background: str = "#F7F6F1") -> Image.Image:
    return paint.paint_screen(Box(SCREEN, controls, background))


def _colours(picture: Image.Image, rect: Rect) -> set[object]:
    crop = picture.crop((rect.left, rect.top, rect.right, rect.bottom))
    return {colour for _, colour in crop.getcolors(100_000) or []}


def _only_colour(picture: Image.Image, rect: Rect) -> tuple[int, int, int]:
    (colour,) = _colours(picture, rect)
    assert isinstance(colour, tuple)
    red, green, blue = colour
    return int(red), int(green), int(blue)


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: type(secret).__name__)
def test_no_pixel_of_a_masked_control_keeps_detail(secret: Control):
    """The whole rect of a masked control has one colour, whatever lies under it."""
    stripes = [Box(Rect(at, 0, 3, 96), fill="#8040C0") for at in range(0, 128, 6)]
    assert len(_colours(_render(*stripes, secret), secret.rect)) == 1


def test_hidden_words_do_not_change_the_picture():
    """Two amounts in the same place cannot be told apart."""
    assert _render(WORD).tobytes() == _render(replace(WORD, words="Other 99.50")).tobytes()


def test_hidden_photos_do_not_change_the_picture():
    """Two photos on the same ground cannot be told apart."""
    fern = Photo(SPOT, "fern", "#D9E7EC", radius_px=8)
    assert _render(fern).tobytes() == _render(replace(fern, plant="monstera")).tobytes()


def test_a_block_has_the_colour_of_its_words():
    """The predominant colour is that of the ink, not of the paper around it."""
    red, green, blue = _only_colour(_render(WORD), SPOT)
    assert max(abs(red - 0x22), abs(green - 0x30), abs(blue - 0x2A)) <= 8


def test_a_block_has_the_colour_of_most_of_its_photo():
    """A photo on a red ground becomes a red block."""
    red, green, blue = _only_colour(_render(Photo(SPOT, "aloe", "#E03020")), SPOT)
    assert red > 200
    assert green < 80
    assert blue < 80


def test_labels_that_the_app_unmasks_are_drawn():
    """A title shows its letters."""
    picture = _render(replace(WORD, unmask=True, words="Checkout"))
    assert len(_colours(picture, SPOT)) > 5
    assert picture.tobytes() != _render(replace(WORD, unmask=True, words="Catalogue")).tobytes()


def test_a_surface_covers_the_blocks_under_it():
    """A dialog hides what it lies on, blocks included."""
    dialog = Box(Rect(0, 0, 128, 96), fill="#FFFFFF")
    assert _colours(_render(WORD, dialog), Rect(0, 0, 128, 96)) == {(255, 255, 255)}


def test_a_list_cuts_its_blocks_at_its_edge():
    """Blocks that are scrolled out of a list are not drawn, masked or not."""
    listing = Box(Rect(10, 30, 100, 50), (WORD,), clips=True)
    picture = _render(listing)
    assert _colours(picture, Rect(0, 0, 128, 30)) == {(247, 246, 241)}
    assert len(_colours(picture, Rect(21, 31, 60, 20))) == 1
    assert _colours(picture, Rect(21, 31, 60, 20)) != {(247, 246, 241)}


def test_a_control_without_ink_needs_no_block():
    """An empty field stays as empty as it is."""
    assert _render(replace(WORD, words="")).tobytes() == _render().tobytes()


def test_a_finger_darkens_the_control_under_it():
    """Only the pressed control looks pressed."""
    button = Box(Rect(10, 10, 100, 40), fill="#1F6B4F", radius_px=16, view_id="pay")
    other = replace(button, rect=Rect(10, 54, 100, 40), view_id="other")
    screen = Box(SCREEN, (button, other), "#FFFFFF")
    at_rest, pressed = paint.paint_screen(screen), paint.paint_screen(screen, pressed=button)
    assert _changed_rows(at_rest, pressed) <= set(range(10, 50))


def _changed_rows(one: Image.Image, other: Image.Image) -> set[int]:
    def rows(picture: Image.Image) -> Sequence[bytes]:
        data, stride = picture.tobytes(), picture.width * 3
        return [data[at : at + stride] for at in range(0, len(data), stride)]

    pairs = zip(rows(one), rows(other), strict=True)
    changed_pixels = {at for at, (a, b) in enumerate(pairs) if a != b}
    assert changed_pixels, "nothing changed"
    return changed_pixels


def test_without_masking_the_person_sees_their_data():
    """The unmasked picture, for working on the app, differs."""
    screen = Box(SCREEN, (WORD,), "#FFFFFF")
    assert (
        paint.paint_screen(screen, masked=False).tobytes() != paint.paint_screen(screen).tobytes()
    )
