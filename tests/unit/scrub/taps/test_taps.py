"""Taps are hidden by rule: touches, breadcrumbs, names of spans, and views of keypads."""

import json
import random
from typing import Any

import pytest

from app.formats.jsonish import JsonObject
from app.scrub.places import PayloadKind
from app.scrub.taps.event import hide_event_taps
from app.scrub.taps.hierarchy import hide_keypad_views
from app.scrub.taps.names import get_matcher
from app.scrub.taps.recording import HiddenTaps, hide_recorded_taps
from app.scrub.taps.rules import HIDDEN_CATEGORY, TapRegion, TapRules
from tests.support.builders import recordings
from tests.support.builders.wire import STARTED_MS

KEYPADS = TapRules(keypads=True)
SCREENS = TapRules(screens=("Pin*", "*Transfer*"))
LOWER_HALF = TapRules(regions=(TapRegion("*", 0, 50, 100, 100),))
PAY_BUTTON = TapRules(regions=(TapRegion("Checkout*", 50, 80, 100, 100),))
WIDTH, HEIGHT = recordings.WIDTH, recordings.HEIGHT


def tap(at_ms: int, x: float, y: float, *, view: str = "btn_next") -> list[Any]:
    """Make a tap: the finger comes down, moves a little and goes up, and a breadcrumb notes it."""
    at = STARTED_MS + at_ms
    return [
        recordings.touch("start", at, x, y),
        recordings.touch("end", at + 60, x, y),
        recordings.breadcrumb("ui.tap", at + 61, message=view, data={"view.id": view}),
    ]


def go_to(at_ms: int, screen: str) -> JsonObject:
    """Make the breadcrumb of a new screen."""
    return recordings.breadcrumb("navigation", STARTED_MS + at_ms, data={"to": screen})


def hide(rules: TapRules, *events: Any, screens: tuple[str, ...] = ()) -> HiddenTaps:
    """Hide the taps of a recording, whose events may be nested in lists."""
    flat = [recordings.meta(STARTED_MS)]
    for event in events:
        flat += event if isinstance(event, list) else [event]
    flat.sort(key=lambda event: event["timestamp"])
    return hide_recorded_taps(flat, rules, screens)


def notes(result: HiddenTaps) -> list[tuple[int, str]]:
    """Return how many taps were hidden by which rule, in the order of time."""
    payloads = [event["data"].get("payload", {}) for event in result.events]
    return [
        (payload["data"]["taps"], payload["data"]["rule"])
        for payload in payloads
        if payload.get("category") == HIDDEN_CATEGORY
    ]


def touches(result: HiddenTaps) -> int:
    """Count the touches that are left."""
    return sum(event["type"] == 3 for event in result.events)


def crumbs(result: HiddenTaps) -> list[str]:
    """Return the ids of the views whose taps are left."""
    payloads = [event["data"].get("payload", {}) for event in result.events]
    return [each["message"] for each in payloads if each.get("category") == "ui.tap"]


def test_a_pin_cannot_be_read_from_what_is_left():
    """No position, no view and no time between taps of a PIN entry is left, only their number."""
    pin = "4711"
    taps = [
        tap(1_000 + 300 * n, 100 * int(digit), 700, view=f"key_{digit}")
        for n, digit in enumerate(pin)
    ]
    result = hide(
        KEYPADS, go_to(0, "HomeActivity"), tap(500, 10, 20), go_to(900, "EntryActivity"), *taps,
        go_to(3_000, "AccountActivity"), tap(3_500, 30, 40), screens=("HomeActivity",),
    )  # fmt: skip
    assert notes(result) == [(4, "keypad")]
    assert touches(result) == 4
    assert crumbs(result) == ["btn_next", "btn_next"]
    left = json.dumps(result.events)
    assert "key_" not in left
    assert [(remark.rule, remark.count) for remark in result.remarks] == [("taps: keypad", 4)]
    times = [event["timestamp"] - STARTED_MS for event in result.events]
    assert [at for at in times if 900 < at < 3_000] == [1_000], "only the first tap has a time"


def test_taps_on_chosen_screens_are_hidden():
    """All touches and taps of a screen go, by its name in a breadcrumb or in the event."""
    result = hide(SCREENS, tap(100, 10, 20), screens=("PinEntryActivity",))
    assert (notes(result), touches(result), crumbs(result)) == ([(1, "screen")], 0, [])
    result = hide(
        SCREENS, go_to(50, "net.example.MoneyTransferFragment"), tap(100, 10, 20),
        go_to(500, "Home"), tap(600, 1, 2), screens=("Home",),
    )  # fmt: skip
    assert (notes(result), touches(result), crumbs(result)) == ([(1, "screen")], 2, ["btn_next"])


@pytest.mark.parametrize(
    ("events", "screens"),
    [
        ((tap(100, 10, 20),), ()),
        ((tap(100, 10, 20), go_to(500, "Home")), ("Home",)),
        ((tap(100, 10, 20),), ("Home", "Cart")),
        ((recordings.breadcrumb("navigation", STARTED_MS, data={}), tap(100, 1, 2)), ("Home",)),
        ((tap(100, 10, 20)[1:],), ("Home", "Cart")),
    ],
)
@pytest.mark.parametrize("rules", [KEYPADS, SCREENS, PAY_BUTTON])
def test_a_tap_on_an_unknown_screen_is_hidden(
    rules: TapRules, events: tuple[Any, ...], screens: tuple[str, ...]
):
    """Where a rule needs the screen and the segment does not tell it, taps go."""
    result = hide(rules, *events, screens=screens)
    assert touches(result) == 0
    assert crumbs(result) == []
    assert result.remarks


def test_a_screen_that_a_segment_names_is_known():
    """One name in the event, or the name before the first change, tells where the taps are."""
    assert hide(KEYPADS, tap(100, 1, 2), screens=("Home",)).remarks == ()
    result = hide(KEYPADS, tap(100, 1, 2), go_to(500, "Cart"), screens=("Home", "Cart"))
    assert result.remarks == ()


def test_taps_in_regions_are_hidden_with_their_breadcrumbs():
    """A gesture with any point in a region goes whole, and others stay."""
    low, high = 0.9 * HEIGHT, 0.1 * HEIGHT
    result = hide(LOWER_HALF, tap(100, 10, low, view="b"), tap(2_000, 10, high, view="a"))
    assert (notes(result), touches(result), crumbs(result)) == ([(1, "region")], 2, ["a"])
    swipe = [
        recordings.touch("start", STARTED_MS, 10, high),
        recordings.moves(STARTED_MS + 300, [(10, high, -100), (10, low, 0)]),
        recordings.touch("end", STARTED_MS + 400, 10, high),
    ]
    assert touches(hide(LOWER_HALF, swipe)) == 0
    at_button = tap(100, 0.9 * WIDTH, low)
    assert hide(PAY_BUTTON, at_button, screens=("CheckoutActivity",)).remarks
    assert hide(PAY_BUTTON, at_button, screens=("HomeActivity",)).remarks == ()
    assert hide(PAY_BUTTON, tap(100, 1, low), screens=("CheckoutActivity",)).remarks == ()


def test_a_region_needs_the_size_of_the_screen():
    """Without the size, or with a touch that cannot be read, it cannot be told: hidden."""
    taps = tap(100, 10, 10)
    assert hide_recorded_taps(taps, LOWER_HALF, ()).remarks
    broken = tap(100, 10, 10)
    broken[0]["data"]["x"] = "a"
    assert touches(hide(LOWER_HALF, broken)) == 0


def test_fingers_that_began_before_the_segment_are_hidden():
    """A finger whose start lies in the segment before may have come down on another screen."""
    end = recordings.touch("end", STARTED_MS + 10, 5, 5)
    assert touches(hide(SCREENS, end, screens=("Home",))) == 0


def test_a_finger_down_on_one_screen_and_up_on_another_is_hidden():
    """One hidden end hides the whole gesture, and a cancel ends every finger."""
    result = hide(
        SCREENS, recordings.touch("start", STARTED_MS, 1, 1), go_to(50, "PinActivity"),
        recordings.touch("end", STARTED_MS + 100, 1, 1), screens=("Home",),
    )  # fmt: skip
    assert touches(result) == 0


def test_nothing_is_changed_without_a_finding():
    """A recording in which nothing is hidden is returned as the same list."""
    events = [recordings.meta(STARTED_MS), *tap(100, 1, 1)]
    assert hide_recorded_taps(events, SCREENS, ("Home",)).events is events


@pytest.mark.parametrize(
    "name",
    [
        *(
            "key_7",
            "btn_3",
            "digit5",
            "button9",
            "numPad",
            "PinPadView",
            "pin_entry",
            "num_pad_key",
        ),
        *("com.example.PinCodeView", "Text(7)", "ElevatedButton(0)", "7", "*", "\u232b", "keypad"),
        *("PasscodeKey", "otp_field", "cvv", "smsCodeInput", "Key7Button", "dial_1"),
    ],
)
def test_names_of_keypads_are_known(name: str):
    """Ids, classes and labels of keys are recognised in each style of writing."""
    assert get_matcher(KEYPADS).is_keypad_view([name])


@pytest.mark.parametrize(
    "name",
    [
        *("btn_next", "pay", "Button(Pay now)", "keyboard", "opinion", "shipping", "spinner"),
        *("item_42", "monkey", "Text(Total 7 items)", "tab_home", "hotkey", "list_12"),
    ],
)  # fmt: skip
def test_other_names_are_no_keypads(name: str):
    """Names that merely contain such a word, or a number, are left."""
    assert not get_matcher(KEYPADS).is_keypad_view([name])


@pytest.mark.parametrize(
    "name", ["PinActivity", "EnterPinScreen", "PasscodeViewController", "pin_entry", "UnlockScreen"]
)
def test_screens_of_keypads_are_known(name: str):
    """The name of a screen alone may say that it is a keypad."""
    assert get_matcher(KEYPADS).is_keypad_screen(name)
    assert notes(hide(KEYPADS, tap(100, 1, 1), screens=(name,))) == [(1, "keypad")]


def test_views_of_a_project_are_keypads_too():
    """A project names the views of its own keypad."""
    rules = TapRules(views=("amount_*", "*SecureKey"))
    assert notes(hide(rules, tap(1, 1, 1, view="amount_3"), screens=("Home",))) == [(1, "keypad")]
    assert hide(rules, tap(1, 1, 1, view="the_amount_3"), screens=("Home",)).remarks == ()


def event_with(*names: str, screen: str = "PinActivity", wrapped: bool = True) -> JsonObject:
    """Make an event with breadcrumbs of a screen and taps on it."""
    taps = [{"category": "ui.click", "timestamp": n, "data": {"view.id": name}}
            for n, name in enumerate(names)]  # fmt: skip
    crumbs = [{"category": "navigation", "data": {"to": screen}}, *taps, {"category": "http"}]
    return {"breadcrumbs": {"values": crumbs} if wrapped else crumbs}


@pytest.mark.parametrize("wrapped", [True, False])
def test_taps_in_breadcrumbs_of_errors_are_hidden(wrapped: bool):
    """One note stands for the taps of a screen, and other breadcrumbs stay."""
    event = event_with("key_4", "key_7", wrapped=wrapped)
    before = json.dumps(event)
    clean, remarks = hide_event_taps(event, KEYPADS, kind=PayloadKind.EVENT)
    crumbs = clean["breadcrumbs"]["values"] if wrapped else clean["breadcrumbs"]
    assert [crumb["category"] for crumb in crumbs] == ["navigation", HIDDEN_CATEGORY, "http"]
    assert crumbs[1]["data"] == {"taps": 2, "rule": "keypad"}
    assert "key_" not in json.dumps(clean)
    assert json.dumps(event) == before
    assert [(remark.rule, remark.path, remark.count) for remark in remarks] == [
        ("taps: keypad", "breadcrumbs", 2)
    ]


def test_taps_of_an_error_on_an_unknown_screen_are_hidden():
    """Breadcrumbs before the first screen are hidden unless the event names its only screen."""
    event: JsonObject = {"breadcrumbs": [{"category": "touch", "message": "row_a"}]}
    assert hide_event_taps(event, SCREENS, kind=PayloadKind.EVENT)[1]
    event["contexts"] = {"app": {"view_names": ["Home"]}}
    assert hide_event_taps(event, SCREENS, kind=PayloadKind.EVENT) == (event, ())


@pytest.mark.parametrize(
    ("name", "is_hidden"),
    [("PinActivity.a", True), ("Home.key_7", True), ("Home.pay", False), ("row", True)],
)
def test_names_of_spans_of_taps_are_hidden(name: str, is_hidden: bool):
    """Transactions and spans of taps lose the name of the view, others keep theirs."""
    trace = {"contexts": {"trace": {"op": "ui.action.click"}}, "transaction": name}
    span = {"op": "ui.interaction.click", "description": name}
    streamed = {"items": [{"name": name, "attributes": {"sentry.op": {"value": "ui.action"}}}]}
    for value, kind in (
        (trace | {"spans": [span, {"op": "db", "description": "key_7"}]}, PayloadKind.TRANSACTION),
        (span, PayloadKind.SPAN),
        (streamed, PayloadKind.SPAN),
    ):
        clean, remarks = hide_event_taps(value, KEYPADS, kind=kind)
        assert (json.dumps(name) not in json.dumps(clean)) == is_hidden
        assert bool(remarks) == is_hidden
    load = {"op": "ui.load", "description": "PinActivity"}
    assert hide_event_taps(load, KEYPADS, kind=PayloadKind.SPAN) == (load, ())


def test_views_of_keypads_are_hidden_in_hierarchies():
    """A view of a keypad goes with its place and everything inside, and its neighbours stay."""
    tree = {"windows": [{"type": "Decor", "children": [
        {"type": "PinPad", "x": 1, "children": [{"type": "Button", "identifier": "key_1", "x": 5}]},
        {"type": "Text", "identifier": "title", "x": 2},
    ]}]}  # fmt: skip
    clean, remarks = hide_keypad_views(tree, KEYPADS)
    assert clean["windows"][0]["children"] == [
        {"type": "[view hidden]"}, {"type": "Text", "identifier": "title", "x": 2},
    ]  # fmt: skip
    assert [remark.count for remark in remarks] == [1]
    plain = {"windows": [{"type": "Text"}]}
    assert hide_keypad_views(plain, KEYPADS) == (plain, ())


@pytest.mark.parametrize("seed", range(30))
def test_odd_recordings_never_raise_and_never_leave_a_touch_of_a_hidden_screen(seed: int):
    """Whatever SDKs send, a rule for all screens leaves no touch and no tap breadcrumb."""
    source = random.Random(seed)
    odd: list[Any] = [None, 1, "x", [], {}, {"positions": [1]}, {"tag": "breadcrumb"}, 1e300, -1]
    events: list[JsonObject] = []
    for _ in range(60):
        event = source.choice([*tap(source.randrange(5_000), 1, 2), go_to(5, "A")])
        event = json.loads(json.dumps(event))
        if source.random() < 0.5:
            target = source.choice([event, event["data"]])
            target[source.choice(list(target))] = source.choice(odd)
        events.append(event)
    result = hide_recorded_taps(events, TapRules(screens=("*",), keypads=True), ("A",))
    assert not any(event.get("type") == 3 for event in result.events)
    for event in result.events:
        data = event.get("data")
        payload = data.get("payload") if isinstance(data, dict) else None
        if isinstance(payload, dict) and isinstance(data, dict) and data["tag"] == "breadcrumb":
            assert payload.get("category") != "ui.tap"


def test_a_rule_that_fails_hides_every_tap(monkeypatch: pytest.MonkeyPatch):
    """If judging a tap fails, no touch and no breadcrumb is left."""

    def fail(*_: object) -> bool:
        raise RuntimeError

    monkeypatch.setattr("app.scrub.taps.visits.judge_visits", fail)
    result = hide(KEYPADS, tap(1, 1, 1), screens=("Home",))
    assert [event["type"] for event in result.events] == [4]
    assert result.remarks[0].rule == "taps: rule that failed"
    clean, remarks = hide_event_taps(event_with("key_1"), KEYPADS, kind=PayloadKind.EVENT)
    assert (clean, remarks[0].rule) == ({}, "taps: rule that failed")
