"""Limits on guesses of passwords by account, by network and by both, and their audit lines."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.accounts import known_networks, links, queries
from app.accounts.model import Person
from app.accounts.tables import sign_in_attempts
from app.administration.people import sign_in
from app.administration.people.change_password import change_password
from app.administration.people.record_failures import record_failures
from app.audit import queries as audit
from app.audit.model import AuditLine
from app.core.errors import InvalidInput, SignInFailed, TooManyAttempts
from app.db import migrate
from app.db.engine import Database
from tests.support.builders.people import PASSWORD, make_person
from tests.support.held_clock import HeldClock
from tests.support.servers.migrations import upgrade_to
from tests.support.servers.postgres import run_sql

pytestmark = pytest.mark.usefixtures("quick_passwords")

HOME = "192.0.2.1"
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


async def sign_in_by_password(
    database: Database,
    email: str = "ada@example.com",
    password: str = PASSWORD,
    *,
    address: str = HOME,
) -> str:
    """Sign in with a password."""
    return await sign_in.sign_in_with_password(
        database, email, password, address=address, user_agent="Browser"
    )


async def guess(
    database: Database, times: int, email: str = "ada@example.com", **where: str
) -> None:
    """Guess a wrong password several times, and check that each guess is checked."""
    for _ in range(times):
        with pytest.raises(SignInFailed):
            await sign_in_by_password(database, email, "wrong", **where)


async def guess_from_many_networks(database: Database, times: int) -> None:
    """Guess a wrong password, each time from another network."""
    for number in range(times):
        await guess(database, 1, address=f"198.51.100.{number}")


async def list_failure_lines(database: Database) -> list[AuditLine]:
    """Return the audit lines about failed sign-ins, oldest first."""
    async with database.reading() as connection:
        lines = await audit.list_audit_lines(connection)
    return [line for line in lines if line.action == "sign_in_failed"][::-1]


async def count_attempts(database: Database) -> int:
    """Return the number of stored attempts."""
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(sign_in_attempts)) or 0


async def test_five_failures_are_the_limit_for_fifteen_minutes(database: Database, time: HeldClock):
    """The sixth attempt is not checked, right or wrong, until 15 minutes after the first."""
    await make_person(database, password=PASSWORD)
    for _ in range(5):
        with pytest.raises(SignInFailed):
            await sign_in_by_password(database, password="wrong")
    with pytest.raises(TooManyAttempts, match="again in 15 minutes") as limited:
        await sign_in_by_password(database)
    assert limited.value.wait_s == 15 * 60
    await sign_in_by_password(database, address="192.0.2.2")
    time.at += 15 * MINUTE - timedelta(seconds=1)
    with pytest.raises(TooManyAttempts):
        await sign_in_by_password(database)
    time.at += timedelta(seconds=1)
    assert await sign_in_by_password(database)


async def test_guesses_at_once_are_counted_before_they_are_checked(database: Database):
    """Five of twenty simultaneous wrong guesses are checked, and fifteen are refused."""
    await make_person(database, password=PASSWORD)
    guesses = [sign_in_by_password(database, password=f"wrong {number}") for number in range(20)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert [type(answer) for answer in answers].count(SignInFailed) == 5
    assert [type(answer) for answer in answers].count(TooManyAttempts) == 15


async def test_a_sign_in_resets_the_count_of_failures(database: Database):
    """After four typos and the right password, five attempts are allowed again."""
    await make_person(database, password=PASSWORD)
    for _ in range(2):
        for _ in range(4):
            with pytest.raises(SignInFailed):
                await sign_in_by_password(database, password="wrong")
        await sign_in_by_password(database)


async def test_an_account_is_limited_over_all_networks(database: Database, time: HeldClock):
    """After twenty failures, new networks wait until the first failure is 15 minutes old."""
    await make_person(database, password=PASSWORD)
    for number in range(20):
        await guess(database, 1, address=f"198.51.100.{number}")
        time.at += SECOND
    with pytest.raises(TooManyAttempts, match="again in 15 minutes"):
        await sign_in_by_password(database, address="203.0.113.9")
    time.at += 15 * MINUTE - 20 * SECOND
    assert await sign_in_by_password(database, address="203.0.113.9")


async def test_guesses_do_not_lock_out_people_on_their_networks(database: Database):
    """A network with an earlier sign-in has its own five attempts, and a link works anywhere."""
    ada = await make_person(database, password=PASSWORD)
    await sign_in_by_password(database)
    await guess_from_many_networks(database, 20)
    with pytest.raises(TooManyAttempts):
        await sign_in_by_password(database, address="203.0.113.9")
    assert await sign_in_by_password(database)
    async with database.transaction() as connection:
        link = await links.make_sign_in_link(connection, ada.id)
    assert await sign_in.sign_in_with_link(
        database, link, address="203.0.113.9", user_agent="Browser"
    )
    assert await sign_in_by_password(database, address="203.0.113.9"), (
        "the link made this network known"
    )


async def test_an_unknown_account_is_limited_like_a_known_one(database: Database):
    """The limits do not reveal who has an account."""
    await make_person(database, password=PASSWORD)
    refusals = set()
    for email in ("ada@example.com", "nobody@example.com"):
        for number in range(20):
            await guess(database, 1, email, address=f"198.51.100.{number}")
        with pytest.raises(TooManyAttempts) as refused:
            await sign_in_by_password(database, email, address="203.0.113.9")
        refusals.add((str(refused.value), refused.value.wait_s))
    assert len({message for message, _ in refusals}) == 1


async def test_a_network_is_limited_over_all_accounts(database: Database):
    """After thirty failures on any accounts, further attempts are neither checked nor stored."""
    await make_person(database, password=PASSWORD)
    for number in range(30):
        await guess(database, 1, f"person{number}@example.com")
    for _ in range(3):
        with pytest.raises(TooManyAttempts):
            await sign_in_by_password(database)
    assert await count_attempts(database) == 30
    assert await sign_in_by_password(database, address="203.0.113.9")


async def test_one_guesser_does_not_lock_out_their_office(database: Database):
    """People who have signed in from a limited network before still have five attempts."""
    await make_person(database, password=PASSWORD)
    await sign_in_by_password(database)
    for number in range(30):
        await guess(database, 1, f"person{number}@example.com")
    assert await sign_in_by_password(database)
    await guess(database, 5)
    with pytest.raises(TooManyAttempts):
        await sign_in_by_password(database)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
async def test_addresses_of_one_sender_count_as_one(database: Database, first: str, second: str):
    """The addresses of an IPv6 /64 count together, and the next /64 is another sender."""
    await make_person(database, password=PASSWORD)
    await guess(database, 3, address=first)
    await guess(database, 2, address=second)
    with pytest.raises(TooManyAttempts):
        await sign_in_by_password(database, address=second)
    assert await sign_in_by_password(database, address="2001:db8:1:3::1")


async def test_two_processes_count_together(database: Database, database_url: str):
    """Guesses at two servers with one Postgres share a limit, also when simultaneous."""
    await make_person(database, password=PASSWORD)
    other = Database.open(database_url, pool_size=5)
    try:
        guesses = [
            sign_in_by_password(server, password=f"wrong {number}")
            for number in range(3)
            for server in (database, other)
        ]
        answers = await asyncio.gather(*guesses, return_exceptions=True)
    finally:
        await other.close()
    assert sorted(type(answer).__name__ for answer in answers) == 5 * ["SignInFailed"] + [
        "TooManyAttempts"
    ]


async def test_guesses_at_once_do_not_deadlock(database: Database):
    """Locks for networks and accounts are taken in one order, so guesses do not deadlock."""
    guesses = [
        sign_in_by_password(
            database, f"person{number % 7}@example.com", "wrong", address=f"192.0.2.{number % 3}"
        )
        for number in range(60)
    ]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(answer) for answer in answers} <= {TooManyAttempts, SignInFailed}
    checked_count = [type(answer) for answer in answers].count(SignInFailed)
    assert await count_attempts(database) == checked_count > 0


async def test_a_flood_is_a_few_lines_of_the_audit_log(database: Database, time: HeldClock):
    """A flood leaves a line for each account, one for unknown ones, and no stored attempt."""
    ada = await make_person(database, password=PASSWORD)
    await guess_from_many_networks(database, 12)
    await guess(database, 3, address="203.0.113.9")
    for number in range(30):
        await guess(database, 1, f"nobody{number}@example.com", address=f"198.51.100.{number}")
    assert await list_failure_lines(database) == []
    time.at += 30 * MINUTE
    # The next failure, from any network, records the attempts that no longer count.
    await guess(database, 1, address="203.0.113.10")
    ada_line, unknown_line = await list_failure_lines(database)
    assert ada_line.person_id == ada.id
    assert dict(ada_line.detail) == {
        "times": 15,
        "address": "203.0.113.9",
        "addresses": 13,
        "first_at": "2026-11-24T12:00:00+00:00",
        "last_at": "2026-11-24T12:00:00+00:00",
    }
    assert (unknown_line.person_id, unknown_line.detail["times"]) == (None, 30)
    assert "nobody" not in str(unknown_line.detail)
    assert await count_attempts(database) == 1


async def test_housekeeping_records_failures_once(database: Database, time: HeldClock):
    """Two simultaneous runs record failures once, and attempts that still count stay."""
    await make_person(database, password=PASSWORD)
    await guess(database, 2)
    time.at += 30 * MINUTE
    await guess(database, 1, "eve@example.com")
    line_count = len(await list_failure_lines(database))

    async def write() -> int:
        async with database.transaction() as connection:
            return await record_failures(connection)

    line_counts = await asyncio.gather(write(), write())
    assert line_count + sum(line_counts) == len(await list_failure_lines(database)) == 1
    assert (await list_failure_lines(database))[0].detail["times"] == 2


async def test_a_sign_in_line_has_the_number_of_failures_before(database: Database):
    """The audit line of a sign-in has the number of failed attempts before it."""
    await make_person(database, password=PASSWORD)
    await guess(database, 2)
    await sign_in_by_password(database)
    await sign_in_by_password(database)
    async with database.reading() as connection:
        second, first = await audit.list_audit_lines(connection)
    assert dict(first.detail) == {"by": "password", "failed_before": 2, "address": HOME}
    assert dict(second.detail) == {"by": "password", "address": HOME}


async def test_a_new_password_forgets_known_networks(database: Database):
    """Networks known from sign-ins with the old password are forgotten."""
    ada = await make_person(database, password=PASSWORD)
    await sign_in_by_password(database, address="203.0.113.9")
    await change_password(
        database,
        await _read_person(database, ada),
        current=PASSWORD,
        new="a new long password",
        address=HOME,
        user_agent="Browser",
    )
    async with database.reading() as connection:
        assert not await known_networks.is_network_known(connection, ada.email, "203.0.113.9")
        assert await known_networks.is_network_known(connection, ada.email, HOME)


async def test_a_network_is_known_for_ninety_days(database: Database, time: HeldClock):
    """After 90 days a network is new again, and housekeeping deletes it."""
    ada = await make_person(database, password=PASSWORD)
    await sign_in_by_password(database)
    time.at += known_networks.KNOWN_FOR - SECOND
    async with database.transaction() as connection:
        assert await known_networks.is_network_known(connection, ada.email, HOME)
        assert await known_networks.delete_old_networks(connection) == 0
        time.at += SECOND
        assert not await known_networks.is_network_known(connection, ada.email, HOME)
        assert await known_networks.delete_old_networks(connection) == 1


async def test_a_new_password_that_is_easy_to_guess_is_refused(database: Database):
    """Parts of one's own address are refused before the current password is checked."""
    ada = await make_person(database, "ada.lovelace@example.com", password=PASSWORD)
    for new in ("123456789012", "ada-lovelace-1815", "Example2026!!"):
        with pytest.raises(InvalidInput, match="easy to guess"):
            await change_password(
                database, ada, current="wrong", new=new, address=HOME, user_agent="Browser"
            )
    assert await count_attempts(database) == 0


async def test_attempts_before_a_migration_still_count(empty_database_url: str):
    """Attempts that the previous release counted still count after the migration."""
    await upgrade_to(empty_database_url, "0015")
    await run_sql(
        empty_database_url,
        "insert into people (email, name) values ('ada@example.com', 'Ada');"
        "insert into sign_in_attempts (email, address, at)"
        " select 'ada@example.com', '192.0.2.1', now() from generate_series(1, 5)",
    )
    await migrate.upgrade(empty_database_url)
    database = Database.open(empty_database_url, pool_size=2)
    try:
        with pytest.raises(TooManyAttempts):
            await sign_in_by_password(database)
    finally:
        await database.close()


async def _read_person(database: Database, person: Person) -> Person:
    """Return a person as stored now."""
    async with database.reading() as connection:
        return await queries.get_person(connection, person.id)
