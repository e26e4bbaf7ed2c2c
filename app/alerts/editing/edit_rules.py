"""Adds, changes, switches and deletes rules."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts import conditions, rules, targets
from app.alerts.editing.rule_form import read_rule_form
from app.alerts.editing.scope import AlertScope
from app.alerts.model import AlertRule, RuleKind
from app.audit.model import Action
from app.core.errors import InvalidInput, NotFound
from app.db.engine import Database
from app.messages import findings


def read_kind(scope: AlertScope, kind: str) -> RuleKind:
    """Read the kind of a rule, which must exist in the scope.

    Raises:
        NotFound: There is none of this name.
    """
    if kind not in {each.value for each in scope.kinds}:
        raise NotFound("there is no such kind of alerts")
    return RuleKind(kind)


async def add_rule(
    database: Database,
    scope: AlertScope,
    kind: RuleKind,
    fields: Mapping[str, str],
    target_ids: Collection[str],
) -> AlertRule:
    """Add a rule as a form describes it.

    Raises:
        InvalidInput: A field cannot be used, no target is chosen, or there are too many rules.
    """
    settings = read_rule_form(kind, fields)
    async with database.transaction() as connection:
        chosen = await _choose_targets(connection, scope, target_ids)
        if len(await rules.list_rules(connection, scope.project_id)) >= rules.MOST_RULES:
            raise InvalidInput(f"there are at most {rules.MOST_RULES} alerts")
        rule = await rules.add_rule(
            connection, scope.project_id, kind, settings, chosen, made_by=scope.person.id
        )
        await rules.mark_crashed_releases(connection, rule)
        await scope.record(connection, Action.ALERT_RULE_ADDED, rule.id, {"kind": kind.value})
    return rule


async def change_rule(
    database: Database,
    scope: AlertScope,
    rule_id: int,
    fields: Mapping[str, str],
    target_ids: Collection[str],
) -> None:
    """Change a rule as a form describes it. From now on it tells only what this person may see.

    Raises:
        NotFound: There is no such rule.
        InvalidInput: A field cannot be used, or no target is chosen.
    """
    async with database.transaction() as connection:
        rule = await rules.get_rule(connection, scope.project_id, rule_id)
        settings = read_rule_form(rule.kind, fields)
        chosen = await _choose_targets(connection, scope, target_ids)
        await rules.change_rule(
            connection,
            rule,
            settings=settings,
            target_ids=chosen,
            is_on=rule.is_on,
            changed_by=scope.person.id,
        )
        await scope.record(
            connection, Action.ALERT_RULE_CHANGED, rule.id, {"kind": rule.kind.value}
        )


async def switch_rule(database: Database, scope: AlertScope, rule_id: int, *, is_on: bool) -> None:
    """Switch a rule on or off; its findings that are not told yet are dropped.

    Raises:
        NotFound: There is no such rule.
    """
    async with database.transaction() as connection:
        rule = await rules.get_rule(connection, scope.project_id, rule_id)
        await rules.change_rule(
            connection, rule, settings=rule.settings, target_ids=rule.target_ids, is_on=is_on
        )
        if is_on:
            await rules.mark_crashed_releases(connection, replace(rule, is_on=True))
        else:
            await findings.drop_untold(connection, rule.id)
            await conditions.end_conditions(connection, rule.id, holding=())
        await scope.record(
            connection,
            Action.ALERT_RULE_CHANGED,
            rule.id,
            {"kind": rule.kind.value, "on": is_on},
        )


async def delete_rule(database: Database, scope: AlertScope, rule_id: int) -> None:
    """Delete a rule.

    Raises:
        NotFound: There is no such rule.
    """
    async with database.transaction() as connection:
        rule = await rules.get_rule(connection, scope.project_id, rule_id)
        await rules.delete_rule(connection, rule)
        await scope.record(
            connection, Action.ALERT_RULE_DELETED, rule.id, {"kind": rule.kind.value}
        )


async def _choose_targets(
    connection: AsyncConnection, scope: AlertScope, target_ids: Collection[str]
) -> list[int]:
    """Return the chosen targets that belong to the scope.

    Raises:
        InvalidInput: None of them does.
    """
    known = await targets.list_targets(connection, scope.project_id)
    chosen = [target.id for target in known if str(target.id) in target_ids]
    if not chosen:
        raise InvalidInput("choose where messages go")
    return chosen
