"""The roles of a database: the one that serves requests owns no table and is not a superuser.

    postgres         superuser of an embedded cluster; used once at each start, for the two others
    playhead_owner   owns the tables, runs migrations
    playhead         reads and writes rows; cannot switch off the triggers of the audit log

An external database may have two such roles under any names, or one for everything.
"""

from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from app.core import log
from app.core.settings import Settings
from app.db import engine, migrate, timelines
from app.db.cutoff import close_connection

SUPERUSER: Final = "postgres"
OWNER: Final = "playhead_owner"
_TIMELINES: Final = "postgres-timelines.json"
APP: Final = "playhead"

_IS_SET_UP: Final = f"""
    select (select count(*) from pg_roles where rolname in ('{OWNER}', '{APP}')) = 2
       and (select datdba from pg_database where datname = current_database())
           = (select oid from pg_roles where rolname = '{OWNER}')
       and not exists (select from pg_class where relnamespace = 'public'::regnamespace
                       and relkind in ('r', 'p', 'v', 'm', 'S')
                       and relowner <> to_regrole('{OWNER}'))
       and not exists (select from pg_proc where pronamespace = 'public'::regnamespace
                       and proowner <> to_regrole('{OWNER}'))
"""  # noqa: S608 - our own names
# Tables first: sequences and indexes change hands with them.
_SET_UP: Final = f"""
    do $$
    declare
        role text;
        item record;
    begin
        foreach role in array array['{OWNER}', '{APP}'] loop
            if not exists (select from pg_roles where rolname = role) then
                execute format('create role %I login', role);
            end if;
        end loop;
        execute format('alter database %I owner to {OWNER}', current_database());
        for item in select oid from pg_class where relnamespace = 'public'::regnamespace
            and relkind in ('r', 'p', 'v', 'm') and relowner <> '{OWNER}'::regrole
        loop
            execute format('alter table %s owner to {OWNER}', item.oid::regclass);
        end loop;
        for item in select oid from pg_class where relnamespace = 'public'::regnamespace
            and relkind = 'S' and relowner <> '{OWNER}'::regrole
        loop
            execute format('alter sequence %s owner to {OWNER}', item.oid::regclass);
        end loop;
        for item in select oid from pg_proc where pronamespace = 'public'::regnamespace
            and proowner <> '{OWNER}'::regrole
        loop
            execute format('alter routine %s owner to {OWNER}', item.oid::regprocedure);
        end loop;
    end
    $$
"""  # noqa: S608 - our own names

_WRONG_RIGHTS: Final = """
    with wanted as (
        select oid, relowner, case
            when relname = 'alembic_version' then array['SELECT']
            when exists (select from pg_trigger where tgrelid = pg_class.oid
                         and tgfoid = to_regproc('refuse_change'))
                then array['DELETE', 'INSERT', 'SELECT']
            else array['DELETE', 'INSERT', 'SELECT', 'UPDATE'] end as rights
        from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
          and not relispartition
    ), present as (
        select pg_class.oid, array_agg(privilege_type order by privilege_type) as rights
        from pg_class, aclexplode(relacl) where grantee = to_regrole(quote_ident($1::text))
        group by 1
    )
    select wanted.oid::regclass::text as name, wanted.rights
    from wanted left join present using (oid)
    where wanted.rights is distinct from present.rights
    order by 1
"""
"""Tables on which the role has more or fewer rights than it needs. A table with the trigger that
refuses changes is append-only; deleting is granted there, since the trigger lets old rows go.
Partitions need no rights of their own, because statements name the table above them."""
_CLOSED_FUNCTIONS: Final = """
    select oid::regprocedure::text as name from pg_proc
    where pronamespace = 'public'::regnamespace and prosecdef
      and not has_function_privilege($1, oid, 'EXECUTE')
    order by 1
"""
"""Functions of the owner (`db/partitions/days.py`) that the role may not call yet."""

_MISSING_RIGHTS: Final = """
    select oid::regclass::text as name, kind as missing
    from pg_class, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as kind
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      and not has_table_privilege(oid, kind)
      and (kind = 'SELECT' or relname <> 'alembic_version')
      and (kind <> 'UPDATE' or not exists (select from pg_trigger where tgrelid = pg_class.oid
                                           and tgfoid = to_regproc('refuse_change')))
    union all
    select oid::regprocedure::text, 'EXECUTE' from pg_proc
    where pronamespace = 'public'::regnamespace and prosecdef
      and not has_function_privilege(oid, 'EXECUTE')
    order by 1, 2
"""
_RISKS: Final = """
    select (select rolsuper from pg_roles where rolname = current_user) as is_superuser,
           exists (select from pg_roles where rolname in ('pg_execute_server_program',
               'pg_read_server_files', 'pg_write_server_files')
               and pg_has_role(current_user, oid, 'MEMBER')) as reaches_machine,
           exists (select from pg_trigger join pg_class on pg_class.oid = tgrelid
               where tgfoid = to_regproc('refuse_change')
               and pg_has_role(current_user, relowner, 'MEMBER')) as owns_audit
"""
_RISK_TEXTS: Final = {
    "is_superuser": "is a superuser, so an injection of SQL could run programs",
    "reaches_machine": "may run programs or read files of the database's machine",
    "owns_audit": "owns the audit log, so it could switch off what keeps it append-only",
}


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """The URLs of a database."""

    app: str
    """The URL for the role that reads and writes rows."""
    owner: str
    """The URL for the role that owns the tables; the same as `app` if one role does everything."""


def read_external_urls(settings: Settings) -> DatabaseUrls | None:
    """Return the URLs of the operator's own Postgres, or None if the embedded one is used.

    From then on, an old primary is not used that earlier processes on this data folder have seen
    replaced.
    """
    if settings.database_url is None:
        return None
    timelines.newest_timelines.keep_in(settings.data_dir.resolve() / _TIMELINES)
    app = settings.database_url.get_secret_value()
    owner = settings.database_owner_url
    return DatabaseUrls(app, app if owner is None else owner.get_secret_value())


async def set_up_embedded(superuser_url: str) -> None:
    """Make both roles and give all tables to the owner, unless that is done already.

    This is one transaction: a kill leaves the cluster as it was. An older release, which uses the
    superuser only, can still use the cluster; tables that it makes change hands at the next start.

    Args:
        superuser_url: The URL of the embedded database for its superuser.

    Raises:
        DatabaseUnavailable: Postgres cannot be reached.
    """
    with engine.translating_errors():
        connection = await engine.connect(superuser_url)
        try:
            if not await connection.fetchval(_IS_SET_UP):
                await connection.execute(_SET_UP)
                log.get_logger("db.roles").info("tables_given_to_owner", owner=OWNER, app=APP)
        finally:
            await close_connection(connection)


async def find_risks(connection: "asyncpg.Connection[Any]") -> list[str]:
    """List the rights of this connection's role that an SQL injection could abuse.

    Args:
        connection: A connection with the role that serves requests.
    """
    facts = await connection.fetchrow(_RISKS)
    assert facts is not None  # noqa: S101 - it has no condition
    return [text for name, text in _RISK_TEXTS.items() if facts[name]]


async def find_missing_rights(connection: "asyncpg.Connection[Any]") -> list[str]:
    """List the rights that Playhead needs and this connection's role lacks."""
    rows = await connection.fetch(_MISSING_RIGHTS)
    return [f"{row['missing'].lower()} on {row['name']}" for row in rows]


async def prepare_schema(urls: DatabaseUrls) -> bool:
    """Migrate a database as its owner, and grant the app's role the rights that it needs.

    Returns:
        True if there was anything to migrate.

    Raises:
        DatabaseUnavailable: Postgres cannot be reached, or a role lacks a right.
    """
    was_behind = await migrate.upgrade(urls.owner)
    if urls.app != urls.owner:
        with engine.translating_errors():
            await _grant_rights(urls)
    return was_behind


async def _grant_rights(urls: DatabaseUrls) -> None:
    """Give the app's role exactly the rights that it needs on each table."""
    role = await _read_role(urls.app)
    connection = await engine.connect(urls.owner)
    try:
        if role == await connection.fetchval("select current_user") or not (
            await _list_wrong_rights(connection, role)
            or await connection.fetch(_CLOSED_FUNCTIONS, role)
        ):
            return
        # Two processes that grant at the same time would fail on each other's catalogue rows.
        async with migrate.hold_setup_lock(urls.owner), connection.transaction():
            for table, rights in await _list_wrong_rights(connection, role):
                # Names come from the catalogue, quoted by Postgres itself.
                quoted = await connection.fetchval("select quote_ident($1)", role)
                await connection.execute(f"revoke all on {table} from {quoted}")
                await connection.execute(f"grant {', '.join(rights)} on {table} to {quoted}")
            for row in await connection.fetch(_CLOSED_FUNCTIONS, role):
                quoted = await connection.fetchval("select quote_ident($1)", role)
                await connection.execute(f"grant execute on function {row['name']} to {quoted}")
    finally:
        await close_connection(connection)


async def _list_wrong_rights(
    connection: "asyncpg.Connection[Any]", role: str
) -> list[tuple[str, list[str]]]:
    return [(row["name"], row["rights"]) for row in await connection.fetch(_WRONG_RIGHTS, role)]


async def _read_role(url: str) -> str:
    connection = await engine.connect(url)
    try:
        return str(await connection.fetchval("select current_user"))
    finally:
        await close_connection(connection)
