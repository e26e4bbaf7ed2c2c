"""Reads replay events, and remembers the facts that the segments of a phone repeat.

event ─ split ─┬► ids, times, screens             scrubbed and read each time
               └► facts of app, device and user   scrubbed and read once for the same text
"""

from functools import lru_cache
from typing import Final

import msgspec

from app.core.errors import MalformedInput
from app.formats.replay import replay_event
from app.formats.replay.quick_replay_event import try_split_replay_event
from app.formats.replay.replay_event import ReplayFacts
from app.formats.wire import addresses
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.segments import stored_facts
from app.ingest.items.segments.scrubbed_replay_event import ScrubbedReplayEvent
from app.ingest.items.segments.stored_facts import StoredFacts
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRemark, ScrubRules

_MOST_FACTS: Final = 2_048
_MOST_FACTS_BYTES: Final = 2_048
"""Most bytes of facts that are remembered; real ones have some 500."""


def try_read_replay_event(data: bytes, context: EnvelopeContext) -> ScrubbedReplayEvent | None:
    """Read a replay event, if it can be split, asks for no address and names its segment."""
    split = try_split_replay_event(data)
    if (
        split is None
        or len(split.facts_json) > _MOST_FACTS_BYTES
        or addresses.asks_for_address(data)
    ):
        return None
    header = context.header
    facts, stored, remarks = _read_facts(
        split.facts_json,
        context.rules,
        client_ip=context.client_ip,
        infer_ip=header.infer_ip,
        sdk_name=header.sdk_name,
        sdk_version=header.sdk_version,
    )
    scrubbed = walk.scrub_json(split.segment_members, context.rules, kind=PayloadKind.REPLAY_EVENT)
    try:
        event = replay_event.read_segment_members(scrubbed.value, facts)
    except MalformedInput:
        return None
    return ScrubbedReplayEvent(event, stored, _join_remarks(remarks, scrubbed.remarks))


def _join_remarks(
    remarks: tuple[ScrubRemark, ...], others: tuple[ScrubRemark, ...]
) -> tuple[ScrubRemark, ...]:
    """Join the remarks on two parts of an event, in their order; most have none."""
    return tuple(sorted(remarks + others)) if remarks or others else ()


@lru_cache(maxsize=_MOST_FACTS)
def _read_facts(
    facts_json: bytes,
    rules: ScrubRules,
    *,
    client_ip: str | None,
    infer_ip: str | None,
    sdk_name: str | None,
    sdk_version: str | None,
) -> tuple[ReplayFacts, StoredFacts, tuple[ScrubRemark, ...]]:
    """Scrub and read facts. All that the result depends on is an argument, and so in the key."""
    raw = msgspec.json.decode(facts_json)
    addresses.fill_addresses(raw, facts_json, client_ip=client_ip, infer_ip=infer_ip, has_user=True)
    clean = walk.scrub_json(raw, rules, kind=PayloadKind.REPLAY_EVENT)
    facts = replay_event.read_replay_facts(clean.value, sdk_name=sdk_name, sdk_version=sdk_version)
    return facts, stored_facts.write_facts(facts), clean.remarks
