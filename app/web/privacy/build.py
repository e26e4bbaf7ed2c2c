"""Turns the privacy rules of a project, and a trial of rules, into the values of their page."""

import re
from collections.abc import Iterable
from typing import Final

from app.administration.privacy import rule_settings
from app.administration.privacy.rule_settings import REMOVAL_DAYS, ProjectPrivacyRules
from app.administration.privacy.rule_trial import (
    EventTrial,
    FieldChange,
    RecordingTrial,
    RuleTrial,
)
from app.memberships.model import ProjectAccess
from app.scrub.rules import MARKS
from app.web.privacy.form import SPARE_ROWS, SWITCHES, RuleForm
from app.web.privacy.page import (
    ChangeRow,
    PatternField,
    PrivacyPage,
    RemovalRow,
    SwitchField,
    TextPart,
    TrialEvent,
    TrialPart,
    VersionRow,
)
from app.web.urls import issue_urls, replay_urls
from app.web.words import phrases
from app.web.words.privacy.removals import describe_rule

_GONE: Final = "somebody who has left"
_MARK: Final = re.compile("|".join(map(re.escape, MARKS)))
_CONTEXT_CHARS: Final = 60
"""Unchanged text that is shown on either side of a change."""


def build_privacy_page(
    access: ProjectAccess,
    settings: ProjectPrivacyRules,
    form: RuleForm,
    *,
    trial: RuleTrial | None = None,
    problem: str | None = None,
) -> PrivacyPage:
    """Build the page of a project's privacy rules.

    Args:
        access: The project, and who looks at it.
        settings: The saved rules, their versions, and what they removed.
        form: The form as it is shown: as saved, or as typed.
        trial: The result of trying the rules of the form.
        problem: The mistake to correct in the form, if any.
    """
    project = access.project
    rows = [(own.name, own.pattern) for own in form.patterns] + [("", "")] * SPARE_ROWS
    return PrivacyPage(
        project_id=project.id,
        name=project.name,
        version=form.version,
        switches=tuple(
            SwitchField(name, label, hint, name in form.switches)
            for name, (label, hint) in SWITCHES.items()
        ),
        sensitive_keys=form.sensitive_keys,
        safe_keys=form.safe_keys,
        patterns=tuple(
            PatternField(number, name, pattern) for number, (name, pattern) in enumerate(rows)
        ),
        hides_keypads=form.hides_keypads,
        screens=form.screens,
        views=form.views,
        regions=form.regions,
        text=form.text,
        trial=_build_trial(access, trial) if trial is not None else None,
        removal_days=REMOVAL_DAYS,
        removals=_build_removals((count.rule, count.quantity) for count in settings.removals),
        versions=_build_versions(settings),
        problem=problem,
    )


def _build_removals(counts: Iterable[tuple[str, int]]) -> tuple[RemovalRow, ...]:
    return tuple(
        RemovalRow(phrases.sentence(describe_rule(rule)).removesuffix("."), quantity)
        for rule, quantity in sorted(counts, key=lambda count: (-count[1], count[0]))
    )


def _build_versions(settings: ProjectPrivacyRules) -> tuple[VersionRow, ...]:
    return tuple(
        VersionRow(
            version.version,
            version.saved_at,
            settings.names.get(version.saved_by, _GONE) if version.saved_by else _GONE,
            "; ".join(rule_settings.describe_version(settings.versions, number)),
        )
        for number, version in enumerate(settings.versions)
    )


def _build_trial(access: ProjectAccess, trial: RuleTrial) -> TrialPart:
    return TrialPart(
        summary=_summarize(trial),
        removals=_build_removals(trial.counts.items()),
        events=(
            *(_build_event(access, event) for event in trial.events),
            *(_build_recording(access, recording) for recording in trial.recordings),
        ),
        text=tuple(map(_build_change, trial.text)),
        has_text=trial.has_text,
    )


def _summarize(trial: RuleTrial) -> str:
    tried = [
        (len(changed), phrases.count(number, noun))
        for changed, number, noun in (
            (trial.events, trial.tried, "recent event"),
            (trial.recordings, trial.tried_recordings, "recent recording"),
        )
        if number
    ]
    if not tried:
        return "The project has no events and recordings to try the rules on yet."
    if not any(changed for changed, _ in tried):
        return f"These rules would change nothing more in {' and '.join(of for _, of in tried)}."
    parts = " and ".join(f"{changed} of {of}" for changed, of in tried)
    return f"These rules would change {parts}."


def _build_event(access: ProjectAccess, event: EventTrial) -> TrialEvent:
    return TrialEvent(
        event.title,
        issue_urls.event(access.project.id, event.event_id),
        0,
        tuple(map(_build_change, event.changes)),
        event.more_changes,
    )


def _build_recording(access: ProjectAccess, recording: RecordingTrial) -> TrialEvent:
    return TrialEvent(
        f"Replay {recording.replay_id}, segment {recording.segment_id}",
        replay_urls.replay(access.project.id, recording.replay_id),
        recording.hidden_taps,
        tuple(map(_build_change, recording.changes)),
        recording.more_changes,
    )


def _build_change(change: FieldChange) -> ChangeRow:
    before, after = _mark_difference(change.before, change.after)
    return ChangeRow(change.path, tuple(before), tuple(after))


def _mark_difference(before: str, after: str) -> tuple[list[TextPart], list[TextPart]]:
    """Return both texts in pieces, of which the removed ones and their marks are marked."""
    kept = _MARK.split(after)
    marks = _MARK.findall(after)
    old: list[TextPart] = []
    new: list[TextPart] = []
    at = 0
    for number, piece in enumerate(kept):
        is_last = number == len(kept) - 1
        # The last piece is looked for at the end, so that the mark before it covers all in between.
        begin = len(before) - len(piece) if is_last else before.find(piece, at)
        if begin < at or not before.startswith(piece, begin):
            return _changed(before), _changed(after)
        if number:
            is_same = before[at:begin] == marks[number - 1]
            old.append(TextPart(_cut(before[at:begin]), is_changed=not is_same))
            new.append(TextPart(marks[number - 1], is_changed=not is_same))
        shown = TextPart(_cut(piece, has_before=number > 0, has_after=not is_last))
        old.append(shown)
        new.append(shown)
        at = begin + len(piece)
    return [part for part in old if part.text], [part for part in new if part.text]


def _changed(text: str) -> list[TextPart]:
    return [TextPart(_cut(text), is_changed=True)]


def _cut(text: str, *, has_before: bool = True, has_after: bool = True) -> str:
    """Cut a long text in its middle, or where no change is beside it."""
    head = _CONTEXT_CHARS if has_before else 0
    tail = _CONTEXT_CHARS if has_after else 0
    if len(text) <= head + tail + _CONTEXT_CHARS:
        return text
    return f"{text[:head]} … {text[len(text) - tail :]}" if tail else f"{text[:head]} …"
