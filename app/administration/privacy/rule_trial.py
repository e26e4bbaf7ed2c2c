"""Tries privacy rules on recent events, recordings and a text, and changes nothing.

Only what is stored can be shown: all of it was scrubbed by the rules of its time before it was
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
from app.core.ids import EventId, ReplayId
from app.db.engine import Database
from app.formats import jsonish
from app.formats.stored import packed_json
from app.issues.events import event_queries
from app.issues.model import RecentEvent
from app.memberships.model import ProjectAccess, Role
from app.projects.privacy_rules import PrivacyRules
from app.replays.model import RecentRecording
from app.replays.segments import segment_queries
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.rule_checks import check_rules
from app.scrub.rules import ScrubRemark, ScrubRules
from app.scrub.taps.checks import check_tap_rules
from app.scrub.taps.event import hide_event_taps
from app.scrub.taps.recording import hide_recorded_taps

RECENT_EVENTS: Final = 20
RECENT_RECORDINGS: Final = 10
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
class RecordingTrial:
    """The effect of the rules on the recording of one segment."""

    replay_id: ReplayId
    segment_id: int
    changes: Sequence[FieldChange]
    more_changes: int
    hidden_taps: int


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """The effect of rules on recent data of a project, and on a text."""

    events: Sequence[EventTrial]
    """The events that would change, the newest first."""
    tried: int
    """Number of events that the rules were tried on."""
    recordings: Sequence[RecordingTrial]
    """The recordings that would change, the newest first."""
    tried_recordings: int
    counts: Mapping[str, int]
    """The amount that each rule would remove from all of them and from the text."""
    text: Sequence[FieldChange]
    """The changes of the text; one change with an empty path if it is not JSON."""
    has_text: bool


async def try_rules(
    database: Database, access: ProjectAccess, rules: PrivacyRules, text: str
) -> RuleTrial:
    """Try rules on the last event of each recent issue, on recent recordings, and on a text.

    Args:
        database: The database with the events and recordings.
        access: The person who asks, and the project.
        rules: The rules, which need not be saved.
        text: JSON or any other text that the person typed; empty for none.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        InvalidInput: The rules cannot be used.
    """
    access.require_role(Role.ADMIN)
    check_rules(rules.scrub)
    check_tap_rules(rules.taps)
    async with database.transaction() as connection:
        events = await event_queries.read_recent_events(
            connection, access.project.id, limit=RECENT_EVENTS
        )
        recordings = await segment_queries.read_recent_recordings(
            connection, access.project.id, limit=RECENT_RECORDINGS
        )
        await record_action(
            connection,
            access,
            Action.PRIVACY_RULES_TRIED,
            detail={"events": len(events), "recordings": len(recordings)},
        )
    return await asyncio.to_thread(_try_on, events, recordings, rules, text)


def _try_on(
    events: Sequence[RecentEvent],
    recordings: Sequence[RecentRecording],
    rules: PrivacyRules,
    text: str,
) -> RuleTrial:
    counts: Counter[str] = Counter()
    changed_recordings = [_try_on_recording(each, rules, counts) for each in recordings]
    return RuleTrial(
        _try_on_events(events, rules, counts),
        len(events),
        [trial for trial in changed_recordings if trial.changes or trial.hidden_taps],
        len(recordings),
        counts,
        _try_on_text(text, rules.scrub, counts),
        bool(text.strip()),
    )


def _try_on_recording(
    recent: RecentRecording, rules: PrivacyRules, counts: Counter[str]
) -> RecordingTrial:
    try:
        events = packed_json.unpack_json(recent.recording)
    except ValueError:
        events = []
    events = [event for event in events if isinstance(event, dict)]
    hidden = 0
    if rules.taps.hides_any:
        without_taps = hide_recorded_taps(events, rules.taps, recent.screens)
        events = without_taps.events
        hidden = _add_remarks(without_taps.remarks, counts)
    result = walk.scrub_recording(events, rules.scrub)
    _add_remarks(result.remarks, counts)
    changes = list(_find_changes(events, result.value, ()))
    return RecordingTrial(
        recent.replay_id,
        recent.segment_id,
        changes[:_MOST_CHANGES],
        max(0, len(changes) - _MOST_CHANGES),
        hidden,
    )


def _add_remarks(remarks: Sequence[ScrubRemark], counts: Counter[str]) -> int:
    """Add remarks to the counts, and return how much they say was removed."""
    for remark in remarks:
        counts[remark.rule] += remark.count
    return sum(remark.count for remark in remarks)


def _try_on_events(
    events: Sequence[RecentEvent], rules: PrivacyRules, counts: Counter[str]
) -> list[EventTrial]:
    trials = []
    for event in events:
        stored: Any = packed_json.unpack_object(event.payload)
        if rules.taps.hides_any:
            stored, remarks = hide_event_taps(stored, rules.taps, kind=PayloadKind.EVENT)
            _add_remarks(remarks, counts)
        changes = list(_find_changes(stored, _scrub(stored, rules.scrub, counts), ()))
        if changes:
            trials.append(
                EventTrial(
                    event.event_id,
                    event.title,
                    changes[:_MOST_CHANGES],
                    max(0, len(changes) - _MOST_CHANGES),
                )
            )
    return trials


def _scrub(value: Any, rules: ScrubRules, counts: Counter[str]) -> Any:
    result = walk.scrub_json(value, rules, kind=PayloadKind.EVENT)
    _add_remarks(result.remarks, counts)
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
