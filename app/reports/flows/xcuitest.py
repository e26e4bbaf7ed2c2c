"""Writes steps as a test of iOS in Swift with XCUITest.

An element is asked for by its identifier or label in the kind of element that its class makes;
`app.buttons["pay"]` finds either.

Source: Apple, XCUIElementQuery, XCUICoordinate.
"""

from collections.abc import Iterator
from typing import Final

from app.reports.flows import literals
from app.reports.flows.code import FlowLanguage, write_numbers, write_test_body
from app.reports.flows.model import FindsBy, FlowFacts, choose_way, list_remarks
from app.reports.steps.model import ReproSteps, StepTarget, TouchStep

_HEAD: Final = """\
import XCTest

final class RecordedStepsTests: XCTestCase {
    private let app = XCUIApplication()

    func testRecordedSteps() {"""
_TAIL: Final = """\
    }

    private func place(_ across: Double, _ down: Double) -> XCUICoordinate {
        app.coordinate(withNormalizedOffset: CGVector(dx: across / 100, dy: down / 100))
    }
}"""
_QUERIES: Final = {
    "Button": "buttons",
    "TableViewCell": "cells",
    "CollectionViewCell": "cells",
    "Cell": "cells",
    "Switch": "switches",
    "SecureTextField": "secureTextFields",
    "TextField": "textFields",
    "TextView": "textViews",
    "Slider": "sliders",
    "SearchBar": "searchFields",
    "SegmentedControl": "segmentedControls",
    "Stepper": "steppers",
    "Label": "staticTexts",
    "ImageView": "images",
    "BarButtonItem": "buttons",
}
"""The ends of names of classes, and the queries of their elements; longer ends come first."""
_ANY: Final = "descendants(matching: .any)"
_CHANGES: Final = {
    "opened": "app.launch()",
    "left": "XCUIDevice.shared.press(.home)",
    "returned": "app.activate()",
    "landscape": "XCUIDevice.shared.orientation = .landscapeLeft",
    "portrait": "XCUIDevice.shared.orientation = .portrait",
}


def write_xcuitest(steps: ReproSteps, facts: FlowFacts) -> str:
    """Write a test of iOS in Swift."""
    return "\n".join(_iterate_lines(steps, facts)) + "\n"


def _iterate_lines(steps: ReproSteps, facts: FlowFacts) -> Iterator[str]:
    for remark in list_remarks(steps, facts):
        yield literals.write_comment("//", remark)
    yield _HEAD
    yield from write_test_body(steps, _SWIFT)
    yield _TAIL


def _write_touch(step: TouchStep) -> Iterator[str]:
    if step.fingers > 1:
        yield f"// A gesture of {step.fingers} fingers: XCUIElement has pinch(withScale:velocity:)."
        return
    element = _find_element(step)
    if step.kind in {"swipe", "scroll"}:
        yield _write_swipe(step, element)
        return
    act = "press(forDuration: 1)" if step.kind == "press" else "tap()"
    if element is not None:
        yield f"{element}.{act}"
    elif step.place is not None:
        yield f"place({write_numbers(step.place)}).{act}"
    else:
        yield "// Fill in what is touched: neither a name nor a place was recorded."
    if step.kind == "type" or (step.target is not None and step.target.takes_text):
        yield '// app.typeText("…")   (what was typed is not recorded)'


def _write_swipe(step: TouchStep, element: str | None) -> str:
    if step.place is not None and step.end_place is not None:
        start, end = write_numbers(step.place), write_numbers(step.end_place)
        return f"place({start}).press(forDuration: 0.05, thenDragTo: place({end}))"
    if step.direction is not None:
        return f"{element or 'app'}.swipe{step.direction.capitalize()}()"
    return "// Fill in the direction of this swipe, which was not recorded."


def _find_element(step: TouchStep) -> str | None:
    target = step.target
    match choose_way(target, has_place=step.place is not None):
        case FindsBy.ID if target is not None and target.view_id:
            name = target.view_id
        case FindsBy.TEXT if target is not None and target.text:
            name = target.text
        case _:
            return None
    return f"app.{_choose_query(target)}[{literals.write_swift_string(name)}].firstMatch"


def _choose_query(target: StepTarget) -> str:
    view_class = target.view_class or ""
    return next((query for end, query in _QUERIES.items() if view_class.endswith(end)), _ANY)


_SWIFT: Final = FlowLanguage(
    changes=_CHANGES,
    unknown_change="// A test cannot change the connection: do it by hand.",
    repeat="for _ in 0..<{times} {{ {line} }}",
    write_touch=_write_touch,
)
