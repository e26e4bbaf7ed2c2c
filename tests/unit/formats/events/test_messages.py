"""Tests of the reading of messages in events."""

import pytest
from hypothesis import given

from app.formats.events import messages
from tests.support.examples import JSON_VALUES, SETTINGS

FULL = {"formatted": "disk a full", "message": "disk %s full", "params": ["a"]}
FEEDBACK = {"contexts": {"feedback": {"message": "it fails"}}}


@pytest.mark.parametrize("key", ["logentry", "message"])
def test_a_message_and_its_template_are_both_read(key):
    """Each stands in for the other, under both names of the member."""
    assert messages.format_message({key: FULL}, limit=99) == "disk a full"
    assert messages.read_message_template({key: FULL}) == "disk %s full"
    assert messages.read_message_template({key: {"formatted": "disk a full"}}) == "disk a full"
    assert messages.format_message({key: FULL | {"formatted": None}}, limit=99) == "disk a full"
    for read in (
        messages.read_message_template,
        lambda event: messages.format_message(event, limit=99),
    ):
        assert read({key: "plain"}) == "plain"
        assert read({key: ""} | FEEDBACK) == "it fails"
        assert read({}) is None


def test_a_log_entry_comes_before_a_message():
    """The log entry has the template and the parameters."""
    event = {"message": "other", "logentry": FULL}
    assert (messages.format_message(event, limit=99), messages.read_message_template(event)) == (
        "disk a full",
        "disk %s full",
    )


@pytest.mark.parametrize(
    ("template", "params", "text"),
    [
        ("%s of %d%%, %-5.2f", ["disk", 90, 1.5], "disk of 90%, 1.5"),
        ("%(who)s and %(what)d", {"who": "ada"}, "ada and %(what)d"),
        ("{} then {1} then {}", ["a", "b"], "a then b then b"),
        ("{who} {9}", {"who": "ada"}, "ada {9}"),
        ("{0} {7}", ["a"], "a {7}"),
        ("%s %s", ["a"], "a %s"),
        ("%s", [["no", "text"]], "%s"),
        ("100% sure %s", [], "100% sure %s"),
        ("%s", "ada", "%s"),
        ("%s", [r"\1"], r"\1"),
    ],
)
def test_parameters_go_into_their_places(template, params, text):
    """Placeholders of Python and braces are filled, and one without a parameter stays."""
    event = {"logentry": {"message": template, "params": params}}
    assert messages.format_message(event, limit=99) == text


def test_a_long_message_is_cut():
    """The limit counts the parameters as well."""
    event = {"logentry": {"message": "%s%s", "params": ["x" * 5_000] * 2}}
    assert messages.format_message(event, limit=20) == "x" * 19 + "…"


@SETTINGS
@given(JSON_VALUES, JSON_VALUES)
def test_any_value_gives_text_or_none(value, params):
    """A message of any type raises no error."""
    for event in ({"message": value}, {"logentry": {"message": value, "params": params}}):
        for found in (
            messages.format_message(event, limit=9),
            messages.read_message_template(event),
        ):
            assert found is None or found
    assert messages.format_message({"logentry": {"message": "%s {a}", "params": params}}, limit=9)
