"""Takes a request with chunks, and stores each one as soon as it is whole.

body ─► collected to 256 KiB ─► thread: form, inflate, SHA-1, file ─► object ─► row

A request that breaks off leaves the chunks that were whole; sentry-cli asks which are missing, and
goes on there. Memory holds some hundred kilobytes of a request, whatever its size.
"""

import asyncio
from collections.abc import AsyncIterator

from app.core import clock
from app.core.errors import BusyService, ServiceUnavailable
from app.debug_files import chunks
from app.debug_files.chunks import UploadChunk
from app.debug_files.model import ApiTokenId
from app.debug_uploads.body import collect_pieces
from app.debug_uploads.chunk_writer import ChunkParts, ReceivedChunk
from app.debug_uploads.counting import BUSY_S, counting_request
from app.debug_uploads.form_reader import FormReader
from app.debug_uploads.limits import FORM_BYTES, LOOSE_BYTES, MOST_PARTS
from app.debug_uploads.services import UploadServices
from app.storage import keys


async def receive_chunks(
    services: UploadServices,
    token_id: ApiTokenId,
    body: AsyncIterator[bytes],
    *,
    content_type: str,
) -> None:
    """Store the chunks of a request, which from then on belong to its token.

    Args:
        services: The services of uploads.
        token_id: The token of the request.
        body: The body of the request, a form with a file for each chunk.
        content_type: Its header `Content-Type`.

    Raises:
        MalformedInput: The form or a chunk is broken.
        OversizedInput: The body, a chunk or the number of chunks exceeds its limit.
        BusyService: The token uploads too much at once.
        ServiceUnavailable: The disk is full, or Postgres or the storage does not answer.
    """
    with counting_request(services, token_id):
        async with services.database.reading() as connection:
            loose_bytes = await chunks.sum_loose_bytes(connection, token_id)
        if loose_bytes >= LOOSE_BYTES:
            raise BusyService(
                f"{loose_bytes} bytes of chunks wait with this token to become files; they are "
                "deleted 24 hours after their last use",
                wait_s=BUSY_S,
            )
        parts = ChunkParts(services.folder)
        form = FormReader(content_type, parts.open_part, most_parts=MOST_PARTS)
        try:
            async for piece in collect_pieces(body, most_bytes=FORM_BYTES):
                await asyncio.to_thread(_feed_form, form, piece)
                for chunk in parts.take_received():
                    with chunk.file:
                        await _store_chunk(services, token_id, chunk)
            form.finish()
        finally:
            parts.close()


def _feed_form(form: FormReader, piece: bytes) -> None:
    try:
        form.feed(piece)
    except OSError as error:
        raise ServiceUnavailable(f"an upload cannot be written: {error.strerror}") from error


async def _store_chunk(
    services: UploadServices, token_id: ApiTokenId, received: ReceivedChunk
) -> None:
    """Store a chunk, unless the token has sent it before."""
    async with services.database.transaction() as connection:
        if await chunks.find_chunks(connection, token_id, [received.sha1]):
            return
    key = keys.make_chunk_key(clock.now().date(), token_id, received.sha1)
    await services.objects.put_file(key, received.file.fileno())
    chunk = UploadChunk(received.sha1, key, received.size_bytes)
    async with services.database.transaction() as connection:
        is_new = await chunks.add_chunk(connection, token_id, chunk)
    if not is_new:
        await services.objects.delete(key)
