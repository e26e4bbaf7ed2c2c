"""Adds new events to the counts of their issues, in one statement for a whole batch.

    new events ─ fold by issue ─► one row each ─► issues       first, last, events, users, replays
                                             ├──► issue_hours  events by hour
                                             └──► issue_users, issue_replays, issue_releases

Everything is a minimum, a maximum, or a count of rows that were not there before, so the result
depends on neither order nor repetition. Only the reopening of a resolved issue looks at its state.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final, Protocol

import asyncpg
from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.db.rows import RowShape, run_with_rows
from app.db.text import clean, clean_or_none
from app.formats.events import release_order
from app.issues.grouping import rules
from app.issues.model import NO_CHANGES, IssueChanges, IssueKey, NewEvent
from app.issues.tables import issues

_TEXT_BYTES: Final = 1_024
OLDEST: Final = timedelta(days=30)
"""A phone may have been off for that long; an older time comes from a wrong clock."""
USER_NAMES: Final = ("id", "email", "username", "ip_address")
"""The names of a user by which events are counted, the most reliable one first."""


class EventTimes(Protocol):
    """The times of an event: of a new one, a stored one, or a row of its table."""

    @property
    def at(self) -> datetime: ...
    @property
    def drift_ms(self) -> int: ...
    @property
    def received_at(self) -> datetime: ...


class GroupedEvent(Protocol):
    """An event with the keys of its issue."""

    @property
    def project_id(self) -> ProjectId: ...
    @property
    def issue_ids(self) -> tuple[IssueId, ...]: ...


_AT: Final = "timestamptz"
_ISSUE_TYPES: Final = {
    "project_id": "bigint", "issue_id": "uuid",
    "first_seen_at": _AT, "first_event_id": "uuid", "first_release": "text",
    "last_seen_at": _AT, "last_event_id": "uuid", "last_release": "text",
    "level": "text", "kind": "text", "title": "text", "culprit": "text", "platform": "text",
    "events": "bigint",
}  # fmt: skip
_FACET_TYPES: Final = {
    "hours": "timestamptz[]", "hour_events": "bigint[]",
    "user_hashes": "uuid[]", "replay_ids": "uuid[]", "releases": "text[]",
}  # fmt: skip
"""Columns of what is counted in tables beside that of issues."""
_NEW: Final = RowShape(_ISSUE_TYPES | _FACET_TYPES)
_ADD: Final = f"""
    with new as (select * from {_NEW.source}),
    hours as (
        insert into issue_hours as h (project_id, issue_id, hour, events)
        select n.project_id, n.issue_id, o.hour, o.events
        from new n cross join unnest(n.hours, n.hour_events) as o (hour, events) order by 1, 2, 3
        on conflict (project_id, issue_id, hour) do update set events = h.events + excluded.events
    ),
    users as (
        insert into issue_users (project_id, issue_id, user_hash)
        select n.project_id, n.issue_id, o.user_hash
        from new n cross join unnest(n.user_hashes) as o (user_hash) order by 1, 2, 3
        on conflict do nothing returning project_id, issue_id
    ),
    named as (
        insert into issue_replays (project_id, issue_id, replay_id)
        select n.project_id, n.issue_id, o.replay_id
        from new n cross join unnest(n.replay_ids) as o (replay_id) order by 1, 2, 3
        on conflict do nothing returning project_id, issue_id
    ),
    shipped as (
        insert into issue_releases (project_id, issue_id, release)
        select n.project_id, n.issue_id, o.release
        from new n cross join unnest(n.releases) as o (release) order by 1, 2, 3
        on conflict do nothing
    )
    insert into issues as i ({", ".join(_ISSUE_TYPES)}, grouping_version, users, replays)
    select {", ".join(f"n.{name}" for name in _ISSUE_TYPES)}, {rules.GROUPING_VERSION},
        (select count(*) from users u
         where u.project_id = n.project_id and u.issue_id = n.issue_id),
        (select count(*) from named r
         where r.project_id = n.project_id and r.issue_id = n.issue_id)
    -- In one order, so that two processes do not wait for one another.
    from new n order by n.project_id, n.issue_id
    on conflict (project_id, issue_id) do update set
        (first_seen_at, first_event_id, first_release) = (
            select f.* from (values
                (i.first_seen_at, i.first_event_id, i.first_release),
                (excluded.first_seen_at, excluded.first_event_id, excluded.first_release)
            ) as f (at, event_id, release) order by at, event_id limit 1
        ),
        (last_seen_at, last_event_id, last_release, level, kind, title, culprit, platform) = (
            select l.* from (values
                (i.last_seen_at, i.last_event_id, i.last_release, i.level, i.kind, i.title,
                 i.culprit, i.platform),
                (excluded.last_seen_at, excluded.last_event_id, excluded.last_release,
                 excluded.level, excluded.kind, excluded.title, excluded.culprit,
                 excluded.platform)
            ) as l (at, event_id, release, level, kind, title, culprit, platform)
            order by at desc, event_id desc limit 1
        ),
        events = i.events + excluded.events,
        users = i.users + excluded.users,
        replays = i.replays + excluded.replays
    returning i.project_id, i.issue_id, i.status, i.status_at, i.resolved_release,
        (i.xmax = 0) as is_new
    """  # noqa: S608 - joined from constants


async def choose_issues(connection: AsyncConnection, new: Sequence[GroupedEvent]) -> list[IssueId]:
    """Choose the issue of each event, in the order given.

    An event stays with the issue that an older version of the rules gave it, if there is one;
    otherwise the newest version decides.
    """
    older = {(event.project_id, issue_id) for event in new for issue_id in event.issue_ids[1:]}
    existing: set[IssueKey] = set()
    if older:
        rows = await connection.execute(
            select(issues.c.project_id, issues.c.issue_id).where(
                tuple_(issues.c.project_id, issues.c.issue_id).in_(sorted(older))
            )
        )
        existing = {(ProjectId(row.project_id), IssueId(row.issue_id)) for row in rows}
    return [
        next(
            (key for key in event.issue_ids[:0:-1] if (event.project_id, key) in existing),
            event.issue_ids[0],
        )
        for event in new
    ]


async def count_events(
    connection: AsyncConnection,
    new: Sequence[tuple[NewEvent, IssueId]],
    *,
    may_reopen: bool = True,
) -> IssueChanges:
    """Count events that were stored just now, and reopen the issues that they bring back.

    Args:
        connection: The connection of the transaction that stored them.
        new: Each event once, with its issue.
        may_reopen: True if they may bring an issue back. Events that come from another issue may
            not: they did not happen again.

    Returns:
        The issues that they have begun or brought back.
    """
    by_issue: defaultdict[IssueKey, list[NewEvent]] = defaultdict(list)
    for event, issue_id in new:
        by_issue[event.project_id, issue_id].append(event)
    if not by_issue:
        return NO_CHANGES
    rows = [_fold_events(key, events) for key, events in by_issue.items()]
    begun: list[IssueKey] = []
    reopened: list[IssueKey] = []
    for row in await run_with_rows(connection, _ADD, _NEW, rows):
        key = ProjectId(row["project_id"]), IssueId(row["issue_id"].hex)
        if row["is_new"]:
            begun.append(key)
        elif may_reopen and row["status"] == "resolved" and _reopens_issue(row, by_issue[key]):
            reopened.append(key)
    if reopened:
        await connection.execute(
            update(issues)
            .where(tuple_(issues.c.project_id, issues.c.issue_id).in_(reopened))
            .values(status="open", is_regressed=True, status_at=None)
        )
    ends = {(row["project_id"], row["issue_id"]): row for row in rows}
    return IssueChanges(
        tuple((key, EventId(ends[key]["first_event_id"])) for key in begun),
        tuple((key, EventId(ends[key]["last_event_id"])) for key in reopened),
    )


def find_seen_at(event: "EventTimes") -> datetime:
    """Return when an event happened by the server's clock, which is not after it was received.

    A time more than thirty days before that does not count; then it is the time of receipt.
    """
    at = event.at + timedelta(milliseconds=event.drift_ms)
    return at if event.received_at - OLDEST <= at <= event.received_at else event.received_at


def is_after_resolution(
    release: str | None, seen_at: datetime, *, resolved_release: str | None, resolved_at: datetime
) -> bool:
    """Tell whether an event happened after its issue was resolved, in a later release.

    Where releases have no order, such as commits, an event of any other release counts that
    happened after the issue was resolved.

    Args:
        release: The release of the event.
        seen_at: The time at which it happened, by the server's clock.
        resolved_release: The latest release in which the issue was resolved, if it is known.
        resolved_at: The time at which it was resolved.
    """
    is_later = None
    if release and resolved_release:
        if release == resolved_release:
            return False
        is_later = release_order.is_later_release(release, resolved_release)
    return is_later if is_later is not None else seen_at > resolved_at


def _reopens_issue(issue: "asyncpg.Record", events: Sequence[NewEvent]) -> bool:
    return any(
        is_after_resolution(
            event.release,
            find_seen_at(event),
            resolved_release=issue["resolved_release"],
            resolved_at=issue["status_at"],
        )
        for event in events
    )


def _fold_events(key: IssueKey, events: Sequence[NewEvent]) -> dict[str, Any]:
    """Fold events of one issue into a row of the statement."""
    in_order = sorted(
        [(find_seen_at(event), event.event_id, event) for event in events], key=itemgetter(0, 1)
    )
    first_at, first_id, first = in_order[0]
    last_at, last_id, last = in_order[-1]
    hours = Counter([at.replace(minute=0, second=0, microsecond=0) for at, _, _ in in_order])
    hashes = {_best_user_hash(event) for event in events}
    return {
        "project_id": key[0],
        "issue_id": key[1],
        "first_seen_at": first_at,
        "first_event_id": first_id,
        "first_release": _cut_text(first.release),
        "last_seen_at": last_at,
        "last_event_id": last_id,
        "last_release": _cut_text(last.release),
        "level": last.level,
        "kind": last.kind,
        "title": clean(last.title, limit_bytes=_TEXT_BYTES),
        "culprit": _cut_text(last.culprit),
        "platform": _cut_text(last.platform),
        "events": len(in_order),
        "hours": list(hours),
        "hour_events": list(hours.values()),
        "user_hashes": [user_hash for user_hash in hashes if user_hash is not None],
        "replay_ids": list({event.replay_id for event in events if event.replay_id}),
        "releases": list(_cut_texts({event.release for event in events})),
    }


def hash_user_names(project_id: ProjectId, user: Mapping[str, str]) -> list[str]:
    """Hash each name of a user together with the project, the most reliable name first."""
    names = ((name, user.get(name)) for name in USER_NAMES)
    return [
        hashlib.blake2b(
            f"{project_id}:{name}:{value}".encode("utf-8", "surrogatepass"), digest_size=16
        ).hexdigest()
        for name, value in names
        if value
    ]


def find_best_name(user: Mapping[str, str]) -> str | None:
    """Return the most reliable name of a user, or None if it has none."""
    return next((value for name in USER_NAMES if (value := user.get(name))), None)


def _best_user_hash(event: NewEvent) -> str | None:
    """Hash the most reliable name of an event's user, or return None if it has no name."""
    return next(iter(hash_user_names(event.project_id, event.user)), None)


def _cut_texts(values: Iterable[str | None]) -> set[str]:
    return {cut for value in values if (cut := _cut_text(value))}


def _cut_text(value: str | None) -> str | None:
    return clean_or_none(value, limit_bytes=_TEXT_BYTES)
