"""Reads an event without secrets: decode, scrub, read, compress.

`quick_event.py` decodes only the members that are read or may hold a secret, and remembers those
that come again and again.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from app.core.ids import IssueId
from app.formats import jsonish
from app.formats.events import event
from app.formats.events.event import Event, Problem
from app.formats.jsonish import JsonObject
from app.formats.stored import packed_json
from app.ingest.items import scrubbing
from app.ingest.items.context import EnvelopeContext
from app.issues.grouping import rules
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRemark

SYMBOLICATED_MEMBERS: Final = tuple(
    sorted({*event.PROBLEM_MEMBERS, *rules.GROUPED_MEMBERS, "debug_meta", "release", "dist"})
)
"""The members that symbolication reads, and those that a clear event is named and grouped by."""
FilesBy = Literal["id", "release"]
"""The key by which debug files are found: the ids in an event, or its release."""
_SCRIPT_PLATFORMS: Final = frozenset({"javascript", "node"})


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
    """The remarks on what was removed from it."""
    needs_files: FilesBy | None = None
    """The key by which its debug files are found; None for an event that needs none."""
    decode: Callable[[], JsonObject] = dict
    """Decodes the members in `SYMBOLICATED_MEMBERS`; called in a thread if it needs files."""


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
        needs_files=find_file_need(raw, raw.get("platform")),
        decode=lambda: raw,
    )


def find_file_need(names: Container[str], platform: object) -> FilesBy | None:
    """Tell whether frames of an event may need debug files, by what costs nothing to look at.

    Args:
        names: The names of the members of the event.
        platform: The platform of the event. Scripts may be found by their release alone.
    """
    if "debug_meta" in names:
        return "id"
    if isinstance(platform, str) and platform in _SCRIPT_PLATFORMS and "exception" in names:
        return "release"
    return None
