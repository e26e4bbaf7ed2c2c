"""Reads from a breadcrumb what was touched: each family of SDKs writes that in another way.

    Android         data: view.id, view.tag, view.class       message: one of these
    iOS             message `UIButton: pay`, `UITableViewCell`, or the action `payTapped:`
    iOS, of events  data: accessibilityIdentifier, title, view; message: the action
    React Native,   data: path of elements with name, label, element, file
    Flutter         message: the same as text, `ElevatedButton(Pay now) > Column(checkout)`
    browsers        message: a CSS selector, `button.pay > span`

Source: docs/protocol.md, section 5.4.
"""

import re
from typing import Any, Final

from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.formats.replay.activity import Breadcrumb
from app.reports.steps.model import Platform, StepTarget

_NAME_CHARS: Final = 200
_RESOURCE: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
"""The name of a resource on Android."""
_SELECTOR: Final = re.compile(r"_*[a-z]\w*(?::(?:\w+:)*)?", re.ASCII)
"""A method of Objective-C or Swift: `pay`, `payTapped:`, `cell:didTap:`."""
_CLASS: Final = re.compile(r"([A-Z_][\w.<>]*)(?:: *(.+))?", re.ASCII | re.DOTALL)
_CLASS_ENDS: Final = (
    "Button", "Cell", "View", "Label", "Switch", "Field", "Control", "Slider", "Item", "Bar",
    "Controller", "Stepper", "Picker", "Layout", "Image",
)  # fmt: skip
_ELEMENT: Final = re.compile(r"\s*([^()>]+?)\s*(?:\(([^()]*)\))?\s*(?:>.*)?", re.DOTALL)
"""The first element of a path as text: `ElevatedButton(Pay now) > …`."""
_WIDGET: Final = re.compile(r"[A-Z]\w*", re.ASCII)


def read_target(crumb: Breadcrumb, platform: Platform) -> StepTarget | None:
    """Read what was touched; None if the breadcrumb does not say.

    Args:
        crumb: A breadcrumb of a tap, press, swipe or input.
        platform: The platform of the app, by which a bare message is read.
    """
    data, message = crumb.data, _clean_text(crumb.message)
    path = [part for part in jsonish.sequence(data, "path") if isinstance(part, dict)]
    if path:
        return _read_path(path)
    if any(name in data for name in ("view.id", "view.tag", "view.class")):
        return _read_android_view(data, message)
    if any(name in data for name in ("accessibilityIdentifier", "title", "view")):
        return _read_ios_view(data, message)
    return _read_message(message, platform) if message else None


def _read_path(path: list[JsonObject]) -> StepTarget | None:
    """Read the element that was touched from its path.

    SDKs begin with it, and older ones end with it. It is the end that has a label, since a label
    makes an element one to touch; without labels, the beginning.
    """
    ends = [path[0], path[-1]]
    labelled = [part for part in (*ends, *reversed(path)) if _read_text(part, "label")]
    part = labelled[0] if labelled else path[0]
    view_class = _read_text(part, "element") or _read_text(part, "name")
    text = _read_text(part, "label")
    if text is None and view_class is None:
        return None
    return StepTarget(text=text, view_class=_last_part(view_class))


def _read_android_view(data: JsonObject, message: str | None) -> StepTarget | None:
    view_id, tag = _read_text(data, "view.id"), _read_text(data, "view.tag")
    view_class = _last_part(_read_text(data, "view.class"))
    if view_id is None and tag is None and message and message != _read_text(data, "view.class"):
        tag = message
    if view_id:
        # `com.example.shop:id/btn_pay` and `btn_pay` name the same view.
        view_id = view_id.rpartition("/")[2] or view_id
    target = StepTarget(view_id=view_id, tag=tag, view_class=view_class)
    return target if target != StepTarget() else None


def _read_ios_view(data: JsonObject, message: str | None) -> StepTarget | None:
    view = _read_text(data, "view")
    return StepTarget(
        view_id=_read_text(data, "accessibilityIdentifier"),
        text=_read_text(data, "title"),
        view_class=_last_part(view.partition(":")[0].lstrip("<").strip()) if view else None,
        action=message,
    )


def _read_message(message: str, platform: Platform) -> StepTarget | None:
    """Read a target that is a bare text, by what the platform's SDKs write."""
    if platform == "browser":
        return StepTarget(tag=message)
    by_class = _CLASS.fullmatch(message)
    if by_class and _is_class(by_class[1]):
        return StepTarget(view_id=_clean_text(by_class[2]), view_class=_last_part(by_class[1]))
    if message.endswith(":") or (platform == "ios" and _SELECTOR.fullmatch(message)):
        return StepTarget(action=message)
    element = _ELEMENT.fullmatch(message)
    if element and element[2] and (">" in message or _WIDGET.fullmatch(element[1])):
        return _read_element(element[1], element[2])
    if platform == "android" and _RESOURCE.fullmatch(message):
        return StepTarget(view_id=message)
    return StepTarget(text=message)


def _read_element(first: str, within: str) -> StepTarget:
    """Read `ElevatedButton(Pay now)` of Flutter, or `Pay now(Pressable, Checkout.tsx)` of RN."""
    if _WIDGET.fullmatch(first) and "," not in within:
        return StepTarget(text=_clean_text(within), view_class=first)
    view_class = within.partition(",")[0].strip()
    has_class = _WIDGET.fullmatch(view_class) is not None
    return StepTarget(text=_clean_text(first), view_class=view_class if has_class else None)


def _is_class(name: str) -> bool:
    return name.startswith(("UI", "_UI", "SwiftUI", "android.", "androidx.")) or name.endswith(
        _CLASS_ENDS
    )


def _read_text(data: JsonObject, key: str) -> str | None:
    return _clean_text(jsonish.text(data, key, limit=_NAME_CHARS))


def _clean_text(text: Any) -> str | None:
    return text.strip()[:_NAME_CHARS] or None if isinstance(text, str) else None


def _last_part(name: str | None) -> str | None:
    """Return the last part of a class: `MaterialButton`; generics of Swift stay whole."""
    if not name or "<" in name:
        return name or None
    return name.rsplit(".", 1)[-1] or None
