"""Today's Python SDK, unmodified, sends to a running server."""

import asyncio

import sentry_sdk
from sqlalchemy import text

from app.formats import credentials


def report(dsn: str) -> tuple[str, str]:
    """Send one error inside one transaction; return the event's id and the trace's."""
    client = sentry_sdk.Client(
        dsn=dsn, traces_sample_rate=1.0, default_integrations=False, release="shop@1.0"
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        with sentry_sdk.start_transaction(name="checkout", op="task") as transaction:
            try:
                raise ValueError("no card given")  # noqa: TRY301 - that is what an app does
            except ValueError as error:
                event_id = sentry_sdk.capture_exception(error)
            trace_id = transaction.trace_id
        client.close(timeout=20)
    assert event_id is not None
    return event_id, trace_id


async def test_an_error_and_a_transaction_arrive(server):
    """Both are stored under their ids, one outcome each."""
    dsn = credentials.make_dsn(server.base_url, server.app.key, server.app.id)
    event_id, trace_id = await asyncio.to_thread(report, dsn)
    await server.settled()
    counts = await server.outcomes()
    assert counts["event", "kept", ""] == 1
    assert counts["transaction", "kept", ""] == 1
    assert [key for key in counts if key[1] == "refused"] == []
    async with server.database.reading() as connection:
        event = (
            await connection.execute(text("select event_id, title, trace_id from events"))
        ).one()
        transaction = (
            await connection.execute(text("select name, trace_id from transactions"))
        ).one()
    assert (event.event_id.hex, event.trace_id.hex) == (event_id, trace_id)
    assert "ValueError" in event.title
    assert (transaction.name, transaction.trace_id.hex) == ("checkout", trace_id)
