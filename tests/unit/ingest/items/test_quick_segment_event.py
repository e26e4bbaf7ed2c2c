"""app.ingest.items.segments.quick_replay_event: facts that are remembered change nothing."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from app.core.errors import RequestRefused
from app.core.ids import ProjectId
from app.formats.wire.envelope import EnvelopeHeader
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.segments import quick_replay_event, scrubbed_replay_event
from app.ingest.items.segments.scrubbed_replay_event import ScrubbedReplayEvent
from app.scrub.rules import DEFAULT_RULES, ScrubRules
from tests.support.builders import payloads
from tests.support.builders.wire import TRACE_ID, compact
from tests.support.quick_readers import assert_quick_equals_plain

CARD = "4111111111111111"
texts = st.sampled_from(
    [
        *("", "CartActivity", "Jo's iPad", "jo@example.org", "{{auto}}", "203.0.113.9", CARD),
        *("https://shop.example/pay?token=f00ba4c0ffee", f"{CARD}{'a' * 16}", TRACE_ID, "secret-1"),
        *("password=hunter22", "/Users/jo/app", "\x00", "ä", "never", "auto", "legacy", "cocoa"),
    ]
)
anything = st.recursive(
    texts | st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.just(int(CARD)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
PLACES = (
    *("replay_id", "segment_id", "replay_type", "timestamp", "urls", "error_ids", "trace_ids"),
    *("platform", "release", "dist", "tags", "user", "request", "contexts", "sdk", "extra"),
    *("user.id", "user.email", "user.ip_address", "user.name", "contexts.trace.trace_id"),
    *("contexts.device.name", "contexts.device.model", "contexts.os.name", "contexts.app.app_name"),
    *("sdk.name", "sdk.settings", "sdk.settings.infer_ip", "request.env.REMOTE_ADDR", "tags.plan"),
)


def put(event: dict[str, Any], place: str, value: object) -> None:
    """Put a value where a dotted path leads, making maps on the way."""
    *path, name = place.split(".")
    for step in path:
        inner = event.get(step)
        event[step] = inner = dict(inner) if isinstance(inner, dict) else {}
        event = inner
    event[name] = value


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """Make a replay event as SDKs write it, with some members of any shape."""
    platform = draw(st.sampled_from(["android", "ios", "web"]))
    event = payloads.replay_event(draw(st.integers(0, 3)), platform=platform)
    for place in draw(st.lists(st.sampled_from(PLACES), max_size=4)):
        put(event, place, draw(texts | anything))
    return compact(event)


contexts = st.builds(
    lambda rules, client_ip, infer_ip, sdk: EnvelopeContext(
        project_id=ProjectId(1),
        received_at=datetime(2026, 10, 1, tzinfo=UTC),
        drift_ms=0,
        client_ip=client_ip,
        header=EnvelopeHeader(infer_ip=infer_ip, sdk_name=sdk, sdk_version=sdk),
        rules=rules,
    ),
    st.sampled_from([DEFAULT_RULES, ScrubRules(scrub_ip=True, user_email=True)]),
    st.sampled_from([None, "198.51.100.7"]),
    st.sampled_from([None, "auto", "never"]),
    st.sampled_from([None, "sentry.dart"]),
)


@given(events(), contexts)
def test_remembered_facts_are_what_the_plain_reader_reads(data, context):
    """Whatever stands where, and whoever sent it, also when the facts come from the cache."""
    try:
        plain = scrubbed_replay_event.read_replay_event(data, context)
    except RequestRefused:
        assert quick_replay_event.try_read_replay_event(data, context) is None
        return
    for _ in range(2):
        assert_quick_equals_plain(
            data,
            quick=lambda event: _without_remarks(
                quick_replay_event.try_read_replay_event(event, context)
            ),
            plain=lambda _event: _without_remarks(plain),
        )
        quick = quick_replay_event.try_read_replay_event(data, context)
        # The quick reader leaves out members that nobody reads, and what would be removed there.
        assert quick is None or set(quick.remarks) <= set(plain.remarks)


def _without_remarks(scrubbed: ScrubbedReplayEvent | None) -> ScrubbedReplayEvent | None:
    return scrubbed and msgspec.structs.replace(scrubbed, remarks=())


@pytest.mark.parametrize("platform", payloads.SDKS)
def test_events_as_sdks_send_them_are_read_quickly(platform):
    """No SDK sends what the quick reader leaves alone."""
    context = EnvelopeContext(
        ProjectId(1), datetime(2026, 10, 1, tzinfo=UTC), 0, None, EnvelopeHeader(), DEFAULT_RULES
    )
    event = compact(payloads.replay_event(platform=platform))
    assert quick_replay_event.try_read_replay_event(event, context) is not None
