"""Describes the findings of rules: title, counts, and the link that opens the replay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts.composing.addresses import MessageAddresses
from app.alerts.composing.content import AlertItem
from app.alerts.current_issue import find_current_issue
from app.alerts.judge import is_crash
from app.alerts.model import AlertRule, RuleKind
from app.core import units
from app.core.ids import PersonId, ProjectId
from app.issues.model import Issue, StoredEvent
from app.messages.model import AlertFinding
from app.playback.listed_replays import describe_replays
from app.playback.video.index_cache import IndexCache
from app.replays import queries as replays
from app.replays.model import Replay, ReplayKey
from app.triage.issue.issue_links import find_replay_of_event
from app.triage.issue.issue_replays import find_player_ms

BEFORE_MS: Final = 15_000
"""The time before the moment at which a replay opens, in milliseconds."""
_TITLE_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class FindingDescriber:
    """Describes findings within one transaction."""

    connection: AsyncConnection
    addresses: MessageAddresses
    index_cache: IndexCache
    readable: Sequence[ProjectId]
    """The projects that the rule may tell of (`reach.list_readable`)."""

    async def describe(self, rule: AlertRule, finding: AlertFinding) -> AlertItem | None:
        """Describe a finding; return None if its subject was erased meanwhile."""
        if finding.issue_id is not None and finding.project_id is not None:
            return await self._describe_issue(rule, finding)
        if finding.replay_id is not None and finding.replay_project_id is not None:
            return await self._describe_replay(rule, finding)
        return _describe_condition(finding, self.addresses)

    async def _describe_issue(self, rule: AlertRule, finding: AlertFinding) -> AlertItem | None:
        project_id = finding.project_id
        if project_id is None:
            return None
        found = await find_current_issue(
            self.connection, project_id, finding.issue_id, finding.event_id, self.readable
        )
        if found is None:
            return None
        issue, event = found.issue, found.event
        # The event may have moved since it was judged, so the same conditions are checked again.
        is_old = rule.kind is RuleKind.NEW_ISSUE and found.is_known
        if is_old or issue.status == "ignored":
            return None
        ids = {"issue_id": str(issue.issue_id)}
        watch_url, moment_at_ms = "", None
        if event is not None:
            ids["event_id"] = str(event.event_id)
            linked = await find_replay_of_event(self.connection, event, self.readable)
            if linked is not None:
                at_ms = await find_player_ms(self.connection, self.index_cache, linked)
                watch_url = self._watch(linked.replay, at_ms)
                moment_at_ms = _find_moment(linked.replay, linked.at_ms)
                ids["replay_id"] = linked.replay.key.replay_id
                ids["replay_project_id"] = str(linked.replay.key.project_id)
        release = (event.release if event else None) or issue.last_release
        if release:
            ids["release"] = release
        return AlertItem(
            title=issue.title[:_TITLE_CHARS],
            why=str(finding.facts.get("why") or _explain_issue(rule.kind, issue, event)),
            url=self.addresses.issue(project_id, issue.issue_id),
            watch_url=watch_url,
            moment_at_ms=moment_at_ms,
            facts=(*_read_facts(finding), *_list_issue_facts(issue, event, release)),
            tone=str(finding.facts.get("tone") or _find_tone(issue)),
            is_over=bool(finding.facts.get("is_over")),
            ids=ids,
        )

    async def _describe_replay(self, rule: AlertRule, finding: AlertFinding) -> AlertItem | None:
        project_id, replay_id = finding.replay_project_id, finding.replay_id
        if project_id is None or replay_id is None:
            return None
        key = ReplayKey(project_id, replay_id)
        replay = await replays.find_replay(self.connection, key)
        if replay is None:
            return None
        # A rule is no person: nobody has id 0, so no replay counts as seen.
        [listed] = await describe_replays(
            self.connection, [replay], person_id=PersonId(0), readable=self.readable
        )
        marks = listed.counts.marks
        moment = next((mark for mark in marks if mark.is_crash), None) or next(iter(marks), None)
        url = self._watch(replay, moment.at_ms if moment else 0)
        facts = [("Errors", f"{listed.counts.app + listed.counts.backend:,}")]
        if replay.screens:
            facts.append(("Last screen", replay.screens[-1]))
        ids = {"replay_id": str(replay_id), "replay_project_id": str(project_id)}
        release = _read_text(replay.facts.get("release"))
        if release:
            facts.insert(0, ("Release", release))
            ids["release"] = release
        device = replay.facts.get("device")
        model = _read_text(device.get("model")) if isinstance(device, dict) else ""
        if model:
            facts.append(("Device", model))
        return AlertItem(
            title=_name_replay(replay),
            why=f"It matches “{rule.settings.query}”.",
            url=url,
            watch_url=url,
            moment_at_ms=_find_moment(replay, moment.at_ms) if moment else None,
            facts=tuple((name, value[:_TITLE_CHARS]) for name, value in facts),
            tone="bad" if moment is not None and moment.is_crash else "warn",
            ids=ids,
        )

    def _watch(self, replay: Replay, at_ms: int) -> str:
        return self.addresses.replay(
            replay.key.project_id, replay.key.replay_id, at_ms=max(0, at_ms - BEFORE_MS)
        )


def _find_moment(replay: Replay, at_ms: int) -> int:
    """Return a moment of a replay in milliseconds since 1970, on the clock of its segments.

    Late segments may move the start of a replay, so a distance from it would not last.
    """
    return units.ms_from_at(replay.started_at) + at_ms


def write_time(at: datetime) -> str:
    """Write a time in UTC, since readers of a message may be in any time zone."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _explain_issue(kind: RuleKind, issue: Issue, event: StoredEvent | None) -> str:
    release = (event.release if event else None) or issue.last_release
    in_release = f" in {release}" if release else ""
    match kind:
        case RuleKind.RETURNED_ISSUE:
            return f"It came back{in_release} after it was resolved."
        case RuleKind.FIRST_CRASH:
            return f"It is the first crash of release {release or 'without a name'}."
        case _:
            what = "crash" if is_crash(issue.kind, issue.level) else "error"
            return f"This {what} has not been seen before{in_release}."


def _list_issue_facts(
    issue: Issue, event: StoredEvent | None, release: str | None
) -> tuple[tuple[str, str], ...]:
    facts = [
        ("Release", release or ""),
        ("Environment", (event.environment if event else None) or ""),
        ("Events", f"{issue.events:,}"),
        ("Users", f"{issue.users:,}" if issue.users else ""),
        ("Replays", f"{issue.replays:,}" if issue.replays else ""),
        ("Where", issue.culprit or ""),
    ]
    return tuple((name, value[:_TITLE_CHARS]) for name, value in facts if value)


def _find_tone(issue: Issue) -> str:
    return "bad" if is_crash(issue.kind, issue.level) else "warn"


def _read_facts(finding: AlertFinding) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in finding.facts.get("facts", ()))


def _describe_condition(finding: AlertFinding, addresses: MessageAddresses) -> AlertItem:
    """Describe a condition, from the facts that its finding holds."""
    facts = finding.facts
    return AlertItem(
        title=str(facts.get("title", ""))[:_TITLE_CHARS],
        why=str(facts.get("why", "")),
        url=addresses.base_url + str(facts.get("path", "")),
        facts=_read_facts(finding),
        tone=str(facts.get("tone", "bad")),
        is_over=bool(facts.get("is_over")),
        ids={"release": str(facts["release"])} if "release" in facts else {},
    )


def _name_replay(replay: Replay) -> str:
    user = replay.user
    name = user.get("email") or user.get("username") or user.get("name") or user.get("id")
    length_s = replay.duration_ms // 1000
    length = f"{length_s // 60}:{length_s % 60:02}"
    return f"Replay of {name}, {length} min" if name else f"Replay of {length} min"


def _read_text(value: Any) -> str:
    return value if isinstance(value, str) else ""
