"""Makes clips that are ready without rendering anything."""

from app.core.ids import PersonId, ReplayId
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange
from app.replays import queries as replays, sealing
from app.replays.clips import writes
from app.replays.clips.model import Clip, ClipFile, ClipRequest
from app.replays.model import ReplayKey
from app.storage import keys
from tests.support.servers.server import Server

CLIP_BYTES = b"a clip that nobody plays"


async def add_ready_clip(server: Server, replay_id: str, *, name: str = "c" * 32) -> Clip:
    """Add a clip of a replay with a file that is no video.

    Args:
        server: The server.
        replay_id: The replay, in the app of the server.
        name: The name of the result; another one makes another clip.
    """
    key = ReplayKey(server.app.id, ReplayId(replay_id))
    request = ClipRequest(ClipFormat.MP4, ReplayRange(0, 2_000))
    async with server.database.transaction() as connection:
        replay = await replays.find_replay(connection, key)
        assert replay is not None
        await writes.add_clip(
            connection, key, request, day=replay.day, result=name, person_id=PersonId(1)
        )
        # In one transaction, so that nobody else renders it.
        task = await writes.claim_clip(connection)
        assert task is not None
        object_key = keys.make_clip_key(replay.day, *key)
        await sealing.let_object_expire(connection, key, object_key)
        await server.service.shared.objects.put(object_key, CLIP_BYTES)
        file = ClipFile(object_key, len(CLIP_BYTES), 128, 256, 2_000)
        assert await writes.finish_clip(connection, task, file)
    return task.clip
