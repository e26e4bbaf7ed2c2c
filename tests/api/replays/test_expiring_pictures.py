"""Pictures that no row points at go by themselves, whatever became of the process that put them."""

from typing import Any

import pytest

from app.core import clock
from app.core.errors import ServiceUnavailable
from app.playback.pictures import make
from app.playback.pictures.make import PictureResult
from app.replays import pictures, sealing
from tests.api.replays.test_pictures import (
    draw_at_once,
    draw_replay,
    list_pictures,
    read_strip,
    replay_key,
)
from tests.support.builders import envelopes
from tests.support.waiting import until

__all__ = ("draw_at_once",)  # a fixture that every test here uses


async def test_pictures_that_were_put_and_not_noted_go_by_themselves(server, monkeypatch):
    """Postgres goes away, or the process dies, after the object was put."""
    await server.take(envelopes.replay_video_envelope(0))

    async def fail(*_arguments: object, **_options: object) -> None:
        raise ServiceUnavailable("Postgres went away")

    async with server.database.transaction() as connection:
        await pictures.request_pictures(connection, [replay_key(server)], at=clock.now())
    with monkeypatch.context() as patched:
        patched.setattr(pictures, "save_pictures", fail)
        with pytest.raises(ServiceUnavailable):
            await make.make_next_pictures(server.database, server.service.page_services.store)
    (left,) = list_pictures(server)
    async with server.database.transaction() as connection:
        await connection.exec_driver_sql("update expiring_objects set expires_at = now()")
        await connection.exec_driver_sql("update replay_pictures set due_at = now()")
    assert await draw_replay(server) is PictureResult.MADE
    server.service.sweeper.hurry()
    await until(lambda: left not in list_pictures(server))
    assert len(list_pictures(server)) == 1


async def test_pictures_that_expired_while_a_process_was_held_up_are_drawn_again(
    server, monkeypatch
):
    """No row points at an object that the sweep is about to remove."""
    await server.take(envelopes.replay_video_envelope(0))

    async def expire(*_arguments: object) -> None:
        """Forget it, as the sweep does when it has removed the object."""

    with monkeypatch.context() as patched:
        patched.setattr(sealing, "let_object_expire", expire)
        assert await draw_replay(server) is PictureResult.PUT_OFF
    assert (await read_strip(server))["state"] == "due"
    assert await draw_replay(server) is PictureResult.MADE


async def test_pictures_that_another_process_draws_by_now_do_not_count_as_made(server, monkeypatch):
    """Those of the process that was held up are thrown away."""
    await server.take(envelopes.replay_video_envelope(0))
    let_object_expire = sealing.let_object_expire

    async def lose_lease(*arguments: Any) -> None:
        await let_object_expire(*arguments)
        async with server.database.transaction() as connection:
            await connection.exec_driver_sql(
                "update replay_pictures set leased_until = leased_until + interval '1 hour'"
            )

    monkeypatch.setattr(sealing, "let_object_expire", lose_lease)
    assert await draw_replay(server) is PictureResult.PUT_OFF
    server.service.sweeper.hurry()
    await until(lambda: not list_pictures(server))
