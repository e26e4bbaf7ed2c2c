"""Reads the contents of the pages of alerts."""

from dataclasses import dataclass
from typing import Final

from app.alerts import rules, targets
from app.alerts.editing.edit_pictures import PictureSetting, read_picture_setting
from app.alerts.editing.scope import AlertScope
from app.alerts.model import AlertRule, AlertTarget
from app.db.engine import Database
from app.messages import outbox
from app.messages.model import LoggedMessage

RECENT: Final = 8
"""The messages of the log that the first page shows."""
PART: Final = 50
"""The messages of a page of the log."""


@dataclass(frozen=True, slots=True)
class AlertOverview:
    """The alerts of a project or of the server."""

    targets: tuple[AlertTarget, ...]
    rules: tuple[AlertRule, ...]
    messages: tuple[LoggedMessage, ...]
    """Messages of the log, the newest first."""
    pictures: PictureSetting | None
    """The setting for pictures in messages; None for the server."""
    before: int | None
    """The id from which older messages follow; None if there are none."""


async def read_overview(
    database: Database, scope: AlertScope, *, before: int | None = None, limit: int = RECENT
) -> AlertOverview:
    """Read the targets, the rules and a part of the log."""
    async with database.reading() as connection:
        found = await outbox.list_messages(
            connection, scope.project_id, before=before, limit=limit + 1
        )
        shown = found[:limit]
        return AlertOverview(
            tuple(await targets.list_targets(connection, scope.project_id)),
            tuple(await rules.list_rules(connection, scope.project_id)),
            tuple(shown),
            await read_picture_setting(connection, scope),
            shown[-1].id if len(found) > limit else None,
        )


async def read_rule(database: Database, scope: AlertScope, rule_id: int) -> AlertRule:
    """Return a rule to be changed.

    Raises:
        NotFound: There is no such rule.
    """
    async with database.reading() as connection:
        return await rules.get_rule(connection, scope.project_id, rule_id)


async def read_target(database: Database, scope: AlertScope, target_id: int) -> AlertTarget:
    """Return a target to be changed.

    Raises:
        NotFound: There is no such target.
    """
    async with database.reading() as connection:
        return await targets.get_target(connection, scope.project_id, target_id)
