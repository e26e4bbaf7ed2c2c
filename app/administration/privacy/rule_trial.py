"""Tries privacy rules on recent events and on a text, and changes nothing.

Only what is stored can be shown: events were scrubbed by the rules of their time before they were
stored, so a trial shows what the new rules would remove beyond that.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.administration.projects.record_action import record_action
from app.audit.model import Action
from app.core.errors import RequestRefused
from app.core.ids import EventId
from app.db.engine import Database
from app.formats import jsonish
from app.formats.stored import packed_json
from app.issues import event_queries
from app.issues.model import RecentEvent
from app.memberships.model import ProjectAccess, Role
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.rule_checks import check_rules
from app.scrub.rules import ScrubRules

RECENT_EVENTS: Final = 20
_MOST_CHANGES: Final = 40
"""Fields of one event that are shown; the others are counted."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field whose text the rules change."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class EventTrial:
    """The effect of the rules on one event."""

    event_id: EventId
    title: str
    changes: Sequence[FieldChange]
    more_changes: int


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """The effect of rules on the recent events of a project, and on a text."""

    events: Sequence[EventTrial]
    """The events that would change, the newest first."""
    tried: int
    """Number of events that the rules were tried on."""
    counts: Mapping[str, int]
    """How much each rule would remove from them and from the text."""
    text: Sequence[FieldChange]
    """The changes of the text; one change with an empty path if it is not JSON."""
    has_text: bool


async def try_rules(
    database: Database, access: ProjectAccess, rules: ScrubRules, text: str
) -> RuleTrial:
    """Try rules on the newest event of each of the issues that happened last, and on a text.

    Args:
        database: Where events are.
        access: Who asks, and the project.
        rules: The rules, which need not be saved.
        text: JSON or any other text that the person typed; empty for none.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        InvalidInput: The rules cannot be used.
    """
    access.require_role(Role.ADMIN)
    check_rules(rules)
    async with database.transaction() as connection:
        events = await event_queries.read_recent_events(
            connection, access.project.id, limit=RECENT_EVENTS
        )
        await record_action(
            connection, access, Action.PRIVACY_RULES_TRIED, detail={"events": len(events)}
        )
    return await asyncio.to_thread(_try_on, events, rules, text)


def _try_on(events: Sequence[RecentEvent], rules: ScrubRules, text: str) -> RuleTrial:
    counts: Counter[str] = Counter()
    trials = []
    for event in events:
        stored = packed_json.unpack_object(event.payload)
        changes = list(_find_changes(stored, _scrub(stored, rules, counts), ()))
        if changes:
            trials.append(
                EventTrial(
                    event.event_id,
                    event.title,
                    changes[:_MOST_CHANGES],
                    max(0, len(changes) - _MOST_CHANGES),
                )
            )
    return RuleTrial(
        trials, len(events), counts, _try_on_text(text, rules, counts), bool(text.strip())
    )


def _scrub(value: Any, rules: ScrubRules, counts: Counter[str]) -> Any:
    result = walk.scrub_json(value, rules, kind=PayloadKind.EVENT)
    for remark in result.remarks:
        counts[remark.rule] += remark.count
    return result.value


def _try_on_text(text: str, rules: ScrubRules, counts: Counter[str]) -> list[FieldChange]:
    """Return the changes of a text: field by field if it is JSON, or as a message of an event."""
    if not text.strip():
        return []
    try:
        value = jsonish.decode(text.encode(errors="replace"), "text")
    except RequestRefused:
        value = None
    if isinstance(value, dict | list):
        return list(_find_changes(value, _scrub(value, rules, counts), ()))[:_MOST_CHANGES]
    clean = _scrub({"message": text}, rules, counts)["message"]
    return [] if clean == text else [FieldChange("", text, clean)]


def _find_changes(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[FieldChange]:
    """Find the fields that differ; scrubbing keeps the order and number of members."""
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and len(before) == len(after):
        for (name, old), (clean_name, new) in zip(before.items(), after.items(), strict=True):
            if name != clean_name:
                yield FieldChange(_write_path((*path, clean_name)), name, clean_name)
            yield from _find_changes(old, new, (*path, clean_name))
        return
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _find_changes(old, new, (*path, str(number)))
        return
    old_text, new_text = _write_value(before), _write_value(after)
    if old_text != new_text:
        yield FieldChange(_write_path(path), old_text, new_text)


def _write_path(path: Sequence[str]) -> str:
    return ".".join(path)


def _write_value(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
