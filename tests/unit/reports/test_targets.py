"""Tests of what was touched, as each family of SDKs writes it."""

import pytest
from hypothesis import given, strategies

from app.reports.steps.model import StepTarget
from app.reports.steps.targets import read_target
from tests.unit.reports.sample_steps import make_crumb

MATERIAL = "com.google.android.material.button.MaterialButton"
LEAF = {"name": "PayButton", "label": "Pay now", "element": "Pressable", "file": "Checkout.tsx"}
ROOT = {"name": "App"}


@pytest.mark.parametrize(
    ("message", "data", "target"),
    [
        ("btn_pay", {"view__id": "btn_pay", "view__class": MATERIAL},
         StepTarget(view_id="btn_pay", view_class="MaterialButton")),
        ("sku-7", {"view__id": "cell", "view__tag": "sku-7"},
         StepTarget(view_id="cell", tag="sku-7")),
        (None, {"view__id": "com.example.shop:id/btn_pay"}, StepTarget(view_id="btn_pay")),
        ("checkout", {"view__class": "A"}, StepTarget(tag="checkout", view_class="A")),
        (MATERIAL, {"view__class": MATERIAL}, StepTarget(view_class="MaterialButton")),
        ("btn_pay", {}, StepTarget(view_id="btn_pay")),
        ("Pay now", {}, StepTarget(text="Pay now")),
        (None, {}, None),
        ("  ", {}, None),
    ],
)  # fmt: skip
def test_android_names_a_view_by_id_tag_or_class(message, data, target):
    """The message repeats one of them, and counts where the data lacks it."""
    assert read_target(make_crumb("ui.tap", 0, message, **data), "android") == target


@pytest.mark.parametrize(
    ("message", "target"),
    [
        ("UIButton: pay", StepTarget(view_id="pay", view_class="UIButton")),
        ("UITableViewCell", StepTarget(view_class="UITableViewCell")),
        ("ShopKit.PayButton", StepTarget(view_class="PayButton")),
        ("payTapped:", StepTarget(action="payTapped:")),
        ("cell:didTap:", StepTarget(action="cell:didTap:")),
        ("payTapped", StepTarget(action="payTapped")),
        ("Pay now", StepTarget(text="Pay now")),
    ],
)
def test_ios_writes_a_class_or_an_action(message, target):
    """An action does not find the control again, so it is not taken for an identifier."""
    assert read_target(make_crumb("ui.tap", 0, message), "ios") == target


def test_the_breadcrumbs_of_ios_events_have_identifier_and_title():
    """Events carry what the recording leaves out."""
    crumb = make_crumb(
        "touch", 0, "payTapped:", accessibilityIdentifier="pay", title="Pay now",
        view="<UIButton: 0x1040>",
    )  # fmt: skip
    assert read_target(crumb, "ios") == StepTarget("pay", "Pay now", None, "UIButton", "payTapped:")


@pytest.mark.parametrize("path", [[LEAF, ROOT], [ROOT, LEAF], [ROOT, LEAF, {"name": "Text"}]])
def test_a_path_is_read_in_either_order(path):
    """SDKs begin with the element or end with it; it is the one with a label."""
    target = StepTarget(text="Pay now", view_class="Pressable")
    assert read_target(make_crumb("ui.tap", 0, "x", path=path), "android") == target


def test_a_path_without_labels_begins_with_the_element():
    """Its class is better than nothing."""
    path = [{"element": "Switch"}, {"name": "Settings"}]
    assert read_target(make_crumb("ui.tap", 0, path=path), "ios") == StepTarget(view_class="Switch")
    assert read_target(make_crumb("ui.tap", 0, path=[{"file": "a.tsx"}]), "ios") is None


@pytest.mark.parametrize(
    ("message", "target"),
    [
        ("ElevatedButton(Pay now) > Column(checkout) > Scaffold",
         StepTarget(text="Pay now", view_class="ElevatedButton")),
        ("Pay now(Pressable, Checkout.tsx) > Checkout(Checkout.tsx) > App",
         StepTarget(text="Pay now", view_class="Pressable")),
    ],
)  # fmt: skip
def test_a_path_as_text_is_read_where_there_is_no_other(message, target):
    """Old versions send the message only."""
    assert read_target(make_crumb("ui.tap", 0, message), "android") == target


def test_a_browser_names_elements_by_selectors():
    """A selector stays as it is."""
    crumb = make_crumb("ui.click", 0, "button.pay > span")
    assert read_target(crumb, "browser") == StepTarget(tag="button.pay > span")


JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=8,
)
NAMES = strategies.sampled_from(
    ["path", "view.id", "view.tag", "view.class", "view", "title", "accessibilityIdentifier"]
)


@given(
    message=strategies.none() | strategies.text(),
    data=strategies.dictionaries(NAMES, JSON),
    platform=strategies.sampled_from(["android", "ios", "browser", "unknown"]),
)
def test_any_breadcrumb_gives_a_target_or_none(message, data, platform):
    """A sender may write anything; texts stay below their limit."""
    target = read_target(make_crumb("ui.tap", 0, message, **data), platform)
    texts = [] if target is None else [target.view_id, target.text, target.tag, target.action]
    assert all(text is None or 0 < len(text) <= 200 for text in texts)
