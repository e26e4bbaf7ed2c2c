"""The checks of `playhead doctor` that concern all processes, and the Postgres that they share."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import asyncpg

from app.alerts.process_problems import ProcessProblem, find_problems
from app.cli.checks.check_result import CheckLevel, CheckResult
from app.core.errors import ReplayError
from app.core.settings import Settings
from app.db.engine import Database
from app.processes import records, store_claim
from app.processes.model import ProcessRecord
from app.processes.roles_served import count_processes_by_role
from app.storage.choose import describe_store, open_store
from app.web.words import phrases
from app.web.words.processes import describe_problem, describe_unserved_role, name_process

_FAILURES: Final = {
    ProcessProblem.REFUSING,
    ProcessProblem.DEAD,
    ProcessProblem.LATE,
    ProcessProblem.GONE,
}
_SPARE_CONNECTIONS: Final = 5
"""Connections for commands, backups and people, beside those of the processes."""
_MOST_NAMES: Final = 3
_CONNECTION_LIMITS: Final = """
    select current_setting('max_connections')::int
             - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true)::int, 0) as of_server,
           (select rolconnlimit from pg_roles where rolname = current_user) as of_role,
           (select datconnlimit from pg_database where datname = current_database()) as of_database,
           pg_backend_pid() as pid
"""
_STANDBYS: Final = """
    select coalesce(nullif(application_name, ''), host(client_addr), pid::text) as name, sync_state
    from pg_stat_replication order by 1
"""


async def check_processes(settings: Settings, database: Database) -> list[CheckResult]:
    """Check the processes that use the database, and their journals."""
    async with database.reading() as connection:
        known = await records.list_processes(
            connection, heartbeat_s=settings.heartbeat_s, silent_after_s=settings.silent_after_s
        )
    return list(_check_known(known))


def _check_known(known: Sequence[ProcessRecord]) -> Iterator[CheckResult]:
    running = [each for each in known if each.is_running]
    missing = [role for role, count in count_processes_by_role(known).items() if not count]
    found = find_problems(known)
    if running:  # otherwise nothing was started yet, or all of it was stopped
        for role in missing:
            unserved = describe_unserved_role(role)
            text = f"{unserved.title} {unserved.what_to_do}"
            yield CheckResult("processes", CheckLevel.FAIL, text)
    if not found and not (running and missing):
        names = ", ".join(name_process(each) for each in running[:_MOST_NAMES])
        more = f" and {len(running) - _MOST_NAMES} more" if len(running) > _MOST_NAMES else ""
        text = (
            f"{phrases.count(len(running), 'process', 'processes')}"
            f" {phrases.inflect(len(running), 'runs', 'run')}: {names}{more}"
            if running
            else "none runs"
        )
        yield CheckResult("processes", CheckLevel.OK, text)
    for each in found:
        words = describe_problem(each, is_admin=True)
        state = CheckLevel.FAIL if each.problem in _FAILURES else CheckLevel.WARN
        yield CheckResult("processes", state, f"{words.title} {words.what_to_do}")
    versions = sorted({each.identity.version for each in running})
    if len(versions) > 1:
        text = f"releases {', '.join(versions)} run beside each other; update the older ones soon"
        yield CheckResult("releases", CheckLevel.WARN, text)


async def check_connections(settings: Settings, database: Database) -> CheckResult:
    """Add up the connections that all processes may open, and compare with what Postgres allows."""
    subject = "connections"
    async with database.reading() as connection:
        known = await records.list_processes(
            connection, heartbeat_s=settings.heartbeat_s, silent_after_s=settings.silent_after_s
        )
        raw: Any = (await connection.get_raw_connection()).driver_connection
        limits = await raw.fetchrow(_CONNECTION_LIMITS)
        has_pooler = raw.get_server_pid() != limits["pid"]
    running = [each for each in known if each.is_running]
    wanted = sum(each.identity.database_connections for each in running)
    of_processes = phrases.count(len(running), "process", "processes")
    if has_pooler:
        text = f"up to {wanted} of {of_processes}; a pooler stands before Postgres"
        return CheckResult(subject, CheckLevel.OK, text)
    allowed = min(
        limit
        for limit in (limits["of_server"], limits["of_role"], limits["of_database"])
        if limit >= 0
    )
    text = f"up to {wanted} of {of_processes}; Postgres allows {allowed}"
    if wanted + _SPARE_CONNECTIONS > allowed:
        text += (
            ": raise max_connections (or the limit of the role or database), lower "
            "PLAYHEAD_DATABASE_CONNECTIONS, or put a pooler before Postgres"
        )
        return CheckResult(subject, CheckLevel.WARN, text)
    return CheckResult(subject, CheckLevel.OK, text)


async def check_standbys(connection: "asyncpg.Connection[Any]") -> list[CheckResult]:
    """Check that a commit waits for a standby, where there are standbys."""
    standbys = await connection.fetch(_STANDBYS)
    results = []
    if await connection.fetchval("show synchronous_commit") in {"off", "local"}:
        text = "synchronous_commit is off or local: a crash or failover loses what was stored last"
        results.append(CheckResult("standbys", CheckLevel.WARN, text))
    states = {each["sync_state"] for each in standbys}
    waits_for = await connection.fetchval("show synchronous_standby_names")
    if waits_for and states <= {"async", "potential"}:
        text = (
            f"everything that is to be stored waits for a standby ({waits_for}), and none is "
            "connected. If this is an old primary that came back, stop it. Otherwise start the "
            "standby, or let the superuser run `alter system reset synchronous_standby_names; "
            "select pg_reload_conf()` until there is one"
        )
        results.append(CheckResult("standbys", CheckLevel.FAIL, text))
        return results
    if not standbys:
        return results
    names = ", ".join(each["name"] for each in standbys[:_MOST_NAMES])
    if states == {None}:
        text = (
            f"{len(standbys)} standbys, and this role may not see whether commits wait for them: "
            "grant pg_read_all_stats to it"
        )
        results.append(CheckResult("standbys", CheckLevel.WARN, text))
    elif states <= {"async", "potential"}:
        text = (
            f"{names} only follow (asynchronous): a failover loses the last commits, which "
            "processes then store again from their journals, if they live and it takes less than "
            "PLAYHEAD_JOURNAL_KEEP_S. Set synchronous_standby_names = 'ANY 1 (*)'"
        )
        results.append(CheckResult("standbys", CheckLevel.WARN, text))
    else:
        results.append(CheckResult("standbys", CheckLevel.OK, f"commits wait for one of: {names}"))
    return results


async def check_store_claim(settings: Settings, database: Database) -> CheckResult:
    """Check that the store of the settings is that of the database."""
    subject = "store"
    async with database.reading() as connection:
        claim = await store_claim.read_claim(connection)
    if claim is None:
        return CheckResult(subject, CheckLevel.OK, "claimed at the next start")
    try:
        objects = open_store(settings, settings.data_dir)
        try:
            names = await store_claim.read_marks(objects)
        finally:
            await objects.close()
    except ReplayError as error:
        return CheckResult(subject, CheckLevel.FAIL, str(error))
    if claim.store_id in names:
        return CheckResult(subject, CheckLevel.OK, f"{claim.place}, as the database says")
    text = store_claim.describe_mismatch(claim, describe_store(settings), names)
    return CheckResult(subject, CheckLevel.FAIL, text)
