"""Writes of projects, keys, outcomes and quarantine; the caller commits."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import (
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import ids, log
from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId, PublicKey, ReplayId
from app.db import text
from app.db.rows import RowShape, run_with_rows
from app.projects.model import OutcomeKey, Project, ProjectKey
from app.projects.tables import outcomes, project_keys, projects, quarantine

MOST_QUARANTINED: Final = 1_000
MOST_QUARANTINED_BYTES: Final = 1024 * 1024 * 1024

_NAME_CHARS: Final = 80
_LABEL_BYTES: Final = 200
_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?\Z")

_WORD_BYTES: Final = 100
"""Item types and reasons are names from a short list, or words of a stranger that are cut."""

_OUTCOMES: Final = RowShape.of_table(
    outcomes, ("project_id", "day", "item_type", "outcome", "reason", "quantity")
)
_ADD_OUTCOMES: Final = f"""
    insert into outcomes as kept ({_OUTCOMES.columns}) select * from {_OUTCOMES.source}
    on conflict (project_id, day, item_type, outcome, reason)
    do update set quantity = kept.quantity + excluded.quantity
    """  # noqa: S608 - made of the names of columns


async def add_project(
    connection: AsyncConnection, name: str, *, slug: str | None = None
) -> Project:
    """Add a project; it has no key yet.

    Args:
        connection: The transaction of the caller.
        name: Its name, of 1 to 80 characters.
        slug: Lower-case letters, digits and dashes; made from the name if left out.

    Raises:
        InvalidInput: The name or slug cannot be used, or the slug is in use.
    """
    read_name = _read_name(name)
    new_slug = slug if slug is not None else await _find_free_slug(connection, read_name)
    if not _SLUG.match(new_slug):
        raise InvalidInput(
            f"slug {log.shown(new_slug)!r}: use 1 to 50 lower-case letters, digits and dashes"
        )
    added = await connection.execute(
        upsert(projects)
        .values(slug=new_slug, name=read_name)
        .on_conflict_do_nothing(index_elements=[projects.c.slug])
        .returning(projects.c.id, projects.c.slug, projects.c.name, projects.c.created_at)
    )
    row = added.mappings().first()
    if row is None:
        raise InvalidInput(f"a project with the slug {new_slug!r} exists already")
    return Project(**row)


async def rename_project(connection: AsyncConnection, project_id: ProjectId, name: str) -> None:
    """Give a project another name; its slug stays, so links go on working.

    Raises:
        InvalidInput: The name is empty or too long.
        NotFound: There is no such project.
    """
    await _change_project(connection, project_id, name=_read_name(name))


async def set_viewers_see_bodies(
    connection: AsyncConnection, project_id: ProjectId, *, is_allowed: bool
) -> None:
    """Let viewers of a project see the bodies of requests, or not; applies to the next page.

    Raises:
        NotFound: There is no such project.
    """
    await _change_project(connection, project_id, viewers_see_bodies=is_allowed)


async def set_allows_shares(
    connection: AsyncConnection, project_id: ProjectId, *, is_allowed: bool
) -> None:
    """Let members of a project hand out share links, or let no link of it answer any more.

    Raises:
        NotFound: There is no such project.
    """
    await _change_project(connection, project_id, allows_shares=is_allowed)


async def set_alerts_show_pictures(
    connection: AsyncConnection, project_id: ProjectId, *, is_on: bool
) -> None:
    """Let messages of alerts show pictures of the replays of a project, or not.

    Raises:
        NotFound: There is no such project.
    """
    await _change_project(connection, project_id, alerts_show_pictures=is_on)


async def lock_project(connection: AsyncConnection, project_id: ProjectId) -> None:
    """Let one transaction at a time change what belongs to a project.

    Raises:
        NotFound: There is no such project.
    """
    locked = select(projects.c.id).where(projects.c.id == project_id).with_for_update()
    if await connection.scalar(locked) is None:
        raise NotFound(f"no project {project_id}")


async def hold_project(connection: AsyncConnection, project_id: ProjectId) -> None:
    """Keep a project from being deleted until the transaction ends.

    Raises:
        NotFound: There is no such project.
    """
    held = (
        select(projects.c.id)
        .where(projects.c.id == project_id)
        .with_for_update(read=True, key_share=True)
    )
    if await connection.scalar(held) is None:
        raise NotFound(f"no project {project_id}")


async def add_key(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    label: str,
    public_key: PublicKey | None = None,
) -> ProjectKey:
    """Add a key to a project.

    Args:
        connection: The transaction of the caller.
        project_id: The project.
        label: The name of the key for people, such as "iOS, store build".
        public_key: 32 hex digits, to take over the DSN of another server; a new key if left out.

    Raises:
        InvalidInput: The key is not 32 hex digits, or is in use already.
        NotFound: There is no such project.
    """
    new_key = ids.new_public_key() if public_key is None else _read_key(public_key)
    locked = (
        select(projects.c.id).where(projects.c.id == project_id).with_for_update(key_share=True)
    )
    if await connection.scalar(locked) is None:
        raise NotFound(f"no project {project_id}")
    added = await connection.execute(
        upsert(project_keys)
        .values(
            public_key=new_key,
            project_id=project_id,
            label=text.clean(label.strip(), limit_bytes=_LABEL_BYTES),
        )
        .on_conflict_do_nothing()
        .returning(project_keys)
    )
    row = added.mappings().first()
    if row is None:
        raise InvalidInput(f"the key {new_key} is in use already")
    return ProjectKey(**row)


async def rename_key(
    connection: AsyncConnection, project_id: ProjectId, public_key: PublicKey, *, label: str
) -> None:
    """Give a key another name; its DSN stays.

    Raises:
        InvalidInput: The name is empty.
        NotFound: The project has no such key.
    """
    cleaned = text.clean(label.strip(), limit_bytes=_LABEL_BYTES)
    if not cleaned:
        raise InvalidInput("a key's name needs at least one character")
    updated = await connection.execute(
        update(project_keys)
        .where(project_keys.c.project_id == project_id, project_keys.c.public_key == public_key)
        .values(label=cleaned)
    )
    if not updated.rowcount:
        raise NotFound(f"project {project_id} has no such key")


async def set_key_active(
    connection: AsyncConnection, project_id: ProjectId, public_key: PublicKey, *, is_active: bool
) -> str:
    """Switch a key on or off; caches follow within five seconds.

    Returns:
        The name of the key.

    Raises:
        NotFound: The project has no such key.
    """
    label: str | None = await connection.scalar(
        update(project_keys)
        .where(project_keys.c.project_id == project_id, project_keys.c.public_key == public_key)
        .values(is_active=is_active)
        .returning(project_keys.c.label)
    )
    if label is None:
        raise NotFound(f"project {project_id} has no such key")
    return label


async def add_outcomes(connection: AsyncConnection, counts: Mapping[OutcomeKey, int]) -> None:
    """Add to the counts of outcomes.

    Order does not matter, but a count added twice is counted twice: call it in the transaction
    that stores what is counted.
    """
    cleaned: dict[OutcomeKey, int] = {}
    for key, quantity in counts.items():
        cleaned_key = _clean_outcome_key(key)
        cleaned[cleaned_key] = cleaned.get(cleaned_key, 0) + quantity
    if not cleaned:
        return
    # Sorted, so that two processes lock rows in the same order.
    rows = [key._asdict() | {"quantity": quantity} for key, quantity in sorted(cleaned.items())]
    await run_with_rows(connection, _ADD_OUTCOMES, _OUTCOMES, rows)


async def add_quarantined(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    received_at: datetime,
    item_types: Sequence[str],
    reason: str,
    body: bytes,
    content_encoding: str | None = None,
    replay_id: ReplayId | None = None,
) -> int:
    """Put an envelope aside whose content cannot be digested, and delete the oldest beyond limits.

    Args:
        connection: The transaction of the caller.
        project_id: The project of its key.
        received_at: The time at which it was received.
        item_types: The types of its items, as far as they could be read.
        reason: The error, in words for people.
        body: The envelope as it came over the wire.
        content_encoding: The compression of `body`, as the sender named it.
        replay_id: The replay that it belongs to, so that erasing the replay erases it too.

    Returns:
        The id of the quarantined envelope.
    """
    added: int | None = await connection.scalar(
        insert(quarantine)
        .values(
            project_id=project_id,
            received_at=received_at,
            item_types=[text.clean(word, limit_bytes=_WORD_BYTES) for word in item_types],
            reason=text.clean(reason),
            content_encoding=text.clean_or_none(content_encoding, limit_bytes=_WORD_BYTES),
            replay_id=replay_id,
            body=body,
        )
        .returning(quarantine.c.id)
    )
    await trim_quarantine(connection)
    return int(added or 0)


async def trim_quarantine(
    connection: AsyncConnection,
    *,
    received_before: datetime | None = None,
    limit: int = MOST_QUARANTINED,
    limit_bytes: int = MOST_QUARANTINED_BYTES,
) -> int:
    """Delete envelopes received before a moment, and the oldest beyond a number and a size.

    Returns:
        The number of envelopes that were deleted.
    """
    newest_first = quarantine.c.id.desc()
    ranked = select(
        quarantine.c.id,
        quarantine.c.received_at,
        func.row_number().over(order_by=newest_first).label("place"),
        func.sum(func.octet_length(quarantine.c.body)).over(order_by=newest_first).label("total"),
    ).subquery()
    excess = (ranked.c.place > limit) | (ranked.c.total > limit_bytes)
    if received_before is not None:
        excess |= ranked.c.received_at < received_before
    # Digest adds envelopes in its own transaction, which must wait for nobody who is about to
    # change or delete one of the oldest. A row that is skipped goes with the next envelope.
    free = (
        select(quarantine.c.id)
        .where(quarantine.c.id.in_(select(ranked.c.id).where(excess)))
        .with_for_update(skip_locked=True)
    )
    deleted = await connection.execute(delete(quarantine).where(quarantine.c.id.in_(free)))
    return deleted.rowcount


async def erase_quarantined(
    connection: AsyncConnection, project_id: ProjectId, replay_id: ReplayId
) -> int:
    """Delete the quarantined envelopes of a replay; returns their number."""
    deleted = await connection.execute(
        delete(quarantine).where(
            quarantine.c.project_id == project_id, quarantine.c.replay_id == replay_id
        )
    )
    return deleted.rowcount


async def _find_free_slug(connection: AsyncConnection, name: str) -> str:
    """Make a slug from a name, with a number when others have it."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "project"
    taken = set(
        await connection.scalars(
            select(projects.c.slug).where(projects.c.slug.startswith(words, autoescape=True))
        )
    )
    candidates = (words, *(f"{words}-{number}" for number in range(2, len(taken) + 3)))
    return next(slug for slug in candidates if slug not in taken)


async def _change_project(
    connection: AsyncConnection, project_id: ProjectId, **values: str | bool
) -> None:
    """Change columns of a project.

    Raises:
        NotFound: There is no such project.
    """
    updated = await connection.execute(
        update(projects).where(projects.c.id == project_id).values(values)
    )
    if not updated.rowcount:
        raise NotFound(f"no project {project_id}")


def _read_name(name: str) -> str:
    cleaned = text.clean(name.strip())
    if not 1 <= len(cleaned) <= _NAME_CHARS:
        raise InvalidInput(f"a project's name needs 1 to {_NAME_CHARS} characters")
    return cleaned


def _read_key(public_key: str) -> PublicKey:
    digits = ids.read_hex32(public_key)
    if digits is None:
        raise InvalidInput("a public key is 32 hex digits")
    return PublicKey(digits)


def _clean_outcome_key(key: OutcomeKey) -> OutcomeKey:
    return OutcomeKey(
        project_id=key.project_id,
        day=key.day,
        item_type=text.clean(key.item_type, limit_bytes=_WORD_BYTES),
        outcome=str(key.outcome),
        reason=text.clean(key.reason, limit_bytes=_WORD_BYTES),
    )
