"""`playhead erase`: deletes a replay from a terminal."""

import asyncio
from typing import Annotated

import typer

from app.cli import environment, projects
from app.cli.environment import out
from app.core import clock, ids, log
from app.core.errors import InvalidInput
from app.core.ids import ReplayId
from app.core.settings import Settings
from app.erasure import replay
from app.replays.model import ReplayKey, Tombstone


def erase_replay(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Id or slug of the project.")],
    replay_id: Annotated[str, typer.Argument(metavar="REPLAY_ID", help="32 hex digits.")],
) -> None:
    """Delete a replay for good. It disappears at once, and its video within a minute."""
    read_id = ids.read_hex32(replay_id)
    if read_id is None:
        raise InvalidInput(f"{log.shown(replay_id)!r} is not a replay id of 32 hex digits")
    tombstone = asyncio.run(_erase_replay(environment.read_settings(), project, ReplayId(read_id)))
    size_mb = tombstone.video_bytes / 1_000_000
    out.print(
        f"Erased: {tombstone.segments} segments, {size_mb:.1f} MB of video. "
        "The running server removes the stored video within a minute."
    )


async def _erase_replay(settings: Settings, project: str, replay_id: ReplayId) -> Tombstone:
    async with environment.open_database(settings) as database:
        async with database.reading() as connection:
            found_project = await projects.find_project(connection, project)
        key = ReplayKey(found_project.id, replay_id)
        return await replay.erase_replay(database, key, person_id=None, at=clock.now())
