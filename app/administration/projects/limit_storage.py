"""Limits the bytes that a project may have in object storage."""

import re
from typing import Final

from app.administration.projects.record_action import record_action
from app.audit.model import Action
from app.core.errors import InvalidInput
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role
from app.projects import spending

_GIB: Final = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?")


async def limit_storage(database: Database, access: ProjectAccess, limit_gib: str) -> None:
    """Limit the storage of a project, or lift its limit.

    Args:
        database: Where projects are.
        access: Who does it, and the project.
        limit_gib: A number of GiB as a person typed it; empty to lift the limit.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        InvalidInput: It is not a number of GiB.
    """
    access.require_role(Role.ADMIN)
    limit_bytes = _read_gib(limit_gib)
    async with database.transaction() as connection:
        await spending.set_storage_limit(connection, access.project.id, limit_bytes)
        await record_action(
            connection,
            access,
            Action.PROJECT_CHANGED,
            detail={"stored_bytes_limit": limit_bytes},
        )


def _read_gib(typed: str) -> int | None:
    """Return the bytes of a number of GiB, or None for an empty text.

    Raises:
        InvalidInput: It is not a number.
    """
    if not typed.strip():
        return None
    number = _GIB.fullmatch(typed.strip().replace(",", "."))
    if number is None:
        raise InvalidInput("the limit is a number of GiB such as 50 or 0.5, or empty for no limit")
    return round(float(number[0]) * 2**30)
