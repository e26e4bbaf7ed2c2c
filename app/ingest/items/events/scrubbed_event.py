"""Reads an event without secrets: decode, scrub, read, compress.

`quick_event.py` decodes only the members that are read or may hold a secret, and remembers those
that come again and again.
"""

from dataclasses import dataclass

import msgspec

from app.core.ids import IssueId
from app.formats import jsonish
from app.formats.events import event
from app.formats.events.event import Event, Problem
from app.formats.stored import packed_json
from app.ingest.items import scrubbing
from app.ingest.items.context import EnvelopeContext
from app.issues.grouping import rules
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRemark


@dataclass(frozen=True, slots=True)
class ScrubbedEvent:
    """An event without secrets."""

    event: Event
    problem: Problem
    issue_ids: tuple[IssueId, ...]
    """The ids of its issue by every version of the grouping rules, the newest first."""
    packed: bytes
    """The event as JSON, compressed by `packed_json`."""
    remarks: tuple[ScrubRemark, ...]
    """What was removed from it."""


def read_scrubbed_event(data: bytes, context: EnvelopeContext) -> ScrubbedEvent:
    """Read an event by decoding all of it.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It is over a limit.
    """
    sent = jsonish.decode(data, "event")
    clean = scrubbing.scrub_decoded(sent, data, context, kind=PayloadKind.EVENT)
    written = msgspec.json.encode(clean.value) if clean.is_changed else data
    event.check_event_size(written, "event")
    raw = jsonish.need_object(clean.value, "event")
    return ScrubbedEvent(
        event=event.read_event(raw, context.header),
        problem=event.read_problem(raw),
        issue_ids=rules.read_issue_keys(raw),
        # Without secrets it is written anew as well, because decoding has mended what is not
        # strict JSON in UTF-8.
        packed=packed_json.pack_text(written if clean.is_changed else msgspec.json.encode(raw)),
        remarks=clean.remarks,
    )
