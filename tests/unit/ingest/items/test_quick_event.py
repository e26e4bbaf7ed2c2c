"""app.ingest.items.events.quick_event: events read by members and from the caches."""

import copy
import gc
import json
import weakref
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from app.core.errors import MalformedInput, OversizedInput
from app.core.ids import ProjectId
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.stored import packed_json
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem
from app.ingest.items import event as event_items
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.events import quick_event
from app.ingest.items.events.scrubbed_event import ScrubbedEvent, read_scrubbed_event
from app.ingest.items.item_type import PreparedBatch
from app.projects.model import Outcome
from app.scrub.rules import DEFAULT_RULES, ScrubRules
from tests.support.builders.payloads import event
from tests.support.builders.wire import EVENT_ID, MISSING, compact
from tests.support.examples import SETTINGS, with_changed_member
from tests.support.quick_readers import assert_quick_equals_plain
from tests.support.recorded import contents, samples

IP = "203.0.113.9"
STACK = {"frames": [{"function": f"f{n}", "module": "net.example.Cart"} for n in range(40)]}


def context(
    header: EnvelopeHeader | None = None, rules: ScrubRules = DEFAULT_RULES
) -> EnvelopeContext:
    """Return what the items of an envelope share."""
    at = datetime(2026, 8, 6, tzinfo=UTC)
    return EnvelopeContext(ProjectId(1), at, 0, IP, header or EnvelopeHeader(), rules)


def read_quickly(text: bytes, given_context: EnvelopeContext) -> ScrubbedEvent | None:
    """Read one event the quick way."""
    item = EnvelopeItem("event", memoryview(text))
    (event,) = quick_event.try_read_events([(item, given_context)])
    return event


def read(text: bytes, given_context: EnvelopeContext) -> ScrubbedEvent:
    """Read one event as digest does."""
    return read_quickly(text, given_context) or read_scrubbed_event(text, given_context)


def text_of(scrubbed: ScrubbedEvent) -> bytes:
    """Return the JSON that is stored of an event."""
    return packed_json.unpack_text(scrubbed.packed)


def outcome(scrubbed: ScrubbedEvent | None) -> str | None:
    """Write out all that is stored of an event, with its JSON as a value; NaN then equals NaN."""
    if scrubbed is None:
        return None
    value = jsonish.decode(text_of(scrubbed), "event")
    return repr((scrubbed.event, scrubbed.problem, scrubbed.issue_ids, value))


def assert_same(text: bytes, given_context: EnvelopeContext) -> None:
    """Compare reading quickly with reading plainly, twice, so that the caches are full then."""
    try:
        read_scrubbed_event(text, given_context)
    except (MalformedInput, OversizedInput):
        assert read_quickly(text, given_context) is None
        return
    for _ in range(2):
        assert_quick_equals_plain(
            text,
            quick=lambda data: outcome(read_quickly(data, given_context)),
            plain=lambda data: outcome(read_scrubbed_event(data, given_context)),
        )


@pytest.mark.parametrize("family", samples.families())
def test_every_recorded_event_is_read_as_by_the_plain_reader(family: str):
    """Members from the cache make no difference."""
    for request in contents.requests(family):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            if item.type == "event":
                assert_same(bytes(item.payload), context(envelope.header))


@SETTINGS
@given(with_changed_member(event()), with_changed_member(event()["exception"]["values"][0]))
def test_an_event_of_any_shape_is_read_as_by_the_plain_reader(
    changed: dict[str, Any], exception: dict[str, Any]
):
    """Members of any type make no difference."""
    for member in ({}, {"exception": {"values": [exception | {"stacktrace": STACK}]}}):
        assert_same(compact(changed | member), context())


@pytest.mark.parametrize(
    "changes",
    [
        {"user": {"ip_address": "{{auto}}"}, "tags": {"a": "{{auto}}"}},
        {"user": {"ip_address": "{{auto}}", "username": "caf\u00e9 {{auto}}"}},
        {"user": MISSING, "platform": "javascript"},
        {"user": MISSING, "sdk": {"name": "x", "settings": {"infer_ip": "auto"}}},
        {"user": MISSING, "request": {"env": {"REMOTE_ADDR": "{{auto}}"}}, "platform": "cocoa"},
        {"user": {"ip_address": "{{auto}}"}, "sdk": {"settings": {"infer_ip": "never"}}},
        {"release": "{{auto}}", "modules": {"a": "{{auto}}" + "x" * 600, "b": "{{auto}}"}},
        {"fingerprint": ["{{ default }}", "{{ tags.flavor }}"], "exception": {"values": [
            {"type": "E", "stacktrace": STACK}]}},
        {"contexts": {"feedback": {"message": "slow"}}, "exception": {"values": [
            {"stacktrace": {"frames": [{}] * 200}}]}},
        {"exception": {"values": [{"type": "E", "value": "jo@example.org", "stacktrace": STACK}]}},
        {"event_id": MISSING},
        {"event_id": 5},
        {"event_id": {"event_id": EVENT_ID}},
    ],
)  # fmt: skip
def test_special_events_are_read_as_by_the_plain_reader(changes: dict[str, Any]):
    """Events with addresses to fill in, fingerprints, feedback, secrets or no id go to it."""
    changed = {name: value for name, value in (event() | changes).items() if value is not MISSING}
    assert_same(compact(changed), context())
    assert_same(json.dumps(changed).encode(), context(EnvelopeHeader(event_id="c" * 32)))


def test_events_with_one_stack_differ_by_their_other_members():
    """The cache of problems depends on every member from which a problem is read."""
    first = event(exception={"values": [{"type": "E", "value": "a", "stacktrace": STACK}]})
    one = read(compact(first), context())
    for changes in (
        {"level": "warning"},
        {"transaction": "Other"},
        {"platform": "cocoa"},
        {"fingerprint": ["own"]},
        {"exception": {"values": [{"type": "F", "value": "a", "stacktrace": STACK}]}},
    ):
        other = read(compact(first | changes), context())
        assert (other.problem, other.issue_ids) != (one.problem, one.issue_ids)
        assert_same(compact(first | changes), context())


@pytest.mark.parametrize("platform", ["java", "cocoa", "python", "javascript", 5, None])
def test_a_known_stack_is_read_as_a_new_one(platform: object):
    """Other words, platforms, images, threads and odd forms make no difference."""
    frames = [{**frame, "instruction_addr": f"0x{n:x}"} for n, frame in enumerate(STACK["frames"])]
    one = {"type": "E", "stacktrace": {"frames": [*frames, 5, None, {"function": "?"}]}}
    bare = {
        "type": "E",
        "stacktrace": {"frames": [{"instruction_addr": f"0x{n:x}"} for n in range(99)]},
    }
    images = {"images": [{"image_addr": "0x2", "image_size": 40}]}
    for value in range(2):
        for values in ([{**one, "value": value}], [{**bare, "value": value}], [one, bare], [5]):
            for holder in (values, {"values": values, "x": 1}, {"values": None}):
                for name in ("exception", "threads"):
                    changes: dict[str, Any] = {"platform": platform, name: holder}
                    assert_same(compact(event(exception=MISSING) | changes), context())
                    assert_same(compact(event(**changes, debug_meta=images)), context())


def test_rules_of_one_project_are_not_those_of_another():
    """A member that came under other rules is scrubbed anew."""
    note = {"values": [{"type": "E", "value": "nickname=jo", "stacktrace": STACK}]}
    text = compact(event(exception=note))
    assert b"nickname=jo" in text_of(read(text, context()))
    strict = ScrubRules(sensitive_keys=frozenset({"nickname"}))
    assert b"nickname=jo" not in text_of(read(text, context(rules=strict)))
    assert b"nickname=jo" in text_of(read(text, context()))


def test_limits_hold_for_known_events():
    """An event that is too deep or too large is refused each time."""
    deep: Any = "x"
    for _ in range(LIMITS.json_depth):
        deep = [deep]
    for changes in ({"exception": {"values": [deep] * 40}}, {"extra": {"a": deep}}):
        for _ in range(2):
            with pytest.raises(MalformedInput):
                read(compact(event(**changes)), context())
    long = compact(event(extra={"a": "x" * LIMITS.event_bytes}))
    with pytest.raises(OversizedInput):
        read(long, context())


def test_events_that_were_read_share_nothing():
    """Two readings give equal values, and neither changes the cache."""
    text = compact(event())
    one = copy.deepcopy(outcome(read(text, context())))
    assert outcome(read(text, context())) == one


@pytest.mark.parametrize("text", [b'{"a":' + b"9" * 2_000_000 + b"}", b"[1]", b"{"])
def test_a_refusal_does_not_hold_its_event(text):
    """In a cycle with its traceback, it would keep megabytes until the garbage collector runs."""
    payload = memoryview(text)
    still_there = weakref.ref(payload)
    prepared = PreparedBatch()
    gc.disable()
    try:
        event_items.prepare_events([(EnvelopeItem("event", payload), context())], prepared)
        del payload
        assert still_there() is None
    finally:
        gc.enable()
    assert [key.outcome for key in prepared.outcomes] == [Outcome.REFUSED]
