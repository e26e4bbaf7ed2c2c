"""Records failed sign-ins in the audit log: one line for an account and a quarter of an hour.

Lines of the audit log stay for a year and cannot be deleted. With a line for each failure, a
flood of guesses would add two million a day.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import attempts
from app.audit import writes as audit
from app.audit.model import Action


async def record_failures(connection: AsyncConnection) -> int:
    """Move the attempts that no longer count into the audit log.

    An address that nobody has is not recorded: it may be a password in the wrong field.

    Returns:
        How many lines were added.
    """
    summaries = await attempts.take_old_failures(connection)
    for summary in summaries:
        await audit.add_audit_line(
            connection,
            Action.SIGN_IN_FAILED,
            person_id=summary.person_id,
            detail={
                "times": summary.failures,
                "address": summary.network,
                "addresses": summary.networks,
                "first_at": summary.first_at.isoformat(timespec="seconds"),
                "last_at": summary.last_at.isoformat(timespec="seconds"),
            },
        )
    return len(summaries)
