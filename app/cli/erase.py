"""`playhead erase`: the deletion of a replay, from a terminal."""

import asyncio
from typing import Annotated

import typer

from app.cli import projects, surroundings
from app.cli.surroundings import out
from app.core import clock, ids, log
from app.core.errors import InvalidInput
from app.core.ids import ReplayId
from app.core.settings import Settings
from app.erasure import replay
from app.replays.model import ReplayKey, Tombstone


def erase(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Id or slug of the project.")],
    replay_id: Annotated[str, typer.Argument(metavar="REPLAY_ID", help="32 hex digits.")],
) -> None:
    """Delete a replay for good. It is out of reach at once; its video goes with the next sweep."""
    wanted = ids.read_hex32(replay_id)
    if wanted is None:
        raise InvalidInput(f"{log.shown(replay_id)!r} is no replay id: 32 hex digits are expected")
    gone = asyncio.run(_erase(surroundings.read_settings(), project, ReplayId(wanted)))
    out.print(
        f"Erased: {gone.segments} segments, {gone.video_bytes / 1_000_000:.1f} MB of video. "
        "The running server removes the stored video within a minute."
    )


async def _erase(settings: Settings, project: str, replay_id: ReplayId) -> Tombstone:
    async with surroundings.database(settings) as database:
        async with database.reading() as connection:
            found = await projects.find(connection, project)
        key = ReplayKey(found.id, replay_id)
        return await replay.erase_replay(database, key, person_id=None, at=clock.now())
