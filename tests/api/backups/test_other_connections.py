"""A restore finds the processes that use its database, whatever role they have."""

from app.backup import database as backup_database
from app.db import engine
from app.db.roles import OWNER
from tests.support.servers.postgres import OUR_USER, as_app


async def test_a_connection_that_a_pooler_keeps_holds_up_nobody(database_url: str):
    """It is idle, and nobody's heartbeat has used it for a while."""
    connection = await engine.connect(database_url)
    try:
        for used_within_s, others in ((3_600, 1), (0, 0)):
            facts = await backup_database.read_facts(database_url, used_within_s=used_within_s)
            assert facts.other_connections == others
    finally:
        await connection.close()


async def test_a_connection_of_another_role_is_found(database_url: str):
    """Postgres hides its state from other roles: only its own role sees that it is idle."""
    url = as_app(database_url)
    other_url = database_url.replace(OUR_USER, f"//{OWNER}@/", 1)
    connection = await engine.connect(other_url)
    try:
        for app_url, used_within_s, others in (
            (None, 0, 1), (other_url, 3_600, 1), (other_url, 0, 0),
        ):  # fmt: skip
            facts = await backup_database.read_facts(
                url, app_url=app_url, used_within_s=used_within_s
            )
            assert facts.other_connections == others
    finally:
        await connection.close()
