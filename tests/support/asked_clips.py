"""Asks a server for clips as the script of the page does, and looks at what is stored of them."""

from typing import Any

from sqlalchemy import text

from app.erasure.sweep import sweep_once
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server
from tests.support.waiting import until_asked


async def ask(server: Server, **fields: str) -> dict[str, Any]:
    """Ask for a clip as the script of the page does, and return what it is told."""
    answer = await server.web.post(
        server.page(REPLAY_ID, "/clips"), data=fields, headers={"accept": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def look(server: Server, told: dict[str, Any]) -> dict[str, Any]:
    """Look how far a clip is."""
    answer = await server.web.get(told["href"])
    assert answer.status_code == 200
    state: dict[str, Any] = answer.json()
    return state


async def wait_for(server: Server, told: dict[str, Any]) -> dict[str, Any]:
    """Wait until a clip is ready or has failed."""

    async def has_ended() -> bool:
        return (await look(server, told))["state"] in {"ready", "failed"}

    await until_asked(has_ended)
    return await look(server, told)


async def read_storage(server: Server) -> list[tuple[int, int]]:
    """Return how many clips are counted as storage of the project, and their bytes."""
    async with server.database.reading() as connection:
        rows = await connection.execute(
            text(
                "select items, size_bytes from storage_days"
                " where kind = 'clips' and items <> 0 and project_id = :project_id"
            ),
            {"project_id": server.app.id},
        )
        return [(row.items, row.size_bytes) for row in rows]


def list_clip_objects(server: Server) -> list[str]:
    """Return the names of the files of clips in object storage."""
    return [
        path.name
        for path in server.objects()
        if path.name.startswith("clip-") and path.parts[-3] == str(server.app.id)
    ]


async def sweep(server: Server) -> None:
    """Remove what is to be removed."""
    while await sweep_once(server.database, server.service.shared.objects):
        pass
