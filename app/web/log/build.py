"""Turns lines of the log into the values of its page."""

from collections.abc import Callable
from datetime import date
from typing import Final

from app.accounts.model import Person
from app.administration.audit_log.export_log import LogFormat
from app.administration.audit_log.read_log import LogNames, LogPart, LogQuery, person_acted_on
from app.audit.kinds import LogKind
from app.audit.log_queries import LogEntry
from app.audit.model import Action
from app.core import ids
from app.core.ids import EventId, IssueId, ProjectId, ReplayId, TraceId
from app.projects.model import Project
from app.web.frame.cursors import write_cursor
from app.web.log.page import AuditLogRow, KindOption, LogForm, LogLink, LogPage
from app.web.log.words import KIND_LABELS, describe_action, describe_facts
from app.web.urls import issue_urls, project_urls, replay_urls, server_urls

_GONE: Final = "somebody who has left"
_PROGRAM: Final = "Playhead"
_STRANGER: Final = "Somebody with a link"
_SOME_PROGRAM: Final = "An API token"
_PERSON_CHARS: Final = 200
_SHOWN_DIGITS: Final = 12


class LogAddresses:
    """The addresses of one log: that of a project, or of the server."""

    def __init__(self, project: Project | None, query: LogQuery) -> None:
        self._project = project
        self._pairs = _write_query(query)

    @property
    def start(self) -> str:
        """Return the log without filters."""
        return self._write({})

    def page(self, **cursor: str) -> str:
        """Return a page of the log as it is filtered now."""
        return self._write({**self._pairs, **cursor})

    def export(self, form: LogFormat) -> str:
        """Return the file of the log as it is filtered now."""
        if self._project is None:
            return server_urls.export_server_log(form, **self._pairs)
        return project_urls.export_project_log(self._project.id, form, **self._pairs)

    def of_person(self, person: Person) -> str:
        """Return the log of what somebody did."""
        name = person.email if self._project is None else person.name
        return self._write({"person": name[:_PERSON_CHARS]})

    def _write(self, pairs: dict[str, str]) -> str:
        if self._project is None:
            return server_urls.server_log(**pairs)
        return project_urls.project_log(self._project.id, **pairs)


def build_log_page(
    part: LogPart, query: LogQuery, *, project: Project | None, problem: str | None = None
) -> LogPage:
    """Build a page of the log.

    Args:
        part: The lines.
        query: The filters.
        project: The project whose log it is; None for that of the server.
        problem: What to correct in the filters.
    """
    addresses = LogAddresses(project, query)
    page = part.page
    of_replay = project is not None and query.replay_id is not None
    return LogPage(
        title="Log",
        project_id=project.id if project else None,
        name=project.name if project else "",
        form=_build_form(query, addresses, is_server=project is None),
        rows=tuple(
            _build_row(entry, part.names, addresses, is_server=project is None)
            for entry in page.rows
        ),
        is_filtered=query != LogQuery(),
        clear_href=addresses.start,
        back_href=addresses.page(before=write_cursor(page.back)) if page.back else None,
        next_href=addresses.page(after=write_cursor(page.next)) if page.next else None,
        csv_href=addresses.export(LogFormat.CSV),
        json_href=addresses.export(LogFormat.JSON_LINES),
        replay_href=replay_urls.replay(project.id, query.replay_id)
        if project and query.replay_id and of_replay
        else None,
        problem=problem,
    )


def _build_form(query: LogQuery, addresses: LogAddresses, *, is_server: bool) -> LogForm:
    return LogForm(
        action=addresses.start,
        person=query.person,
        person_hint="Name or e-mail" if is_server else "Name",
        since=_write_day(query.since),
        until=_write_day(query.until),
        replay=query.replay_id or "",
        kinds=tuple(KindOption(kind, KIND_LABELS[kind], kind is query.kind) for kind in LogKind),
    )


def _build_row(
    entry: LogEntry, names: LogNames, addresses: LogAddresses, *, is_server: bool
) -> AuditLogRow:
    actor = names.people.get(entry.person_id) if entry.person_id else None
    person = LogLink(_name_nobody(entry) if entry.person_id is None else _GONE)
    if actor is not None:
        person = LogLink(actor.name, addresses.of_person(actor))
    return AuditLogRow(
        entry.at,
        person,
        describe_action(entry.action),
        _link_subject(entry, names, addresses),
        _link_project(entry, names) if is_server else None,
        describe_facts(entry.detail),
    )


def _name_nobody(entry: LogEntry) -> str:
    """Name who did something without an account; what has no other name, the program did."""
    if "share" in entry.detail and "address" in entry.detail:
        return _STRANGER
    name = entry.detail.get("name" if entry.action == Action.TOKEN_USED else "token")
    if name:
        return f"Token {name}"
    is_upload = entry.action == Action.DEBUG_FILES_UPLOADED and entry.subject is not None
    return _SOME_PROGRAM if is_upload else _PROGRAM


def _link_project(entry: LogEntry, names: LogNames) -> LogLink | None:
    if entry.project_id is None:
        return None
    name = names.projects.get(entry.project_id)
    if name is None:
        return LogLink(f"project {entry.project_id}, deleted")
    return LogLink(name, project_urls.project(entry.project_id))


def _link_subject(entry: LogEntry, names: LogNames, addresses: LogAddresses) -> LogLink | None:
    if entry.subject is None:
        return None
    person_id = person_acted_on(entry)
    if person_id is not None:
        person = names.people.get(person_id)
        return LogLink(person.name, addresses.of_person(person)) if person else LogLink(_GONE)
    subject = ids.read_hex32(entry.subject)
    if subject is None:
        return LogLink(f"no. {entry.subject}" if entry.subject.isdecimal() else entry.subject)
    for prefix, link in _SUBJECT_LINKS:
        if entry.action.startswith(prefix) and entry.project_id is not None:
            return LogLink(subject[:_SHOWN_DIGITS], link(entry.project_id, subject), is_id=True)
    return LogLink(subject[:_SHOWN_DIGITS], is_id=True)


def _link_replay(project_id: ProjectId, replay_id: str) -> str:
    return replay_urls.replay(project_id, ReplayId(replay_id))


def _link_issue(project_id: ProjectId, issue_id: str) -> str:
    return issue_urls.issue(project_id, IssueId(issue_id))


def _link_event(project_id: ProjectId, event_id: str) -> str:
    return issue_urls.event(project_id, EventId(event_id))


def _link_trace(_project_id: ProjectId, trace_id: str) -> str:
    return replay_urls.trace(TraceId(trace_id))


_SUBJECT_LINKS: Final[tuple[tuple[str, Callable[[ProjectId, str], str]], ...]] = (
    ("replay_", _link_replay),
    ("hold_", _link_replay),
    ("share_", _link_replay),
    ("clip_", _link_replay),
    ("issue_", _link_issue),
    ("file_", _link_event),
    ("trace_", _link_trace),
)
"""Links to what a line was done to, by the first word of its action."""


def _write_query(query: LogQuery) -> dict[str, str]:
    return {
        "person": query.person,
        "kind": query.kind or "",
        "since": _write_day(query.since),
        "until": _write_day(query.until),
        "replay": query.replay_id or "",
    }


def _write_day(day: date | None) -> str:
    return day.isoformat() if day else ""
