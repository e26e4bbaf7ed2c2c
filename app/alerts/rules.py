"""Reads and writes rules."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Select,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts.model import SIGNALS, AlertRule, AlertRuleSettings, RuleKind
from app.alerts.tables import alert_rules
from app.core import clock
from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId
from app.messages import findings
from app.messages.wanted import replace_wanted

MOST_RULES: Final = 50
"""The most rules of a project, and of the server."""

HOUR: Final = timedelta(hours=1)
_MOST_RELEASES: Final = 10_000
_CRASHED_RELEASES: Final = text(
    """
    select distinct r.release
    from issue_releases r join issues i using (project_id, issue_id)
    where r.project_id = :project
      and (i.level = 'fatal'
           or i.kind in ('crash', 'native_crash', 'watchdog', 'anr', 'app_hang'))
    limit :most
    """
).bindparams(bindparam("project", type_=BigInteger()))

_columns: Final = alert_rules.c


async def add_rule(
    connection: AsyncConnection,
    project_id: ProjectId | None,
    kind: RuleKind,
    settings: AlertRuleSettings,
    target_ids: Collection[int],
    *,
    made_by: PersonId,
) -> AlertRule:
    """Add a rule; it finds what happens from now on."""
    rows = await connection.execute(
        insert(alert_rules)
        .values(
            project_id=project_id,
            kind=kind,
            settings=settings.to_json(),
            target_ids=sorted(target_ids),
            made_by=made_by,
        )
        .returning(alert_rules)
    )
    rule = _read_rule(rows.one())
    await note_wanted(connection, project_id)
    return rule


async def change_rule(
    connection: AsyncConnection,
    rule: AlertRule,
    *,
    settings: AlertRuleSettings,
    target_ids: Collection[int],
    is_on: bool,
    changed_by: PersonId | None = None,
) -> None:
    """Change a rule.

    Args:
        connection: The transaction of the caller.
        rule: The rule as it was.
        settings: Its new settings.
        target_ids: Its new targets.
        is_on: False to switch the rule off.
        changed_by: The person who limits the projects it tells of from now on; None for no change.
    """
    values: dict[str, Any] = {"settings": settings.to_json(), "target_ids": sorted(target_ids)}
    if changed_by is not None:
        values["made_by"] = changed_by
    await connection.execute(
        update(alert_rules).where(_columns.id == rule.id).values(is_on=is_on, **values)
    )
    await note_wanted(connection, rule.project_id)


async def mark_crashed_releases(connection: AsyncConnection, rule: AlertRule) -> None:
    """Mark all releases that have crashed already as known to a rule about first crashes."""
    if rule.kind is not RuleKind.FIRST_CRASH or rule.project_id is None:
        return
    rows = await connection.execute(
        _CRASHED_RELEASES, {"project": rule.project_id, "most": _MOST_RELEASES}
    )
    subjects = [f"{findings.LASTING}{row.release}"[:1_000] for row in rows]
    await findings.mark_known(connection, rule.id, subjects, at=clock.now())


async def delete_rule(connection: AsyncConnection, rule: AlertRule) -> None:
    """Delete a rule with its findings that are not told yet."""
    await connection.execute(delete(alert_rules).where(_columns.id == rule.id))
    await note_wanted(connection, rule.project_id)


async def take_reach(connection: AsyncConnection, target_id: int, person_id: PersonId) -> None:
    """Limit the rules of a target to the projects that the person who changed its address may read.

    Otherwise that person would be told of projects that only the maker of a rule may read.
    """
    await connection.execute(
        update(alert_rules)
        .where(literal(target_id) == any_(_columns.target_ids))
        .values(made_by=person_id)
    )


async def drop_target(connection: AsyncConnection, target_id: int) -> None:
    """Take a target out of all rules."""
    await connection.execute(
        update(alert_rules)
        .where(literal(target_id) == any_(_columns.target_ids))
        .values(target_ids=func.array_remove(_columns.target_ids, target_id))
    )


async def note_wanted(connection: AsyncConnection, project_id: ProjectId | None) -> None:
    """Tell digest which signals the rules of a project want."""
    if project_id is None:
        return
    rules = await list_rules(connection, project_id)
    await replace_wanted(
        connection,
        project_id,
        {SIGNALS[rule.kind] for rule in rules if rule.is_on and rule.kind in SIGNALS},
    )


async def list_rules(connection: AsyncConnection, project_id: ProjectId | None) -> list[AlertRule]:
    """Return the rules of a project or of the server, the oldest first."""
    return await _read_rules(connection, select(alert_rules).where(_is_of(project_id)))


async def list_rules_on(
    connection: AsyncConnection,
    kinds: Collection[RuleKind],
    *,
    project_ids: Collection[ProjectId] | None = None,
) -> list[AlertRule]:
    """Return the rules of some kinds that are on, of some projects or of all."""
    query = select(alert_rules).where(_columns.is_on, _columns.kind.in_(kinds))
    if project_ids is not None:
        query = query.where(_columns.project_id.in_(project_ids))
    return await _read_rules(connection, query)


async def get_rule(
    connection: AsyncConnection, project_id: ProjectId | None, rule_id: int
) -> AlertRule:
    """Return a rule of a project or of the server.

    Raises:
        NotFound: There is no such rule there.
    """
    found = await _read_rules(
        connection, select(alert_rules).where(_columns.id == rule_id, _is_of(project_id))
    )
    if not found:
        raise NotFound("there is no such alert")
    return found[0]


async def lock_rule(connection: AsyncConnection, rule_id: int) -> AlertRule | None:
    """Lock a rule before its findings are told; return None if another process has locked it."""
    query = select(alert_rules).where(_columns.id == rule_id)
    found = await _read_rules(connection, query.with_for_update(skip_locked=True, key_share=True))
    return found[0] if found else None


def _is_of(project_id: ProjectId | None) -> Any:
    return (
        _columns.project_id.is_(None) if project_id is None else (_columns.project_id == project_id)
    )


async def _read_rules(connection: AsyncConnection, query: Select[Any]) -> list[AlertRule]:
    """Read rules; kinds of a later release, which may run beside this one, are skipped."""
    rows = await connection.execute(query.where(_columns.kind.in_(list(RuleKind))))
    return sorted(map(_read_rule, rows), key=lambda rule: rule.id)


def _read_rule(row: Any) -> AlertRule:
    return AlertRule(
        row.id,
        None if row.project_id is None else ProjectId(row.project_id),
        RuleKind(row.kind),
        row.is_on,
        AlertRuleSettings.read(row.settings),
        tuple(row.target_ids),
        row.made_at,
        None if row.made_by is None else PersonId(row.made_by),
    )
