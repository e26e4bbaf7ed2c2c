"""Takes a dead process from the list of processes, when its journal is lost for good."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action, ActionFact
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PersonId
from app.core.log import shown
from app.processes import records

_FEWEST_DIGITS: Final = 8


async def forget_dead_process(
    connection: AsyncConnection,
    id_or_digits: str,
    *,
    person_id: PersonId | None,
    heartbeat_s: float,
    silent_after_s: float,
) -> None:
    """Remove the row of a process that does not run any more, and record who did it.

    If its data folder comes back after all, the process that starts there digests it all the same.

    Args:
        connection: The transaction of the caller, who commits afterwards.
        id_or_digits: The id of the process, or its first digits, eight at least.
        person_id: The person who asks; None for the command line.
        heartbeat_s: The pause between two heartbeats.
        silent_after_s: The silence after which a process counts as dead.

    Raises:
        NotFound: There is no such process.
        InvalidInput: It runs, or the digits are too few to tell it from others.
    """
    known = await records.list_processes(
        connection, heartbeat_s=heartbeat_s, silent_after_s=silent_after_s
    )
    if len(id_or_digits) < _FEWEST_DIGITS:
        raise InvalidInput(f"give at least {_FEWEST_DIGITS} digits of the id of a process")
    meant = [each for each in known if each.identity.process_id.startswith(id_or_digits)]
    if not meant:
        raise NotFound(f"no process {shown(id_or_digits)}")
    if len(meant) > 1:
        raise InvalidInput(f"{len(meant)} processes have ids that begin so; give more digits")
    (record,) = meant
    if record.is_running:
        raise InvalidInput(
            f"process {record.identity.pid} on {record.identity.host} runs, or died less than "
            f"{silent_after_s:.0f} s ago"
        )
    await records.delete_process(connection, record.identity.process_id)
    detail: dict[str, ActionFact] = {
        "host": record.identity.host,
        "envelopes": record.condition.backlog_entries,
    }
    if person_id is None:
        detail["by"] = "command line"
    await audit.add_audit_line(
        connection,
        Action.PROCESS_FORGOTTEN,
        person_id=person_id,
        subject=record.identity.process_id,
        detail=detail,
    )
