"""The groups a developer expects over the recorded events of all SDKs, and why."""

from collections import defaultdict
from typing import Any, Final

from app.formats import jsonish
from app.issues.grouping import rules
from tests.support.builders import sdk_shapes
from tests.support.recorded import contents, samples

EXPECTED: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "stack",
        "One frozen image load in onResume, two recordings: the lock frames below it are Java's.",
        ("android-anr-a/002", "android-events-a/007"),
    ),
    (
        "stack",
        "One raise in pay() of the backend: the order number in the text is a parameter.",
        ("android-buffer-a/005", "android-session-full-a/017"),
    ),
    (
        "stack",
        "One throw in charge(), whatever it says; frames nobody marks as the app's do not count.",
        (
            "android-buffer-a/007",
            "android-events-a/003",
            "android-gap-a/008",
            "android-rotation-a/010",
            "android-text-a/003",
        ),
    ),
    (
        "stack",
        "The same PaymentException, but caused by a broken connection: another problem to fix.",
        ("android-session-full-a/019",),
    ),
    ("stack", "A crash in the cart.", ("android-crash-a/008",)),
    ("message", "A log line, wherever it was logged from.", ("android-buffer-a/013",)),
    ("message", "Another log line from the same function.", ("android-events-a/002",)),
    (
        "stack",
        "A minified bundle names only onPress: React Native and Flutter recordings of one error.",
        ("flutter-android-a/003", "rn-android-a/003"),
    ),
    ("stack", "An NSError: its code tells it from others of its domain.", ("ios-session-a/004",)),
    ("message", "A plain message of Node.", ("node-11-features/007",)),
    ("stack", "An Error with a cause, both from one anonymous line.", ("node-11-features/009",)),
    (
        "message",
        "A message that the SDK wrapped into an exception without a type.",
        ("node-11-features/010",),
    ),
    ("message", "A plain message of an old Node SDK.", ("node-5-store/000",)),
    ("stack", "JSON.parse called by the app.", ("node-5-store/002",)),
    ("stack", "An anonymous handler: its source line is its name.", ("node-7-express/002",)),
    ("stack", "An index out of range in a view.", ("python-0.14-flask-store/001",)),
    (
        "message",
        "A log call with a parameter: its template names it, not '97%'.",
        ("python-2.75-features/004", "python-2.75-span-streaming/004"),
    ),
    (
        "stack",
        "A recursion, and what was raised from it.",
        ("python-2.75-features/005", "python-2.75-span-streaming/005"),
    ),
    (
        "stack",
        "An exception group: its members as a set.",
        ("python-2.75-features/006", "python-2.75-span-streaming/006"),
    ),
    (
        "message",
        "What a person wrote, sent as an event.",
        ("python-2.75-features/007", "python-2.75-span-streaming/007"),
    ),
    (
        "stack",
        "One rejection in a browser, with and without compressed recordings.",
        ("web-session/006", "web-uncompressed-static/005"),
    ),
)


def events() -> dict[str, dict[str, Any]]:
    """Read every recorded error and message, by name."""
    events_by_name = {}
    for family in samples.families():
        for request in contents.requests(family):
            for item in contents.envelope_of(request).items:
                if item.type == "event":
                    events_by_name[request.name] = jsonish.decode_object(item.payload, "event")
    return events_by_name


def test_recorded_events_form_the_groups_a_developer_expects():
    """Every event of every family stands in the table above, in the group it stands for."""
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, event in events().items():
        group = rules.group_event(event)
        groups[group.rule, group.issue_id].add(name)
    expected = {(rule, frozenset(names)) for rule, _, names in EXPECTED}
    assert {(rule, frozenset(names)) for (rule, _), names in groups.items()} == expected


def test_an_event_with_a_fingerprint_is_grouped_by_it_alone():
    """An event that names its group is grouped by that name, whatever else it holds."""
    event = sdk_shapes.event()
    group = rules.group_event(event)
    assert (group.rule, list(group.parts)) == ("fingerprint", event["fingerprint"])
