"""Tests of the skeletons of test flows: how they find elements, and what no text may do."""

import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # the package carries no types
from hypothesis import given, strategies

from app.reports.flows.espresso import write_espresso_test
from app.reports.flows.literals import read_app_id
from app.reports.flows.maestro import write_maestro_flow
from app.reports.flows.model import FlowFacts
from app.reports.flows.xcuitest import write_xcuitest
from app.reports.steps.derive import derive_steps
from app.reports.steps.model import (
    AppStep,
    HiddenTapsStep,
    ReproSteps,
    ScreenPlace,
    ScreenStep,
    StepTarget,
    TouchStep,
)
from tests.unit.reports.sample_steps import read_sources

FACTS = FlowFacts(
    "Google Pixel 9, Android 16, app 4.2.1",
    "com.example.shop",
    "sentry.java.android",
    "https://replays.example/projects/1/replays/" + "a" * 32,
)
PLACE = ScreenPlace(50.0, 36.2)
ROW = 'app.descendants(matching: .any)["row"].firstMatch'
DRAG = "place(50.0, 36.2).press(forDuration: 0.05, thenDragTo: place(1.0, 2.0))"
HOSTILE = (
    '"; Runtime.getRuntime().exec("x") //', "${output.x = http.get('http://evil')}", "$(id)",
    "\\(system())", "a\nb: c", "line\u2028- runScript: x", "\\", "#", "'''", '"""', "*/", "${",
    "{{x}}", "%s", "Pay (now)? [1+1]*",
)  # fmt: skip


def steps(*given_steps, platform="android", **changes: Any) -> ReproSteps:
    """Make steps of an app."""
    return ReproSteps(given_steps, platform, None, **changes)


def tap(target: StepTarget | None = None, place: ScreenPlace | None = None, **changes) -> TouchStep:
    """Make a tap."""
    return TouchStep(1_000, "tap", target, place, **changes)


def commands(flow: str) -> list[Any]:
    """Read the commands of a Maestro flow."""
    found: list[Any]
    _, found = yaml.safe_load_all(flow)
    return found


def code(test: str) -> list[str]:
    """Return the lines of the test's body that are no comments."""
    body = re.split(r"fun(?:c)? (?:recordedSteps|testRecordedSteps)\(\) \{\n", test)[1]
    lines = [line.strip() for line in body.split("\n    }\n")[0].splitlines()]
    return [line for line in lines if not line.startswith("//")]


def test_a_flow_of_maestro_follows_the_steps():
    """The whole recording of an Android app, by id, by position, with repeats."""
    flow = write_maestro_flow(derive_steps(read_sources("android-rotation-a")), FACTS)
    assert commands(flow) == [
        "launchApp",
        {"tapOn": {"id": "product_cell"}},
        {"swipe": {"start": "80%,50%", "end": "20%,50%"}},
        {"setOrientation": "LANDSCAPE_LEFT"},
        {"tapOn": {"id": "btn_next", "repeat": 2}},
        {"setOrientation": "PORTRAIT"},
        {"tapOn": {"id": "btn_prev"}},
        {"pressKey": "Home"},
    ]
    assert 'appId: "com.example.shop"' in flow
    assert "# 2. Tap “product_cell” on “CatalogActivity”." in flow


def test_a_test_of_espresso_follows_the_steps():
    """The same recording in Kotlin."""
    espresso_test = write_espresso_test(derive_steps(read_sources("android-rotation-a")), FACTS)
    assert code(espresso_test) == [
        "openApp()",
        'onView(withResourceName("product_cell")).perform(click())',
        "swipe(80.0, 50.0, 20.0, 50.0)",
        "device.setOrientationLeft()",
        'repeat(2) { onView(withResourceName("btn_next")).perform(click()) }',
        "device.setOrientationNatural()",
        'onView(withResourceName("btn_prev")).perform(click())',
        "device.pressHome()",
    ]
    assert espresso_test.count("{") == espresso_test.count("}")


def test_a_test_of_xcuitest_follows_the_steps():
    """A recording of iOS in Swift: elements by the query of their class."""
    xcuitest = write_xcuitest(derive_steps(read_sources("ios-session-a")), FACTS)
    assert code(xcuitest) == [
        "app.launch()",
        "place(51.3, 71.1).press(forDuration: 0.05, thenDragTo: place(51.3, 47.5))",
        "place(50.1, 36.0).tap()",
        "place(51.3, 71.1).press(forDuration: 0.05, thenDragTo: place(51.3, 47.5))",
        'app.buttons["pay"].firstMatch.tap()',
        'app.buttons["pay"].firstMatch.tap()',
    ]
    assert xcuitest.count("{") == xcuitest.count("}")
    assert "// 5 touches: 2 by id, 3 by position." in xcuitest


@pytest.mark.parametrize(
    ("step", "maestro", "espresso", "xcuitest"),
    [
        (tap(StepTarget(view_id="pay", text="Pay now"), PLACE),
         [{"tapOn": {"id": "pay"}}],
         ['onView(withResourceName("pay")).perform(click())'],
         ['app.descendants(matching: .any)["pay"].firstMatch.tap()']),
        (tap(StepTarget(text="Pay now", view_class="UIButton"), PLACE),
         [{"tapOn": {"text": "Pay now"}}],
         ['onView(anyOf(withText("Pay now"), withContentDescription("Pay now"))).perform(click())'],
         ['app.buttons["Pay now"].firstMatch.tap()']),
        (tap(StepTarget(tag="sku-7", view_class="Cell"), PLACE),
         [{"tapOn": {"point": "50%,36%"}}],
         ['onView(withTagValue(equalTo<Any>("sku-7"))).perform(click())'],
         ["place(50.0, 36.2).tap()"]),
        (tap(StepTarget(action="payTapped:"), PLACE),
         [{"tapOn": {"point": "50%,36%"}}], ["tapAt(50.0, 36.2)"], ["place(50.0, 36.2).tap()"]),
        (tap(StepTarget(view_class="UIView")), [], [], []),
        (TouchStep(0, "press", StepTarget(view_id="row"), PLACE, times=2),
         [{"longPressOn": {"id": "row", "repeat": 2}}],
         ['repeat(2) { onView(withResourceName("row")).perform(longClick()) }'],
         [f"for _ in 0..<2 {{ {ROW}.press(forDuration: 1) }}"]),
        (TouchStep(0, "press", None, PLACE),
         [{"longPressOn": {"point": "50%,36%"}}], ["pressAt(50.0, 36.2)"],
         ["place(50.0, 36.2).press(forDuration: 1)"]),
        (TouchStep(0, "swipe", StepTarget(view_id="list"), None, direction="up"),
         [{"swipe": {"direction": "UP"}}],
         ['onView(withResourceName("list")).perform(swipeUp())'],
         ['app.descendants(matching: .any)["list"].firstMatch.swipeUp()']),
        (TouchStep(0, "swipe", None, None), [], [], []),
        (TouchStep(0, "swipe", None, PLACE, end_place=ScreenPlace(1.0, 2.0), times=2),
         [{"repeat": {"times": 2, "commands": [{"swipe": {"start": "50%,36%", "end": "1%,2%"}}]}}],
         ["repeat(2) { swipe(50.0, 36.2, 1.0, 2.0) }"],
         [f"for _ in 0..<2 {{ {DRAG} }}"]),
        (TouchStep(0, "swipe", None, PLACE, end_place=PLACE, fingers=2), [], [], []),
        (TouchStep(0, "type", StepTarget(view_id="mail", view_class="EditText"), None),
         [{"tapOn": {"id": "mail"}}],
         ['onView(withResourceName("mail")).perform(click())'],
         ['app.descendants(matching: .any)["mail"].firstMatch.tap()']),
        (HiddenTapsStep(0, 3), [], [], []),
        (AppStep(0, "low_memory"), [], [], []),
        (AppStep(0, "returned"), [{"launchApp": {"stopApp": False}}], ["openApp()"],
         ["app.activate()"]),
        (ScreenStep(0, "Cart"), [], [], []),
    ],
)  # fmt: skip
def test_a_step_is_found_by_id_then_text_then_position(step, maestro, espresso, xcuitest):
    """A comment stands for a step that no test can find or do."""
    found = steps(step)
    # The first command opens the app.
    assert commands(write_maestro_flow(found, FACTS))[1:] == maestro
    assert code(write_espresso_test(found, FACTS))[1:] == espresso
    assert code(write_xcuitest(found, FACTS))[1:] == xcuitest


def test_a_field_is_left_to_be_filled_in():
    """Typed text is not recorded, and a flow says so at the place."""
    found = steps(tap(StepTarget(view_id="mail", view_class="TextInputEditText")))
    for test in (write_maestro_flow, write_espresso_test, write_xcuitest):
        assert "what was typed is not recorded" in test(found, FACTS)


def test_the_connection_of_an_iphone_is_left_to_a_person():
    """A test of iOS cannot switch the connection; one of Android can."""
    offline = AppStep(0, "offline")
    assert commands(write_maestro_flow(steps(offline, platform="ios"), FACTS)) == ["launchApp"]
    assert commands(write_maestro_flow(steps(offline), FACTS))[1:] == [
        {"setAirplaneMode": "enabled"}
    ]
    assert code(write_xcuitest(steps(offline), FACTS)) == ["app.launch()"]


def test_the_top_of_a_flow_is_honest():
    """The comment at the top says what is missing, and how each touch is found."""
    found = ReproSteps((tap(), tap(None, PLACE)), "android", "Cart", earlier=12, is_cut=True)
    text = write_maestro_flow(found, FACTS)
    for remark in (
        "# A skeleton that Playhead made from a recording",
        "# Recorded on Google Pixel 9, Android 16, app 4.2.1.",
        "# 2 touches: 1 by position, 1 left for you to fill in.",
        "# The steps begin on the screen Cart: go there first.",
        "# 12 earlier steps are left out.",
        "# Later parts of the recording were not read.",
        f"# Replay: {FACTS.address}",
    ):
        assert remark in text
    flutter = FlowFacts("Pixel", None, "sentry.dart.flutter", "https://x")
    assert "Flutter draws its own views" in write_espresso_test(found, flutter)
    assert "fill in its id" in write_maestro_flow(found, flutter)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_its_literal(text):
    """A text is an exact match of itself: no code, no expression, no further command."""
    check_text(text)


@given(strategies.text(strategies.characters(codec="utf-8"), min_size=1))
def test_any_text_stays_in_its_literal(text):
    """The same for texts that nobody has thought of."""
    check_text(text)


def check_text(text: str) -> None:
    """Check flows in which a text is an id, a label, a screen and a note."""
    found = steps(
        ScreenStep(0, text), tap(StepTarget(view_id=text), screen=text), tap(StepTarget(text=text))
    )
    facts = FlowFacts(text, text, text, FACTS.address)
    flow = write_maestro_flow(found, facts)
    assert "${" not in "".join(line for line in flow.splitlines() if not line.startswith("#"))
    opened, by_id, by_text = commands(flow)
    assert opened == "launchApp"
    patterns = [by_id["tapOn"]["id"], by_text["tapOn"]["text"]]
    cleaned = " ".join(text.split())
    if cleaned.isprintable() and len(cleaned) <= 200:
        assert all(re.fullmatch(pattern, cleaned) for pattern in patterns)
    for test, mark in ((write_espresso_test, "onView("), (write_xcuitest, "app.")):
        lines = code(test(found, facts))
        assert len(lines) == 3
        assert all(line.startswith(mark) for line in lines[1:])
        for line in lines[1:]:
            literals = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
            assert '"' not in literals
            assert "$" not in literals
        quoted = [each for line in lines for each in re.findall(r'"(?:[^"\\]|\\.)*"', line)]
        if test is write_espresso_test:
            assert all(re.search(r"(?<!\\)\$", each) is None for each in quoted)
        else:
            assert all(re.search(r"(?<!\\)(?:\\\\)*\\\(", each) is None for each in quoted)


@pytest.mark.parametrize(
    ("value", "app_id"),
    [
        ("com.example.shop", "com.example.shop"),
        ("com.example.shop\nother: x", None),
        ('x" ', None),
        ("", None),
        (None, None),
        ("a" * 201, None),
    ],
)
def test_an_app_is_named_by_a_plain_identifier_only(value, app_id):
    """Anything else is left to be filled in."""
    assert read_app_id(value) == app_id
