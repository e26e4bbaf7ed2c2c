"""Reads the privacy rules of a project, saves new ones, and says what they removed."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.accounts import queries as accounts
from app.administration.projects.record_action import record_action
from app.audit.model import Action
from app.core.errors import InvalidInput, ServiceUnavailable
from app.core.ids import PersonId
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role
from app.projects import privacy_rules
from app.projects.model import RemovalCount
from app.projects.privacy_rules import DEFAULT_PRIVACY, NEVER_SAVED, PrivacyRules, SavedRules
from app.projects.rule_cache import RuleCache
from app.scrub.rule_checks import check_rules
from app.scrub.rules import ScrubRules
from app.scrub.taps.checks import check_tap_rules, write_region
from app.scrub.taps.rules import TapRules

REMOVAL_DAYS: Final = 30
_SWITCHES: Final = {
    "scrub_ip": "IP addresses",
    "emails_in_text": "e-mails in text",
    "user_email": "e-mail of the user",
    "phones": "telephone numbers",
    "macs": "MAC addresses",
    "imeis": "IMEIs",
}
_MOST_DETAIL_CHARS: Final = 600


@dataclass(frozen=True, slots=True)
class ProjectPrivacyRules:
    """The privacy rules of a project, their versions, and what they removed lately."""

    saved: SavedRules
    versions: Sequence[SavedRules]
    """The newest first, the one that applies among them."""
    names: Mapping[PersonId, str]
    """Names of the people who saved versions, if they still have an account."""
    removals: Sequence[RemovalCount]


async def read_rule_settings(database: Database, access: ProjectAccess) -> ProjectPrivacyRules:
    """Return the privacy rules of a project for an admin of it.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    project_id = access.project.id
    async with database.reading() as connection:
        versions = await privacy_rules.list_rule_versions(connection, project_id)
        savers = sorted({version.saved_by for version in versions if version.saved_by})
        return ProjectPrivacyRules(
            versions[0] if versions else NEVER_SAVED,
            versions,
            await accounts.read_person_names(connection, savers),
            await privacy_rules.list_removals(connection, project_id, days=REMOVAL_DAYS),
        )


async def save_rules(
    database: Database,
    cache: RuleCache,
    access: ProjectAccess,
    rules: PrivacyRules,
    *,
    after_version: int,
) -> None:
    """Save new rules; they apply to what this process digests from now on.

    Args:
        database: The database with the rules.
        cache: The rules in memory of this process; other processes read them within seconds.
        access: The person who does it, and the project.
        rules: The new rules.
        after_version: The version that the person has changed.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        InvalidInput: The rules cannot be used, or somebody has saved others meanwhile.
    """
    access.require_role(Role.ADMIN)
    check_rules(rules.scrub)
    check_tap_rules(rules.taps)
    project_id = access.project.id
    async with database.transaction() as connection:
        saved = await privacy_rules.find_saved_rules(connection, project_id)
        if saved.version == after_version and saved.rules == rules:
            raise InvalidInput("these are the rules that apply already: nothing has changed")
        version = await privacy_rules.save_rules(
            connection, project_id, rules, after_version=after_version, saved_by=access.person.id
        )
        changes = describe_changes(saved.rules, rules)
        await record_action(
            connection,
            access,
            Action.PRIVACY_RULES_CHANGED,
            subject=version,
            detail={"changes": "; ".join(changes)[:_MOST_DETAIL_CHARS]},
        )
    with suppress(ServiceUnavailable):  # the rules are saved, and digest waits for Postgres as well
        await cache.refresh()


def describe_changes(before: PrivacyRules, after: PrivacyRules) -> list[str]:
    """Say in words what differs between two sets of rules."""
    return [
        *_describe_scrub_changes(before.scrub, after.scrub),
        *_describe_tap_changes(before.taps, after.taps),
    ]


def _describe_tap_changes(before: TapRules, after: TapRules) -> list[str]:
    changes = []
    if before.keypads != after.keypads:
        changes.append(f"hiding taps on keypads {'on' if after.keypads else 'off'}")
    for what, old, new in (
        ("screen", before.screens, after.screens),
        ("keypad view", before.views, after.views),
        ("region", _write_regions(before), _write_regions(after)),
    ):
        changes += [f"hidden {what} {name} added" for name in new if name not in old]
        changes += [f"hidden {what} {name} taken away" for name in old if name not in new]
    return changes


def _write_regions(rules: TapRules) -> tuple[str, ...]:
    return tuple(map(write_region, rules.regions))


def _describe_scrub_changes(before: ScrubRules, after: ScrubRules) -> list[str]:
    changes = [
        f"{words} {'on' if getattr(after, name) else 'off'}"
        for name, words in _SWITCHES.items()
        if getattr(before, name) != getattr(after, name)
    ]
    for what, old, new in (
        ("sensitive", before.sensitive_keys, after.sensitive_keys),
        ("safe", before.safe_keys, after.safe_keys),
    ):
        changes += [f"{what} name {name} added" for name in sorted(new - old)]
        changes += [f"{what} name {name} taken away" for name in sorted(old - new)]
    patterns_before = {own.name: own.pattern for own in before.patterns}
    patterns_after = {own.name: own.pattern for own in after.patterns}
    for name in sorted(patterns_before | patterns_after):
        if name not in patterns_before:
            changes.append(f"pattern {name} added")
        elif name not in patterns_after:
            changes.append(f"pattern {name} taken away")
        elif patterns_before[name] != patterns_after[name]:
            changes.append(f"pattern {name} changed")
    return changes


def describe_version(versions: Sequence[SavedRules], number: int) -> list[str]:
    """Say in words what a version in a list changed, compared with the one before it."""
    before = versions[number + 1].rules if number + 1 < len(versions) else DEFAULT_PRIVACY
    return describe_changes(before, versions[number].rules)
