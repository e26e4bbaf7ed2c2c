"""Turns what the stories of erasures return into the values of their pages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.administration.erasures.matching import MOST_REPLAYS, MatchingQuestion
from app.administration.erasures.person import PersonQuestion
from app.administration.erasures.range import RangeQuestion
from app.administration.erasures.receipts import ErasureList, ErasureReceipt
from app.core.ids import PersonId
from app.erasure.jobs import phases, rows
from app.erasure.jobs.model import Erasure, ErasureState
from app.erasure.jobs.scopes import RangeScope
from app.erasure.people.names import KIND_WORDS, PersonName
from app.memberships.model import ProjectAccess, Role
from app.projects.model import Project
from app.web.erasures.page import (
    ErasurePage,
    ErasureRow,
    ErasuresPage,
    KeptByHoldRow,
    MatchingQuestionPage,
    NameChoice,
    PersonQuestionPage,
    ProjectQuestionPage,
    RangeQuestionPage,
    SiblingRow,
    UnreachableRow,
)
from app.web.urls import erasure_urls, list_urls
from app.web.words import phrases
from app.web.words.parts import describe_rows
from app.web.words.privacy import erasures as words

_COMMAND_LINE: Final = "the command line"
_GONE: Final = "somebody who has left"
_STEPS: Final = {
    phases.PARTS: "Remove segments, recordings and pictures",
    phases.LINKED: "Remove what names these replays",
    phases.SCAN: "Look through all other records",
    phases.JOURNAL: "Wait for what was accepted before and is not stored yet",
    phases.SCAN_AGAIN: "Look through what was stored meanwhile",
    phases.SWEEP: "Remove stored objects, and verify that nothing is left",
}
"""The phases that a page names; those between belong to the one after."""


def build_list(
    found: ErasureList,
    *,
    access: ProjectAccess | None = None,
    other_projects: int = 0,
    older_href: str | None = None,
) -> ErasuresPage:
    """Build the list of erasures, and the forms of a project if it is that of one."""
    return ErasuresPage(
        rows=tuple(_build_row(erasure, found.names) for erasure in found.erasures),
        older_href=older_href,
        project_id=access.project.id if access else None,
        project_name=access.project.name if access else "",
        other_projects=other_projects,
        may_delete_project=access is not None and access.role.includes(Role.OWNER),
        kinds=tuple((kind.value, text) for kind, text in KIND_WORDS.items()),
    )


def add_problem(
    page: ErasuresPage, problem: str, part: str, typed: Mapping[str, str]
) -> ErasuresPage:
    """Return the page with what was typed, and what to correct in which form."""
    return replace(
        page,
        problem=problem,
        problem_part=part,
        typed_kind=typed.get("kind", page.typed_kind),
        typed_name=typed.get("value", ""),
        since=typed.get("since", ""),
        until=typed.get("until", ""),
    )


def build_person_question(
    project: Project, question: PersonQuestion, *, in_all: bool
) -> PersonQuestionPage:
    """Build the question before a person is erased; the chosen names come first."""
    choices = [_build_choice(name, is_chosen=True) for name in question.names]
    choices += [
        _build_choice(other.name, is_chosen=False, is_shared=other.is_shared)
        for other in question.others
    ]
    return PersonQuestionPage(
        project_id=project.id,
        project_name=project.name,
        title=question.names[0].value,
        names=tuple(choices),
        counts=words.describe_counts(question.counts),
        is_complete=question.is_complete,
        held=question.held,
        projects=question.projects,
        in_all=in_all,
    )


def build_range_question(
    project: Project, scope: RangeScope, question: RangeQuestion
) -> RangeQuestionPage:
    """Build the question before a range of time is erased."""
    return RangeQuestionPage(
        project_id=project.id,
        project_name=project.name,
        since=scope.since,
        until=scope.until,
        kinds=scope.kinds,
        kind_words=words.join_words([words.KIND_WORDS[kind] for kind in scope.kinds]),
        counts=words.describe_counts(question.counts),
        held=question.held,
    )


def build_project_question(
    project: Project, question: RangeQuestion, *, problem: str | None = None
) -> ProjectQuestionPage:
    """Build the question before a whole project is erased."""
    return ProjectQuestionPage(
        project.id,
        project.name,
        words.describe_counts(question.counts),
        question.held,
        question.members,
        problem,
    )


def build_matching_question(question: MatchingQuestion) -> MatchingQuestionPage:
    """Build the question before all matching replays are deleted."""
    return MatchingQuestionPage(
        replays=question.replays,
        most=MOST_REPLAYS,
        is_more=question.is_more,
        video_bytes=question.video_bytes,
        segments=question.segments,
        held=question.held,
        query_text=question.query_text,
        project=str(question.project_id or ""),
        until=question.until.isoformat(),
        back_href=list_urls.replays(question.project_id, query=question.query_text),
    )


def build_erasure(receipt: ErasureReceipt, *, first_hold: int) -> ErasurePage:
    """Build the page of an erasure: its progress, or its receipt."""
    erasure = receipt.erasure
    return ErasurePage(
        id=erasure.id,
        what=words.describe_subject(erasure),
        project=erasure.project_name,
        state=erasure.state.value,
        state_text=words.STATE_WORDS[erasure.state],
        tone=words.STATE_TONES.get(erasure.state),
        is_over=erasure.state is ErasureState.FINISHED,
        problem=phrases.sentence(erasure.problem) if erasure.problem else None,
        requested_at=erasure.requested_at,
        by=_name_person(erasure, receipt.names),
        covers_until=erasure.covers_until,
        verified_at=erasure.verified_at,
        counts=words.describe_counts(erasure.counts),
        size_bytes=erasure.size_bytes,
        steps=_describe_steps(erasure),
        receipt_href=erasure_urls.receipt(erasure.id),
        unreachable=tuple(
            UnreachableRow(host.name, host.seen_at, host.waiting) for host in erasure.unreachable
        ),
        holds=tuple(
            KeptByHoldRow(hold.replay_id, hold.name, hold.reason, hold.expires_at, hold.ended_at)
            for hold in receipt.holds
        ),
        holds_part=describe_rows(
            "held replay",
            first=first_hold,
            total=receipt.hold_total,
            size=rows.HOLDS_SHOWN,
            href=lambda first: erasure_urls.erasure(erasure.id, first_hold=first),
        ),
        siblings=tuple(
            SiblingRow(
                erasure_urls.erasure(each.id), each.project_name, words.STATE_WORDS[each.state]
            )
            for each in receipt.act
            if each.id != erasure.id
        ),
    )


def write_receipt(receipt: ErasureReceipt) -> dict[str, Any]:
    """Return an erasure as the JSON of its receipt, which names no user of an app."""
    erasure = receipt.erasure
    return {
        "erasure": erasure.id,
        "project": {"id": erasure.project_id, "name": erasure.project_name},
        "what": words.describe_subject(erasure),
        "kind": erasure.kind.value,
        "state": erasure.state.value,
        "requested_at": _write_moment(erasure.requested_at),
        "requested_by": {
            "person_id": erasure.requested_by,
            "name": _name_person(erasure, receipt.names),
        },
        "covers_until": _write_moment(erasure.covers_until),
        "does_not_cover": [
            {"host": host.name, "last_heard_of_at": _write_moment(host.seen_at)}
            for host in erasure.unreachable
        ],
        "erased": {name: erasure.counts.get(name, 0) for name in words.NOUNS},
        "size_bytes": erasure.size_bytes,
        "held_back": [
            {
                "replay": hold.replay_id,
                "hold": hold.name,
                "reason": hold.reason,
                "expires_at": _write_moment(hold.expires_at),
                "erased_at": _write_moment(hold.ended_at),
            }
            for hold in receipt.holds
        ],
        "verified_empty_at": _write_moment(erasure.verified_at),
        "finished_at": _write_moment(erasure.finished_at),
    }


def _build_row(erasure: Erasure, names: Mapping[PersonId, str]) -> ErasureRow:
    return ErasureRow(
        erasure_urls.erasure(erasure.id),
        words.describe_subject(erasure),
        erasure.project_name,
        erasure.requested_at,
        _name_person(erasure, names),
        words.STATE_WORDS[erasure.state],
        words.STATE_TONES.get(erasure.state),
    )


def _build_choice(name: PersonName, *, is_chosen: bool, is_shared: bool = False) -> NameChoice:
    return NameChoice(
        f"{name.kind.value}:{name.value}",
        KIND_WORDS[name.kind],
        name.value,
        is_chosen,
        is_shared,
        name.is_telling,
    )


def _name_person(erasure: Erasure, names: Mapping[PersonId, str]) -> str:
    if erasure.requested_by is None:
        return _COMMAND_LINE
    return names.get(erasure.requested_by, _GONE)


def _describe_steps(erasure: Erasure) -> tuple[tuple[str, str], ...]:
    """Say which steps are done: the one that is done now is the first named one not behind."""
    order: Sequence[str] = phases.PHASES[erasure.kind]
    place = len(order) if erasure.finished_at else order.index(erasure.phase)
    steps: list[tuple[str, str]] = []
    has_current = False
    for number, phase in enumerate(order):
        if phase not in _STEPS:
            continue
        state = "done" if number < place else "later" if has_current else "now"
        has_current = has_current or state == "now"
        steps.append((_STEPS[phase], state))
    return tuple(steps)


def _write_moment(at: datetime | None) -> str | None:
    return None if at is None else phrases.iso(at)
