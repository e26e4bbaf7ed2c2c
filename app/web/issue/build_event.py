"""Builds the event that the page of an issue shows, without I/O, so that it can run in a thread."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from app.core import units
from app.formats import jsonish, timestamps
from app.formats.events import messages, view_hierarchy
from app.formats.events.view_hierarchy import HierarchyView
from app.formats.jsonish import JsonObject
from app.formats.stored import packed_json
from app.issues.counts import counting
from app.issues.grouping import rules
from app.issues.model import Attachment, IssueKey, StoredEvent
from app.playback.links import replay_clock
from app.replays import naming
from app.symbolication.model import unpack_symbolicated
from app.triage.event.event_files import PICTURE_TYPES
from app.triage.event.issue_event import IssueEvent
from app.web.issue import stacks
from app.web.issue.breadcrumbs import build_breadcrumb_rows
from app.web.issue.build_replay import build_preview, describe_missing_replay
from app.web.issue.build_symbolication import build_symbolication
from app.web.issue.page import EventBlock, FactTable, FileRow, SenderClock
from app.web.urls import issue_urls, replay_urls
from app.web.words.breadcrumb.breadcrumb_rows import data_rows
from app.web.words.parts import describe_slice
from app.web.words.privacy.removals import build_removal_chips
from app.web.words.replay.facts import Fact

_RULES: Final[dict[rules.GroupingRule, str]] = {
    "fingerprint": "the fingerprint that the app gave",
    "stack": "the types and the app's own frames of its stack trace",
    "exception": "the exception's type and text, as it has no stack trace",
    "message": "its message",
    "fallback": "platform, logger and transaction, as it says nothing else",
}
_CONTEXTS: Final[tuple[str, ...]] = (
    "device", "os", "app", "runtime", "browser", "culture", "gpu", "response",
)  # fmt: skip
"""Contexts that are shown first; the others follow by name."""
_HIDDEN_CONTEXTS: Final = frozenset({"replay", "feedback"})
_MESSAGE_CHARS: Final = 8_000
_READABLE: Final = "readable"
_CLOCK_SLACK: Final = timedelta(minutes=1)
"""A smaller difference is the time that the envelope took, and does not show in minutes."""


def build_event(
    data: IssueEvent,
    *,
    hierarchy: tuple[HierarchyView, ...],
    may_change: bool,
    may_download: bool,
    may_see_pictures: bool,
    is_as_sent: bool = False,
) -> EventBlock:
    """Describe an event.

    Args:
        data: The event and what is stored around it.
        hierarchy: The views that were on the screen, if they were sent.
        may_change: True if the visitor may let its stack be made readable once more.
        may_download: True if the visitor may have its files.
        may_see_pictures: True if pictures among them are shown.
        is_as_sent: True if the stack is shown as it was sent.
    """
    event, neighbours, missing = data.event, data.neighbours, data.missing_replay
    if event.issue_id is None:
        raise ValueError("an event without an issue has no page")
    key = (event.project_id, event.issue_id)
    path = issue_urls.issue_event(*key, event.event_id)
    sent = packed_json.unpack_object(event.payload)
    symbolicated = unpack_symbolicated(event.symbolicated)
    clear = symbolicated.apply_to(sent)
    shown = sent if is_as_sent else clear
    grouping = rules.group_event(clear)
    seen_at = counting.find_seen_at(event)
    return EventBlock(
        event_id=event.event_id,
        href=path,
        at=seen_at,
        sender_clock=_describe_clock(event, seen_at),
        received_at=event.received_at,
        newest_href=_event_href(key, neighbours.newest),
        newer_href=_event_href(key, neighbours.newer),
        older_href=_event_href(key, neighbours.older),
        oldest_href=_event_href(key, neighbours.oldest),
        facts=_build_facts(event, clear),
        message=messages.format_message(clear, limit=_MESSAGE_CHARS),
        symbolication=build_symbolication(
            event, key, sent, symbolicated, is_as_sent=is_as_sent, may_change=may_change
        ),
        stacks=stacks.build_stacks(shown),
        threads=stacks.build_threads(shown),
        crumbs=build_breadcrumb_rows(clear, later_by=seen_at - event.at),
        tables=_build_tables(clear),
        files=tuple(
            _build_file(
                file,
                number,
                has_clear_names=bool(symbolicated.view_types),
                may_download=may_download,
                may_see_picture=may_see_pictures,
            )
            for number, file in enumerate(data.files.rows, data.files.first)
        ),
        file_total=data.files.total,
        file_part=describe_slice(
            "file", data.files, href=lambda first: issue_urls.event_files(path, first=first)
        ),
        hierarchy=hierarchy,
        preview=build_preview(data.replay) if data.replay else None,
        missing_replay=describe_missing_replay(missing, event.received_at) if missing else None,
        removals=build_removal_chips([event.removals]),
        grouped_by=_RULES[grouping.rule],
        grouped_parts=tuple(part for part in grouping.parts if part),
    )


def _build_file(
    file: Attachment,
    number: int,
    *,
    has_clear_names: bool,
    may_download: bool,
    may_see_picture: bool,
) -> FileRow:
    key = (file.project_id, file.event_id, number)
    is_picture = file.content_type in PICTURE_TYPES
    is_renamed = has_clear_names and file.attachment_type == view_hierarchy.ATTACHMENT_TYPE
    sent_href = issue_urls.attachment(*key) if may_download else None
    readable_href = issue_urls.attachment(*key, version=_READABLE) if sent_href else None
    return FileRow(
        name=file.filename,
        type=file.content_type or file.attachment_type,
        size_bytes=file.size_bytes,
        href=readable_href if is_renamed else sent_href,
        sent_href=sent_href if is_renamed else None,
        picture_href=issue_urls.screenshot(*key) if may_see_picture and is_picture else None,
    )


def _event_href(key: IssueKey, event_id: Any) -> str | None:
    return issue_urls.issue_event(*key, event_id) if event_id else None


def _describe_clock(event: StoredEvent, seen_at: datetime) -> SenderClock | None:
    """Describe the time by the sender's clock, if it differs from the server's."""
    difference = seen_at - event.at
    if abs(difference) < _CLOCK_SLACK:
        return None
    side = replay_clock.find_side(event.project_id, event.project_id, event.platform)
    is_behind = difference > timedelta()
    length = units.format_duration(round(abs(difference).total_seconds()) * 1_000)
    return SenderClock(
        sender="device" if side == "app" else "service",
        at=event.at if timestamps.is_set(event.at) else None,
        difference=f"{length} {'behind' if is_behind else 'ahead'}",
        is_behind=is_behind,
    )


def _build_facts(event: StoredEvent, sent: JsonObject) -> tuple[Fact, ...]:
    contexts = jsonish.mapping(sent, "contexts")
    of_device = {
        f"{kind}_{name}": jsonish.text(jsonish.mapping(contexts, kind), name)
        for kind, names in (("device", ("model", "brand", "family")), ("os", ("name", "version")))
        for name in names
    }
    handled = {True: "handled", False: "unhandled", None: None}[event.handled]
    how = ", ".join(part for part in (event.mechanism, handled) if part)
    sdk = jsonish.mapping(sent, "sdk")
    sdk_parts = (jsonish.text(sdk, "name"), jsonish.text(sdk, "version"))
    named: tuple[tuple[str, str | None], ...] = (
        ("Mechanism", how),
        ("Level", event.level),
        ("User", naming.name_user(_user(sent)) or _user(sent).get("ip_address")),
        ("Release", event.release),
        ("Environment", event.environment),
        ("Device", naming.name_device(of_device)),
        ("System", naming.name_system(of_device)),
        ("Transaction", jsonish.text(sent, "transaction")),
        ("Server", jsonish.text(sent, "server_name")),
        ("Logger", jsonish.text(sent, "logger")),
        ("SDK", " ".join(part for part in sdk_parts if part)),
    )
    facts_shown = [Fact(name, value) for name, value in named if value]
    if event.trace_id is not None:
        facts_shown.append(Fact("Trace", event.trace_id, href=replay_urls.trace(event.trace_id)))
    return tuple(facts_shown)


def _user(sent: JsonObject) -> dict[str, str]:
    return jsonish.pairs(sent, "user")


def _build_tables(sent: JsonObject) -> tuple[FactTable, ...]:
    """Put tags, user, request, contexts and the rest into tables."""
    contexts = jsonish.mapping(sent, "contexts")
    names = [name for name in _CONTEXTS if name in contexts]
    names += sorted(name for name in contexts if name not in names and name not in _HIDDEN_CONTEXTS)
    titled: list[tuple[str, object]] = [
        ("Tags", jsonish.pairs(sent, "tags")),
        ("User", jsonish.mapping(sent, "user")),
        ("Request", jsonish.mapping(sent, "request")),
        *((_title(name), _without_type(contexts[name])) for name in names),
        ("Extra", jsonish.mapping(sent, "extra")),
        ("Packages", jsonish.mapping(sent, "modules")),
    ]
    tables = (FactTable(title, data_rows(value, limit=200)) for title, value in titled if value)
    return tuple(table for table in tables if table.rows)


def _without_type(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {name: member for name, member in value.items() if name != "type"}


def _title(name: str) -> str:
    return {"os": "System", "gpu": "Graphics"}.get(name, name.replace("_", " ").capitalize())
