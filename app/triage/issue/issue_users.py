"""Counts the users of an issue whom only its replays name, as events of a backend seldom name any.

    replays linked to the issue ─► their users ─ users whom events name ─► further users

An app and its backend may name a user in different ways. So a user who shares an id, an e-mail
address, a username or an IP address with one who is counted already is not counted again.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import BigInteger, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.issues.counts.counting import hash_user_names
from app.issues.model import Issue

MOST_REPLAYS: Final = 1_000
"""Replays of an issue whose users are counted, the newest received: some milliseconds' worth."""
_MOST_HASHES: Final = 1_000
"""Users named by events that are read with those of replays; of more, only the common ones are."""
_USERS: Final = text(
    """
    select distinct u.recorded_user, null::uuid as user_hash from (
        select r.recorded_user from issue_links l
        join replays r on r.project_id = l.replay_project_id and r.replay_id = l.replay_id
        where l.project_id = :project_id and l.issue_id = :issue_id
          and l.replay_project_id = any(:visible_ids)
        order by l.first_received_at desc, l.replay_id desc
        limit :most_replays
    ) u
    union all (
        select null, u.user_hash from issue_users u
        where u.project_id = :project_id and u.issue_id = :issue_id
        limit :most_hashes
    )
    """
).bindparams(
    bindparam("issue_id", type_=Uuid()),
    bindparam("visible_ids", type_=ARRAY(BigInteger)),
)
_COMMON_HASHES: Final = text(
    """
    select u.user_hash from issue_users u
    where u.project_id = :project_id and u.issue_id = :issue_id and u.user_hash = any(:hashes)
    """
).bindparams(bindparam("issue_id", type_=Uuid()), bindparam("hashes", type_=ARRAY(Uuid())))


async def count_replay_users(
    connection: AsyncConnection, issue: Issue, visible_ids: Sequence[ProjectId]
) -> int:
    """Count the users of an issue's replays whom none of its events names.

    Args:
        connection: The connection to read with.
        issue: The issue, with the number of its replays that the reader may see.
        visible_ids: The projects that the reader may see; replays of others do not count.
    """
    if not issue.replays:
        return 0
    key = {"project_id": issue.project_id, "issue_id": uuid.UUID(hex=issue.issue_id)}
    # One statement for the users of both, unless events name too many to read all of them.
    has_few_users = issue.users <= _MOST_HASHES
    limits = {
        "most_replays": MOST_REPLAYS,
        "most_hashes": _MOST_HASHES if has_few_users else 0,
    }
    rows = await connection.execute(_USERS, {**key, **limits, "visible_ids": list(visible_ids)})
    named: list[list[str]] = []
    known: set[str] = set()
    for user, user_hash in rows:
        if user_hash is not None:
            known.add(user_hash.hex)
        elif hashes := hash_user_names(issue.project_id, _texts(user)):
            named.append(hashes)
    if not has_few_users:
        wanted = [uuid.UUID(hex=value) for hashes in named for value in hashes]
        common = await connection.scalars(_COMMON_HASHES, {**key, "hashes": wanted})
        known = {value.hex for value in common}
    return _count_others(named, known)


def _count_others(named: Iterable[Sequence[str]], known: Iterable[str]) -> int:
    """Count users who share no name with known ones; users who share a name are the same user."""
    # A union-find, so that it does not matter in which order replays name a user in several ways.
    parents: dict[str, str] = {}

    def root_of(name: str) -> str:
        while parents[name] != name:
            parents[name] = name = parents[parents[name]]
        return name

    for names in named:
        for name in names:
            parents[root_of(parents.setdefault(name, name))] = root_of(
                parents.setdefault(names[0], names[0])
            )
    users = {root_of(name) for name in parents}
    return len(users - {root_of(name) for name in known if name in parents})


def _texts(user: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in user.items() if isinstance(value, str)}
