"""Tests of how reads use their connection: without a transaction, and with plans made once."""

from contextlib import suppress
from typing import NoReturn

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.db.engine import Database, get_driver, planning_once


def fail() -> NoReturn:
    """Fail as a use case does."""
    raise NotFound("no such thing")


async def read_plan_mode(connection: AsyncConnection) -> str:
    """Read how Postgres chooses between a plan for any values and one for those at hand."""
    mode: str = await (await get_driver(connection)).fetchval("show plan_cache_mode")
    return mode


async def test_reads_are_not_in_a_transaction(database: Database):
    """A read sees what was committed after an earlier read of the same connection."""
    async with database.reading() as connection:
        before = await connection.scalar(text("select now()"))
        assert not (await get_driver(connection)).is_in_transaction()
        assert await connection.scalar(text("select now()")) > before


async def test_a_connection_that_was_read_with_has_transactions_again(database: Database):
    """The pool hands the same connection out, and a transaction that fails leaves nothing."""
    async with database.reading() as connection:
        await connection.scalar(text("select 1"))
    with suppress(NotFound):
        async with database.transaction() as connection:
            await connection.execute(text("create temporary table made_in_vain (id int)"))
            fail()
    async with database.reading() as connection:
        assert await connection.scalar(text("select to_regclass('made_in_vain')")) is None


@pytest.mark.parametrize("fails", [False, True])
async def test_plans_are_made_once_in_a_block_only(database: Database, fails: bool):
    """The setting ends with the block, however it ends."""
    async with database.reading() as connection:
        with suppress(NotFound):
            async with planning_once(connection):
                assert await read_plan_mode(connection) == "force_generic_plan"
                if fails:
                    fail()
        assert await read_plan_mode(connection) == "auto"


async def test_a_block_within_a_transaction_keeps_what_was_written(database: Database):
    """Only what the block did is rolled back, which is the setting."""
    async with database.transaction() as connection:
        await connection.execute(text("create temporary table kept (id int) on commit drop"))
        async with planning_once(connection):
            assert await read_plan_mode(connection) == "force_generic_plan"
        assert await read_plan_mode(connection) == "auto"
        assert await connection.scalar(text("select to_regclass('kept')")) is not None
