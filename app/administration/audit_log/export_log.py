"""Exports the log, filtered like its page: as CSV for spreadsheets, or a JSON object a line.

The whole log may be long, so it is read and sent a part at a time, each by its own connection.
"""

import csv
import io
import json
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any, Final

from app.administration.audit_log.read_log import (
    LogNames,
    LogQuery,
    LogReader,
    make_filters,
    person_acted_on,
    read_names,
)
from app.audit import writes as audit
from app.audit.log_queries import LogEntry, LogFilters, list_log
from app.audit.model import Action
from app.db.lists import ListCursor

PART_LINES: Final = 1_000
_COLUMNS: Final = (
    "at", "person_id", "person", "person_email", "action", "project_id", "project", "subject",
    "subject_name", "detail",
)  # fmt: skip
_FORMULA_SIGNS: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)
"""Spreadsheets take a cell for a formula that begins with one of these, also in full width.

Source: OWASP, CSV Injection.
"""


class LogFormat(StrEnum):
    """The form of an exported log."""

    CSV = "csv"
    JSON_LINES = "jsonl"


async def export_log(reader: LogReader, query: LogQuery, form: LogFormat) -> AsyncIterator[bytes]:
    """Record who takes the log, and return its lines, the newest first.

    The first part is read before this returns, so that a database that does not answer is an error
    and not a file without lines.
    """
    async with reader.database.transaction() as connection:
        filters = await make_filters(connection, reader, query)
        detail = {"format": form.value, **_describe_query(query)}
        await audit.add_audit_line(
            connection,
            Action.LOG_EXPORTED,
            person_id=reader.person.id,
            project_id=reader.project_id,
            detail=detail,
        )
    parts = _write_parts(reader, filters, form)
    first = await anext(parts)
    return _continue(first, parts)


async def _continue(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in parts:
        yield part


async def _write_parts(
    reader: LogReader, filters: LogFilters, form: LogFormat
) -> AsyncIterator[bytes]:
    cursor: ListCursor | None = None
    header = _write_csv([dict(zip(_COLUMNS, _COLUMNS, strict=True))])
    lead = header if form is LogFormat.CSV else b""
    while True:
        async with reader.database.reading() as connection:
            run = await list_log(connection, filters, cursor=cursor, limit=PART_LINES)
            names = await read_names(connection, run.rows)
        is_server = reader.project_id is None
        lines = [_describe_entry(entry, names, with_emails=is_server) for entry in run.rows]
        yield lead + (_write_csv(lines) if form is LogFormat.CSV else _write_json(lines))
        lead = b""
        if not run.has_more:
            return
        cursor = run.rows[-1].key


def _describe_entry(entry: LogEntry, names: LogNames, *, with_emails: bool) -> dict[str, Any]:
    """Describe a line; addresses are for admins of the server."""
    actor = names.people.get(entry.person_id) if entry.person_id else None
    acted_on = person_acted_on(entry)
    subject = names.people.get(acted_on) if acted_on else None
    return {
        "at": entry.at.isoformat(),
        "person_id": entry.person_id,
        "person": actor.name if actor else None,
        "person_email": actor.email if actor and with_emails else None,
        "action": entry.action,
        "project_id": entry.project_id,
        "project": names.projects.get(entry.project_id) if entry.project_id else None,
        "subject": entry.subject,
        "subject_name": subject.name if subject else None,
        "detail": dict(entry.detail),
    }


def _write_csv(lines: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    for line in lines:
        writer.writerow([_write_cell(line[name]) for name in _COLUMNS])
    return text.getvalue().encode()


def _write_cell(value: object) -> str:
    if value is None:
        return ""
    cell = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell


def _write_json(lines: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode()


def _describe_query(query: LogQuery) -> dict[str, str]:
    """Describe the filters of an export; a name that was searched for is not kept."""
    filters = {
        "person": "one" if query.person else "",
        "kind": query.kind or "",
        "since": query.since.isoformat() if query.since else "",
        "until": query.until.isoformat() if query.until else "",
        "replay": query.replay_id or "",
    }
    return {name: str(value) for name, value in filters.items() if value}
