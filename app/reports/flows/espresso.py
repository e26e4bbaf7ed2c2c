"""Writes steps as a test of Android in Kotlin: Espresso by id and text, UI Automator by position.

Source: AndroidX Test, `ViewMatchers` and `ViewActions`; UI Automator, `UiDevice`.
"""

from collections.abc import Iterator
from typing import Final

from app.reports.flows import literals
from app.reports.flows.code import FlowLanguage, write_numbers, write_test_body
from app.reports.flows.model import FindsBy, FlowFacts, choose_way, list_remarks
from app.reports.steps.model import ReproSteps, TouchStep

_HEAD: Final = """\
import android.content.Intent
import androidx.test.espresso.Espresso.onView
import androidx.test.espresso.action.ViewActions.*
import androidx.test.espresso.matcher.ViewMatchers.*
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import androidx.test.uiautomator.UiDevice
import org.hamcrest.Matchers.anyOf
import org.hamcrest.Matchers.equalTo
import org.junit.Test
import org.junit.runner.RunWith

@RunWith(AndroidJUnit4::class)
class RecordedStepsTest {
    private val device = UiDevice.getInstance(InstrumentationRegistry.getInstrumentation())

    @Test
    fun recordedSteps() {"""
_TAIL: Final = """\
    }

    private fun openApp() {
        val context = InstrumentationRegistry.getInstrumentation().targetContext
        val intent = context.packageManager.getLaunchIntentForPackage(context.packageName)!!
        context.startActivity(intent.addFlags(Intent.FLAG_ACTIVITY_NEW_TASK))
        device.waitForIdle()
    }

    private fun tapAt(across: Double, down: Double) {
        device.click(toX(across), toY(down))
        device.waitForIdle()
    }

    private fun pressAt(across: Double, down: Double) {
        // A swipe that goes nowhere: 100 steps take half a second.
        device.swipe(toX(across), toY(down), toX(across), toY(down), 100)
        device.waitForIdle()
    }

    private fun swipe(fromAcross: Double, fromDown: Double, toAcross: Double, toDown: Double) {
        device.swipe(toX(fromAcross), toY(fromDown), toX(toAcross), toY(toDown), 20)
        device.waitForIdle()
    }

    private fun toX(percent: Double) = (device.displayWidth * percent / 100).toInt()

    private fun toY(percent: Double) = (device.displayHeight * percent / 100).toInt()
}"""
_CHANGES: Final = {
    "opened": "openApp()",
    "left": "device.pressHome()",
    "returned": "openApp()",
    "landscape": "device.setOrientationLeft()",
    "portrait": "device.setOrientationNatural()",
    "offline": 'device.executeShellCommand("cmd connectivity airplane-mode enable")',
    "online": 'device.executeShellCommand("cmd connectivity airplane-mode disable")',
}
_SWIPES: Final = {
    "up": "swipeUp()",
    "down": "swipeDown()",
    "left": "swipeLeft()",
    "right": "swipeRight()",
}


def write_espresso_test(steps: ReproSteps, facts: FlowFacts) -> str:
    """Write a test of Android in Kotlin."""
    return "\n".join(_iterate_lines(steps, facts)) + "\n"


def _iterate_lines(steps: ReproSteps, facts: FlowFacts) -> Iterator[str]:
    for remark in list_remarks(steps, facts, has_tags=True):
        yield literals.write_comment("//", remark)
    if facts.is_flutter:
        yield "// Flutter draws its own views, which Espresso does not see: only the parts that go"
        yield "// by position work. Use the flow of Maestro, or write an integration_test."
    yield _HEAD
    yield from write_test_body(steps, _KOTLIN)
    yield _TAIL


def _write_touch(step: TouchStep) -> Iterator[str]:
    if step.fingers > 1:
        yield f"// A gesture of {step.fingers} fingers: UiObject2 has pinchOpen() and pinchClose()."
        return
    is_way = step.kind in {"swipe", "scroll"}
    if is_way and step.place is not None and step.end_place is not None:
        numbers = f"{write_numbers(step.place)}, {write_numbers(step.end_place)}"
        yield f"swipe({numbers})"
        return
    view = _find_view(step)
    act = "longClick()" if step.kind == "press" else "click()"
    if is_way:
        act = _SWIPES.get(step.direction or "", "")
    if view is not None and act:
        yield f"onView({view}).perform({act})"
    elif step.place is not None and not is_way:
        call = "pressAt" if step.kind == "press" else "tapAt"
        yield f"{call}({write_numbers(step.place)})"
    else:
        yield "// Fill in what is touched: neither a name nor a place was recorded."
    if step.kind == "type" or (step.target is not None and step.target.takes_text and not is_way):
        field = f'onView({view}).perform(typeText("…"))' if view else "typeText"
        yield f"// {field}   (what was typed is not recorded)"


def _find_view(step: TouchStep) -> str | None:
    """Write the matcher of a view: by its id or tag, or by its text or label."""
    target = step.target
    way = choose_way(target, has_place=step.place is not None, has_tags=True)
    if target is None or way not in {FindsBy.ID, FindsBy.TEXT}:
        return None
    if target.view_id:
        return f"withResourceName({literals.write_kotlin_string(target.view_id)})"
    if way is FindsBy.ID and target.tag:
        return f"withTagValue(equalTo<Any>({literals.write_kotlin_string(target.tag)}))"
    text = literals.write_kotlin_string(target.text or "")
    return f"anyOf(withText({text}), withContentDescription({text}))"


_KOTLIN: Final = FlowLanguage(
    changes=_CHANGES,
    unknown_change="",
    repeat="repeat({times}) {{ {line} }}",
    write_touch=_write_touch,
)
