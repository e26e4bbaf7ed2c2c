"""Tests of API tokens in Postgres: they are found by their secret, and their use is noted."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.administration.api_tokens.check_token import check_token
from app.api_tokens import queries, writes
from app.api_tokens.model import Scope
from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from tests.support.builders.api_tokens import make_token
from tests.support.builders.people import make_project
from tests.support.held_clock import HeldClock


async def make_project_id(database: Database) -> ProjectId:
    """Add a project."""
    return (await make_project(database)).id


async def count_lines(database: Database) -> int:
    """Count the lines of the log about a first use from an address."""
    async with database.reading() as connection:
        lines = await connection.scalar(
            text("select count(*) from audit_lines where action = 'token_used'")
        )
    return int(lines or 0)


async def test_the_secret_is_not_stored(database: Database):
    """Postgres has the hash of a token and its last four characters, nothing else of it."""
    secret = await make_token(database, await make_project_id(database))
    async with database.reading() as connection:
        row = str((await connection.execute(text("select * from api_tokens"))).one())
        token = await queries.find_live_token(connection, secret)
        assert await queries.find_live_token(connection, f"{secret[:-1]}!") is None
    assert token
    assert token.ending == secret[-4:]
    assert secret.split("_")[2] not in row


async def test_its_use_is_noted_once_a_minute(database: Database, time: HeldClock):
    """The last use moves on after a minute, or at once with another address."""
    secret = await make_token(database, await make_project_id(database))
    began = clock.now()

    async def use(address: str) -> tuple[timedelta, str | None]:
        assert await check_token(database, secret, address=address)
        async with database.reading() as connection:
            token = await queries.find_live_token(connection, secret)
        assert token
        assert token.last_used_at
        return token.last_used_at - began, token.last_address

    assert await use("10.0.0.1") == (timedelta(0), "10.0.0.1")
    time.at += timedelta(seconds=59)
    assert await use("10.0.0.1") == (timedelta(0), "10.0.0.1")
    assert await use("10.0.0.2") == (timedelta(seconds=59), "10.0.0.2")
    time.at += timedelta(seconds=61)
    assert await use("10.0.0.2") == (timedelta(seconds=120), "10.0.0.2")


async def test_each_network_is_one_line(database: Database, monkeypatch: pytest.MonkeyPatch):
    """The first use from an address is in the log; addresses of one /64 are one place."""
    monkeypatch.setattr(writes, "_MOST_NETWORKS", 2)
    secret = await make_token(database, await make_project_id(database))
    for address, lines in (
        ("10.0.0.1", 1),
        ("10.0.0.1", 1),
        ("2001:db8::1", 2),
        ("2001:db8::2", 2),
        ("10.0.0.1", 2),
        ("10.0.0.3", 3),
        ("10.0.0.1", 4),  # of two places that are remembered, it was the older one
    ):
        assert await check_token(database, secret, address=address)
        assert await count_lines(database) == lines, address


async def test_a_token_goes_with_its_project(database: Database):
    """Deleting a project deletes its tokens, and those of other projects stay."""
    project_id = await make_project_id(database)
    secret = await make_token(database, project_id)
    other = await make_token(database, (await make_project(database, "Other")).id)
    async with database.transaction() as connection:
        await connection.execute(text("delete from projects where id = :id"), {"id": project_id})
    assert await check_token(database, secret, address="10.0.0.1") is None
    assert await check_token(database, other, address="10.0.0.1")


async def test_scopes_of_a_later_release_are_left_out(database: Database):
    """A token with a scope that this release does not know has the others."""
    secret = await make_token(database, await make_project_id(database), scopes=[Scope.UPLOAD])
    async with database.transaction() as connection:
        await connection.execute(
            text("update api_tokens set scopes = scopes || '{replay:read}'::text[]")
        )
    grant = await check_token(database, secret, address="10.0.0.1")
    assert grant
    assert grant.token.scopes == {Scope.UPLOAD}
