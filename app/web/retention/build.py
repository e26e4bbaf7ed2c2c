"""Turns the rules of a project into the values of their page."""

from collections.abc import Mapping

from app.core.days import OLD_DAY
from app.core.ids import PersonId
from app.memberships.model import ProjectAccess, Role
from app.projects.retention_rules import ProjectRules
from app.retention.receipts import DayReceipt
from app.retention.rules.change_rules import ProjectRetention, RulesPreview
from app.retention.rules.rules_form import RulesForm, write_form
from app.web.retention.page import ConfirmPage, EndedRow, KeptRow, KindRow, RetentionPage
from app.web.urls import replay_urls
from app.web.words.privacy import retention as words
from app.web.words.replay.holds import describe_hold_shortly

_GONE = "somebody who has left"
_COMMAND = "the command line"


def build_page(
    access: ProjectAccess,
    read: ProjectRetention,
    *,
    form: RulesForm | None = None,
    problem: str | None = None,
    is_of_rules: bool = False,
) -> RetentionPage:
    """Build the page of a project's rules.

    Args:
        access: The project, and the role of whoever looks at it.
        read: What is known.
        form: The typed values, if the page is shown again because of a problem.
        problem: The mistake to correct, if any.
        is_of_rules: True if the mistake is in a keep rule.
    """
    kinds = {total.kind: total for total in read.kinds if total.items or total.size_bytes}
    order = [*words.KIND_WORDS, *sorted(kinds.keys() - words.KIND_WORDS.keys())]
    known = [day for day in read.day_bytes if day != OLD_DAY]
    return RetentionPage(
        project_id=access.project.id,
        name=access.project.name,
        may_change=access.role.includes(Role.ADMIN),
        words=words.describe_rules(read.rules, read.server),
        counts_words=words.describe_counts_kept(read.rules, read.server, read.counts_wait_until),
        server_words=words.describe_days_kept(ProjectRules().effective_days(read.server)),
        longest_words=words.describe_days_kept(read.server.longest_days)
        if read.server.longest_days
        else None,
        form=form or write_form(read.rules),
        kinds=tuple(
            KindRow(words.describe_kind(kind), kinds[kind].items, kinds[kind].size_bytes)
            for kind in order
            if kind in kinds
        ),
        debug_files=sum(total.files for total in read.debug_files),
        debug_bytes=sum(total.stored_bytes for total in read.debug_files),
        size_bytes=sum(read.day_bytes.values()),
        limit_bytes=read.rules.limit_bytes,
        oldest_day=words.describe_day(min(known)) if known else None,
        pins=tuple(
            KeptRow(
                replay_urls.replay(pin.key.project_id, pin.key.replay_id),
                pin.key.replay_id,
                "Pinned",
                pin.pinned_at,
                name_person(pin.pinned_by, read.names),
            )
            for pin in read.pins
        ),
        pinned=read.pinned,
        holds=tuple(
            KeptRow(
                replay_urls.hold_replay(hold.key.project_id, hold.key.replay_id),
                hold.key.replay_id,
                f"{describe_hold_shortly(hold)}: {hold.reason}",
                hold.held_at,
                name_person(hold.held_by, read.names),
            )
            for hold in read.holds
        ),
        held=read.held,
        ended=tuple(build_ended_row(receipt) for receipt in read.receipts),
        problem=None if is_of_rules else problem,
        rules_problem=problem if is_of_rules else None,
    )


def build_confirmation(
    access: ProjectAccess,
    read: ProjectRetention,
    rules: ProjectRules,
    preview: RulesPreview,
    form: RulesForm,
) -> ConfirmPage:
    """Build the question before rules are saved."""
    estimate = preview.estimate
    return ConfirmPage(
        project_id=access.project.id,
        name=access.project.name,
        form=form,
        words=words.describe_rules(rules, read.server),
        by_age_and_bytes=words.describe_estimate(estimate) if estimate.first_day else None,
        by_keep_rules=words.describe_keep_estimate(preview.kept),
        deletes_at_once=preview.deletes_at_once,
        counted_days=words.describe_counted_days(estimate.counts) if estimate.counts else None,
        today=read.today,
    )


def build_ended_row(receipt: DayReceipt, *, project: str | None = None) -> EndedRow:
    """Build the row of a day that ended."""
    return EndedRow(
        words.describe_day(receipt.day),
        receipt.rule,
        receipt.replays,
        receipt.size_bytes,
        receipt.ended_at,
        is_swept=receipt.swept_at is not None,
        project=project,
    )


def name_person(person_id: PersonId | None, names: Mapping[PersonId, str]) -> str:
    """Name who did something."""
    return _COMMAND if person_id is None else names.get(person_id, _GONE)
