"""The privacy rules of projects: what is removed from their data before it is stored.

Each change is a new version, which stays: so it can be told later by which rules a replay was
stored. A project without a version has the default rules.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Date, func, literal_column, select
from sqlalchemy.dialects.postgresql import distinct_on, insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import log
from app.core.errors import InvalidInput
from app.core.ids import PersonId, ProjectId
from app.db.partitions.days import TODAY_SQL
from app.db.rows import RowShape, run_with_rows
from app.db.text import clean_json
from app.projects.model import RemovalCount, RemovalKey
from app.projects.tables import privacy_rules, removal_counts
from app.scrub.rules import CLOSED_RULES, DEFAULT_RULES, ScrubRules
from app.scrub.taps.rules import CLOSED_TAP_RULES, NO_TAP_RULES, TapRules

_MOST_VERSIONS: Final = 20
"""The versions that a page lists."""
_MOST_COUNTS: Final = 1_000

_REMOVALS: Final = RowShape.of_table(removal_counts, ("project_id", "day", "rule", "quantity"))
_ADD_REMOVALS: Final = f"""
    insert into removal_counts as kept ({_REMOVALS.columns}) select * from {_REMOVALS.source}
    on conflict (project_id, day, rule) do update set quantity = kept.quantity + excluded.quantity
    """  # noqa: S608 - made of the names of columns

_logger: Final = log.get_logger("projects.privacy_rules")


class PrivacyRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All privacy rules of one project."""

    scrub: ScrubRules = DEFAULT_RULES
    taps: TapRules = NO_TAP_RULES


DEFAULT_PRIVACY: Final = PrivacyRules()
CLOSED_PRIVACY: Final = PrivacyRules(CLOSED_RULES, CLOSED_TAP_RULES)
"""The rules of a project whose saved rules cannot be read: no text and no tap is let through."""


class SavedRules(msgspec.Struct, frozen=True):
    """A version of the rules of a project, and who saved it."""

    version: int
    """Counts from 1; 0 stands for the default rules, which nobody has saved."""
    rules: PrivacyRules
    saved_at: datetime | None = None
    saved_by: PersonId | None = None


NEVER_SAVED: Final = SavedRules(0, DEFAULT_PRIVACY)


def decode_rules(text: str) -> PrivacyRules:
    """Read saved rules; those that this release cannot read let no text through."""
    try:
        return msgspec.json.decode(text, type=PrivacyRules)
    except msgspec.DecodeError as error:
        _logger.exception("privacy_rules_unreadable", error=str(error))
        return CLOSED_PRIVACY


def encode_rules(rules: PrivacyRules) -> str:
    """Write rules as they are saved; the same rules give the same text."""
    plain = clean_json(msgspec.to_builtins(rules, order="deterministic"))
    return msgspec.json.encode(plain, order="deterministic").decode()


async def read_all_rules(
    connection: AsyncConnection,
) -> dict[ProjectId, tuple[int, str]]:
    """Return the newest version of each project that has saved rules, and its text."""
    rows = await connection.execute(
        select(privacy_rules.c.project_id, privacy_rules.c.version, privacy_rules.c.rules)
        .ext(distinct_on(privacy_rules.c.project_id))
        .order_by(privacy_rules.c.project_id, privacy_rules.c.version.desc())
    )
    return {ProjectId(row.project_id): (row.version, row.rules) for row in rows}


async def find_saved_rules(connection: AsyncConnection, project_id: ProjectId) -> SavedRules:
    """Return the rules of a project that apply now."""
    versions = await list_rule_versions(connection, project_id, limit=1)
    return versions[0] if versions else NEVER_SAVED


async def list_rule_versions(
    connection: AsyncConnection, project_id: ProjectId, *, limit: int = _MOST_VERSIONS
) -> list[SavedRules]:
    """Return the saved versions of a project's rules, the newest first."""
    rows = await connection.execute(
        select(
            privacy_rules.c.version,
            privacy_rules.c.rules,
            privacy_rules.c.saved_at,
            privacy_rules.c.saved_by,
        )
        .where(privacy_rules.c.project_id == project_id)
        .order_by(privacy_rules.c.version.desc())
        .limit(limit)
    )
    return [
        SavedRules(row.version, decode_rules(row.rules), row.saved_at, row.saved_by) for row in rows
    ]


async def save_rules(
    connection: AsyncConnection,
    project_id: ProjectId,
    rules: PrivacyRules,
    *,
    after_version: int,
    saved_by: PersonId,
) -> int:
    """Save a new version of a project's rules, and return its number.

    Args:
        connection: The transaction of the caller.
        project_id: The project.
        rules: Checked rules.
        after_version: The version that the person has changed.
        saved_by: The person.

    Raises:
        InvalidInput: Somebody else has saved a version since.
    """
    newest = await connection.scalar(
        select(func.coalesce(func.max(privacy_rules.c.version), 0)).where(
            privacy_rules.c.project_id == project_id
        )
    )
    version = after_version + 1
    added = None
    if newest == after_version:
        added = await connection.scalar(
            upsert(privacy_rules)
            .values(
                project_id=project_id,
                version=version,
                rules=encode_rules(rules),
                saved_by=saved_by,
            )
            .on_conflict_do_nothing()
            .returning(privacy_rules.c.version)
        )
    if added is None:
        raise InvalidInput(
            "somebody has saved other rules meanwhile: open this page again and make your change"
        )
    return version


async def add_removals(connection: AsyncConnection, counts: Mapping[RemovalKey, int]) -> None:
    """Add to the counts of what rules removed."""
    if not counts:
        return
    # Sorted, so that two processes lock rows in the same order.
    rows = [
        {"project_id": key.project_id, "day": key.day, "rule": key.rule, "quantity": quantity}
        for key, quantity in sorted(counts.items())
    ]
    await run_with_rows(connection, _ADD_REMOVALS, _REMOVALS, rows)


async def list_removals(
    connection: AsyncConnection, project_id: ProjectId, *, days: int
) -> list[RemovalCount]:
    """Return how much each rule removed in the last days, the most first."""
    quantity = func.sum(removal_counts.c.quantity).label("quantity")
    rows = await connection.execute(
        select(removal_counts.c.rule, quantity)
        .where(
            removal_counts.c.project_id == project_id,
            removal_counts.c.day > literal_column(TODAY_SQL, Date) - days,
        )
        .group_by(removal_counts.c.rule)
        .order_by(quantity.desc(), removal_counts.c.rule)
        .limit(_MOST_COUNTS)
    )
    return [RemovalCount(row.rule, int(row.quantity)) for row in rows]
