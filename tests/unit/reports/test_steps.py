"""Tests of the steps that are derived from a recording, over the recorded traffic of all SDKs."""

import textwrap
from dataclasses import replace

import pytest

from app.core.ids import EventId
from app.core.replay.replay_range import ReplayRange
from app.formats.replay.activity import NetworkSpan
from app.playback.recording.contents import ScreenSpan
from app.playback.recording.gestures import Gesture, TouchPoint
from app.reports.steps.derive import StepSources, derive_steps, find_platform
from app.reports.steps.model import (
    AppStep,
    ProblemStep,
    RequestStep,
    ScreenPlace,
    ScreenStep,
    TouchStep,
    find_problem,
)
from app.reports.steps.wording import describe_step, write_steps
from tests.unit.reports.sample_steps import make_crumb, read_sources

EXPECTED = {
    "android-buffer-a": """
        1. [0:00] Tap “product_cell”.
             [0:01] “ProductActivity” appears.
        2. [0:05] Tap “btn_add” on “ProductActivity”.
             [0:08] “CheckoutActivity” appears.
        3. [0:28] Tap “btn_pay” on “CheckoutActivity”.
             [0:28] “POST /api/pay” answers 500 after 30 ms.
        4. [0:33] Tap “btn_dismiss” on “CheckoutActivity”.
             [0:38] “CatalogActivity” appears.
        5. [0:40] Swipe up on “recycler_view” (“CatalogActivity”).
        6. [0:53] Leave the app, so that it goes to the background.
        """,
    "android-anr-a": """
             [0:00] “CatalogActivity” appears.
        1. [0:03] Swipe up on “recycler_view” (“CatalogActivity”).
        2. [0:08] Tap “product_cell” on “CatalogActivity”.
             [0:09] “ProductActivity” appears.
        3. [0:13] Tap “btn_add” on “ProductActivity” 6 times.
        4. [0:14] Tap at 50 % across and 80 % down on “ProductActivity” twice.
        5. [0:35] Leave the app, so that it goes to the background.
        """,
    "android-rotation-a": """
        1. [0:00] Open the app.
             [0:00] “CatalogActivity” appears.
        2. [0:03] Tap “product_cell” on “CatalogActivity”.
             [0:05] “GalleryActivity” appears.
        3. [0:07] Swipe left on “recycler_view” (“GalleryActivity”).
        4. [0:16] Turn the phone to landscape.
        5. [0:19] Tap “btn_next” on “GalleryActivity” twice.
        6. [0:32] Turn the phone to portrait.
        7. [0:35] Tap “btn_prev” on “GalleryActivity”.
        8. [0:44] Leave the app, so that it goes to the background.
        """,
    "ios-session-a": """
        1. [0:00] Open the app.
             [0:00] “CatalogViewController” appears.
        2. [0:04] Swipe up at 51 % across and 71 % down (“CatalogViewController”).
        3. [0:06] Tap the “UITableViewCell” at 50 % across and 36 % down on “CatalogViewController”.
             [0:08] “ProductViewController” appears.
        4. [0:10] Swipe up at 51 % across and 71 % down (“ProductViewController”).
        5. [0:12] Tap “pay” on “ProductViewController”.
             [0:14] “CheckoutViewController” appears.
             [0:19] “POST /v1/items” answers 500 after 320 ms.
             [0:19] “UIAlertController” appears.
        6. [0:19] Tap “pay” on “UIAlertController”.
        """,
    "rn-android-a": """
        1. [0:01] Open the app.
             [0:01] “Catalog” appears.
        2. [0:02] Tap “Pay now” on “Catalog”.
             [0:04] “Checkout” appears.
        3. [0:11] Tap “Pay now” on “Checkout” 3 times.
             [0:12] “POST /v1/pay” answers 500 after 240 ms.
        4. [0:23] Leave the app, so that it goes to the background.
        """,
    "flutter-android-a": """
        1. [0:01] Open the app.
             [0:01] “Catalog” appears.
        2. [0:02] Tap “Pay now” on “Catalog”.
             [0:04] “Checkout” appears.
        3. [0:12] Tap “Pay now” on “Checkout” 3 times.
             [0:12] “POST /v1/pay” answers 500 after 240 ms.
        4. [0:23] Leave the app, so that it goes to the background.
        """,
}
"""The steps of a family in words; those of React Native and Flutter begin with a slow start."""
SIZE = (400, 800)


def sources(*crumbs, **changes) -> StepSources:
    """Make the sources of an Android app from its breadcrumbs."""
    return StepSources(crumbs, zero_ms=0, platform="android", **changes)


def touched(at_ms: int, *points: tuple[int, int], finger: int = 0, kind="tap") -> Gesture:
    """Make a gesture through points of a screen of 400 x 800, each 50 ms after the one before."""
    places = [TouchPoint(at_ms + 50 * number, x, y) for number, (x, y) in enumerate(points)]
    return Gesture(kind, finger, SIZE, tuple(places))


def words(found) -> list[str]:
    """Describe steps, without their times."""
    return [describe_step(step) for step in found.steps]


@pytest.mark.parametrize("family", EXPECTED)
def test_steps_of_a_family_are_these(family: str):
    """Each SDK names taps in its own way, and the steps say the same of all of them."""
    expected = textwrap.dedent(EXPECTED[family]).strip("\n")
    assert write_steps(derive_steps(read_sources(family))).splitlines() == expected.splitlines()


def test_the_same_recording_gives_the_same_steps():
    """Nothing depends on the order in which parts are read, or on an earlier call."""
    recorded = read_sources("android-session-full-a")
    first = derive_steps(recorded)
    assert derive_steps(recorded) == first
    assert derive_steps(replace(recorded, spans=tuple(recorded.spans))) == first


def test_a_range_begins_on_the_screen_that_is_open():
    """Steps outside the range are left out, and the last screen before it is named."""
    recorded = read_sources("android-buffer-a")
    repro_steps = derive_steps(recorded, within=ReplayRange(20_000, 34_000))
    assert write_steps(repro_steps).splitlines() == [
        "Starts on “CheckoutActivity”.",
        "1. [0:28] Tap “btn_pay” on “CheckoutActivity”.",
        "     [0:28] “POST /api/pay” answers 500 after 30 ms.",
        "2. [0:33] Tap “btn_dismiss” on “CheckoutActivity”.",
    ]


def test_the_end_of_a_range_is_not_part_of_it():
    """A step at `from` is in the range, and one at `to` is not."""
    crumbs = [make_crumb("navigation", at_ms, to=f"S{at_ms}") for at_ms in (1_000, 2_000)]
    repro_steps = derive_steps(sources(*crumbs), within=ReplayRange(1_000, 2_000))
    assert repro_steps.steps == (ScreenStep(1_000, "S1000"),)


def test_of_too_many_steps_the_last_ones_are_kept():
    """Failures are at the end, so the last steps stay; the screen before them is still named."""
    crumbs = [make_crumb("navigation", at_ms, to=f"S{at_ms}") for at_ms in range(10)]
    repro_steps = derive_steps(sources(*crumbs), limit=3)
    assert words(repro_steps) == ["“S7” appears", "“S8” appears", "“S9” appears"]
    assert (repro_steps.earlier, repro_steps.start_screen) == (7, "S6")
    assert write_steps(repro_steps).startswith(
        "7 earlier steps are left out. The steps begin after them"
    )


def test_a_recording_without_steps_says_so():
    """An empty list would look like a fault."""
    assert "no touches" in write_steps(derive_steps(sources()))
    cut = derive_steps(sources(is_cut=True))
    assert "not read" in write_steps(cut)


def test_a_tap_without_a_note_has_its_place():
    """An app without ids, such as one in SwiftUI or Compose, notes no taps."""
    repro_steps = derive_steps(sources(gestures=[touched(1_000, (100, 600))]))
    assert repro_steps.steps == (TouchStep(1_000, "tap", None, ScreenPlace(25.0, 75.0)),)
    assert words(repro_steps) == ["Tap at 25 % across and 75 % down"]


def test_a_noted_tap_takes_place_and_time_from_its_touch():
    """Android notes the tap when the finger leaves, and perhaps after the screen has changed."""
    note = make_crumb("ui.tap", 1_200, "btn_pay", view__id="btn_pay")
    screens = [make_crumb("navigation", 0, to="Cart"), make_crumb("navigation", 1_150, to="Done")]
    recorded = sources(screens[0], screens[1], note, gestures=[touched(1_100, (40, 80))])
    step = next(step for step in derive_steps(recorded).steps if isinstance(step, TouchStep))
    assert (step.at_ms, step.place, step.screen) == (1_100, ScreenPlace(10.0, 10.0), "Cart")


def test_a_long_touch_makes_a_press_of_a_noted_tap():
    """SDKs of Android and iOS note a long press as a tap."""
    note = make_crumb("ui.tap", 1_600, view__id="row")
    gesture = touched(1_000, (40, 80), (40, 80), kind="press")
    assert words(derive_steps(sources(note, gestures=[gesture]))) == ["Long press “row”"]


def test_one_touch_gives_its_place_to_one_note():
    """Only one of two notes near one touch has a place."""
    notes = [make_crumb("ui.tap", at_ms, view__id=f"v{at_ms}") for at_ms in (1_000, 1_100)]
    repro_steps = derive_steps(sources(*notes, gestures=[touched(990, (40, 80))]))
    touches = [step for step in repro_steps.steps if isinstance(step, TouchStep)]
    assert [step.place is not None for step in touches] == [True, False]


def test_several_fingers_are_named_as_such():
    """The way of the first finger says nothing of a pinch."""
    fingers = [
        touched(1_000, (40, 80), (140, 180), finger=0, kind="swipe"),
        touched(1_010, (340, 680), (240, 580), finger=1, kind="swipe"),
    ]
    assert words(derive_steps(sources(gestures=fingers))) == [
        "Move 2 fingers at 10 % across and 10 % down"
    ]


def test_repeated_taps_are_one_step():
    """Five taps on a button within three seconds of one another are one line."""
    notes = [make_crumb("ui.tap", at_ms, view__id="add") for at_ms in range(0, 5_000, 1_000)]
    late = make_crumb("ui.tap", 60_000, view__id="add")
    assert words(derive_steps(sources(*notes, late))) == ["Tap “add” 5 times", "Tap “add”"]


def test_taps_on_different_screens_are_not_joined():
    """The same button on the next screen is another step."""
    repro_steps = derive_steps(
        sources(
            make_crumb("ui.tap", 0, view__id="next"),
            make_crumb("navigation", 500, to="Two"),
            make_crumb("ui.tap", 1_000, view__id="next"),
        )
    )
    assert words(repro_steps) == ["Tap “next”", "“Two” appears", "Tap “next” on “Two”"]


def test_a_note_of_quick_taps_counts_each_tap_once():
    """React Native notes each tap, and then all of them as one."""
    notes = [make_crumb("ui.tap", at_ms, view__id="pay") for at_ms in (0, 200, 400)]
    many = make_crumb("ui.multiClick", 500, view__id="pay", clickCount=3)
    request = NetworkSpan(250, 400, "resource.http", "https://a/pay", "POST", 500, None, None, {})
    repro_steps = derive_steps(sources(*notes, many, spans=[request]))
    assert words(repro_steps) == ["Tap “pay” 3 times", "“POST /pay” answers 500 after 150 ms"]


def test_a_tap_without_effect_says_so():
    """The note of a dead tap marks the tap, or stands for it."""
    tap = make_crumb("ui.tap", 1_000, view__id="pay")
    dead = make_crumb("ui.slowClickDetected", 1_200, view__id="pay")
    assert words(derive_steps(sources(tap, dead))) == ["Tap “pay”; nothing happens"]
    assert words(derive_steps(sources(dead))) == ["Tap “pay”; nothing happens"]


def test_people_click_in_a_browser():
    """Quick and dead clicks are marked like taps; elements are named by their selectors."""
    notes = [
        make_crumb("ui.click", 0, "body > button#add"),
        make_crumb("ui.click", 300, "body > button#add"),
        make_crumb("ui.multiClick", 600, "body > button#add", clickCount=3),
        make_crumb("ui.click", 9_000, "a#pay"),
        make_crumb("ui.slowClickDetected", 9_000, "a#pay"),
    ]
    assert words(derive_steps(replace(sources(*notes), platform="browser"))) == [
        "Click “body > button#add” 3 times",
        "Click “a#pay”; nothing happens",
    ]


def test_hidden_taps_stay_hidden():
    """Whoever follows the steps learns that there were taps, and not where."""
    hidden = make_crumb("playhead.hidden_taps", 1_000, taps=4, rule="keypad")
    assert words(derive_steps(sources(hidden))) == ["Here 4 taps that a privacy rule hides"]


def test_only_requests_that_failed_or_changed_something_are_steps():
    """The hundred pictures of a list would hide what matters."""

    def request(method: str, status: int | None, at_ms: int = 0) -> NetworkSpan:
        url = "https://api.example/v1/x?q=1"
        return NetworkSpan(at_ms, None, "resource.http", url, method, status, None, None, {})

    spans = [
        request("GET", 200),
        request("get", 404, 1),
        request("POST", 201, 2),
        request("GET", None, 3),
        request("GET", None, 4),
    ]
    assert words(derive_steps(sources(spans=spans))) == [
        "“GET /v1/x” answers 404",
        "“POST /v1/x” answers 201",
        "“GET /v1/x” gets no answer, twice",
    ]


def test_requests_come_from_breadcrumbs_where_there_are_no_spans():
    """The breadcrumbs of an event note requests as data."""
    noted = make_crumb("http", 0, url="https://a.example/pay", method="POST", status_code=502)
    fine = make_crumb("http", 1, url="https://a.example/list", method="GET", status_code=200)
    assert derive_steps(sources(noted, fine)).steps == (
        RequestStep(0, "POST", "/pay", 502, None, has_failed=True),
    )


def test_screens_of_segments_count_if_no_breadcrumb_names_one():
    """Some apps name screens in their segments only."""
    screens = [ScreenSpan(0, 500, "Home"), ScreenSpan(500, 900, "Cart")]
    assert words(derive_steps(sources(screens=screens))) == ["“Home” appears", "“Cart” appears"]
    named = make_crumb("navigation", 0, to="Login")
    assert words(derive_steps(sources(named, screens=screens))) == ["“Login” appears"]


def test_coming_online_is_a_step_only_after_being_offline():
    """Phones note their connection when a recording begins."""
    states = [
        make_crumb("device.connectivity", number, state=state)
        for number, state in enumerate(["wifi", "offline", "none", "cellular"])
    ]
    assert derive_steps(sources(*states)).steps == (
        AppStep(1, "offline", "offline"),
        AppStep(3, "online", "cellular"),
    )


def test_the_problem_is_the_last_grave_one():
    """A crash outranks the error reported after it, and an error outranks a message."""
    crash = ProblemStep(1, "crash", "app", "NullPointerException", "no cart")
    error = ProblemStep(2, "error", "backend", "Timeout", None)
    message = ProblemStep(3, "message", "app", "slow", None)
    assert find_problem([crash, error, message]) is crash
    assert find_problem([error, message]) is error
    assert find_problem([]) is None
    assert describe_step(crash) == "The app crashes: “NullPointerException”, “no cart”"


def test_errors_that_repeat_are_one_step():
    """Twenty-four reports of one timeout would hide the rest; another error begins anew."""
    timeouts = [
        ProblemStep(at_ms, "error", "backend", "Timeout", "order 77", EventId(f"{at_ms:032x}"))
        for at_ms in range(24)
    ]
    other = ProblemStep(30, "error", "app", "PaymentException", None)
    repro_steps = derive_steps(sources(problems=[*timeouts, other]))
    assert repro_steps.steps[0] == replace(timeouts[0], times=24)
    assert words(repro_steps) == [
        "The backend reports an error: “Timeout”, “order 77”, 24 times",
        "The app reports an error: “PaymentException”",
    ]


@pytest.mark.parametrize(
    ("facts", "platform"),
    [
        ({"os_name": "Android", "sdk_name": "sentry.java.android"}, "android"),
        ({"os_name": "iOS", "sdk_name": "sentry.cocoa"}, "ios"),
        ({"os_name": "iPadOS", "sdk_name": "sentry.cocoa"}, "ios"),
        ({"os_name": "iOS", "sdk_name": "sentry.javascript.react-native"}, "ios"),
        ({"os_name": "Android", "sdk_name": "sentry.dart.flutter"}, "android"),
        ({"os_name": "Windows", "sdk_name": "sentry.javascript.browser"}, "browser"),
        ({"platform": "cocoa"}, "ios"),
        ({"platform": "java", "os_name": None}, "android"),
        ({}, "unknown"),
    ],
)
def test_a_platform_follows_from_the_facts(facts, platform):
    """The system decides, and else the SDK; a browser is one on any system."""
    assert find_platform(facts) == platform
