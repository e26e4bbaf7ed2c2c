"""The story fits the screens, and fingers fit the story."""

import pytest

from app.demo import story
from app.demo.drawing import screens, ui
from app.demo.drawing.ui import Icon, Photo, Text
from app.demo.phone import Dice, SimulatedPhone
from app.demo.shop import PEOPLE, PRODUCTS, Customer, format_price
from app.demo.usage_log import ScreenState, UsageLog

HOME = ScreenState(0, PEOPLE[0], "home")
GALLERY = ScreenState(0, PEOPLE[0], "gallery")


@pytest.fixture(scope="module")
def usage() -> UsageLog:
    """Return one played story."""
    return story.play_story(Dice(3), PEOPLE[0])


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
def test_no_label_holds_what_belongs_to_a_person(person: Customer):
    """Names, addresses, product names and prices are never among the unmasked words."""
    private = [*person.name.split(), person.street, person.city, person.phone]
    private += [product.name for product in PRODUCTS]
    private += [format_price(product.price_cents) for product in PRODUCTS]
    labels = set()
    for state in story.play_story(Dice(1), person).states:
        screen = screens.lay_out(state, "09:41")
        for control in ui.walk(screen):
            if isinstance(control, Text) and control.unmask:
                labels.add(control.words)
    assert "Payment failed" in labels
    assert [label for label in labels for secret in private if secret in label] == []


def test_photos_of_goods_are_masked(usage: UsageLog):
    """Only the shop's own banner shows a plant."""
    for state in usage.states:
        screen = screens.lay_out(state, "09:41")
        photos = [c for c in ui.walk(screen) if isinstance(c, Photo)]
        assert all(photo.tint is None for photo in photos if photo.unmask)


def test_icons_lie_on_the_screen(usage: UsageLog):
    """All fixed parts of a portrait screen lie within its edges."""
    for state in usage.states:
        for control in ui.walk(screens.lay_out(state, "09:41")):
            if isinstance(control, Icon):
                assert control.rect.left >= 0
                assert control.rect.right <= state.size[0]


def test_touches_lie_on_the_screen(usage: UsageLog):
    """Every finger is inside the video of its moment."""
    for touch in usage.touches:
        width, height = usage.state_at(touch.at_ms).size
        for _, x, y in touch.path:
            assert 0 <= x < width
            assert 0 <= y < height


def test_fingers_come_down_and_go_up_in_turn(usage: UsageLog):
    """Starts and ends alternate; moves lie between, none later than its event."""
    kinds = [touch.kind for touch in usage.touches if touch.kind != "move"]
    assert kinds == ["start", "end"] * (len(kinds) // 2)
    moves = [touch for touch in usage.touches if touch.kind == "move"]
    assert moves
    for move in moves:
        assert [offset for offset, _, _ in move.path] == sorted(o for o, _, _ in move.path)
        assert move.path[-1][0] == 0


def test_the_same_dice_play_the_same_story(usage: UsageLog):
    """A seed decides everything."""
    assert story.play_story(Dice(3), PEOPLE[0]) == usage
    assert story.play_story(Dice(4), PEOPLE[0]) != usage


def test_the_story_lasts_about_95_s(usage: UsageLog):
    """Long enough to show everything, short enough to watch."""
    assert 90_000 <= usage.ended_ms <= 97_000
    (away,) = usage.away_ms
    assert away[1] - away[0] == 20_000


def test_a_quick_swipe_sends_no_moves():
    """Positions still waiting when the finger lifts are lost, as on Android."""
    phone = SimulatedPhone(Dice(1), GALLERY)
    phone.swipe("photo_pager", (-300, 0), 260, photo=(1,))
    assert [touch.kind for touch in phone.usage.touches] == ["start", "end"]
    assert phone.usage.crumbs[-1].payload["data"]["direction"] == "left"


def test_a_tap_on_what_is_not_there_is_an_error_in_the_story():
    """The story cannot go on with a control that no screen shows."""
    phone = SimulatedPhone(Dice(1), HOME)
    with pytest.raises(LookupError, match="pay_now"):
        phone.tap("pay_now")
    with pytest.raises(LookupError, match="VD-0"):
        phone.tap("product_card", tag="VD-0")


def test_the_story_cannot_go_back_in_time():
    """Waiting for a moment that has passed is an error in the story."""
    phone = SimulatedPhone(Dice(1), HOME)
    phone.until(2_000)
    with pytest.raises(ValueError, match="already at 2000 ms"):
        phone.until(1_000)


@pytest.mark.parametrize(
    ("move", "way"), [((0, -80), "up"), ((0, 80), "down"), ((80, 0), "right"), ((-80, 0), "left")]
)
def test_a_swipe_says_where_it_went(move: tuple[int, int], way: str):
    """The breadcrumb names the finger's direction."""
    phone = SimulatedPhone(Dice(1), GALLERY)
    phone.swipe("photo_pager", move, 200, photo=(0,))
    assert phone.usage.crumbs[-1].payload["data"]["direction"] == way
