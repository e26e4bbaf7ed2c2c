"""Searches everything that an installation holds for some texts: all rows and all objects.

Columns of bytes are unpacked as far as they can be: zstd, gzip, zlib, and JSON inside of JSON. A
text is found in either case, and as JSON or an address writes it.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import zstandard
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_TABLES = """
    select c.relname from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and not c.relispartition and c.relname <> 'alembic_version'
    order by 1
"""


async def find_in_rows(
    connection: AsyncConnection, needles: Iterable[str], *, leave_out: Iterable[str] = ()
) -> list[str]:
    """Return where some texts stand in the database, as `table: text`."""
    spellings = _spell(needles)
    hits: list[str] = []
    left_out = set(leave_out)
    for table in (await connection.scalars(text(_TABLES))).all():
        if table in left_out:
            continue
        rows = await connection.execute(text(f'select * from "{table}"'))
        for row in rows.mappings():
            for column, value in row.items():
                hits += [
                    f"{table}.{column}: {needle}" for needle in _find(_bytes_of(value), spellings)
                ]
    return hits


def find_in_files(paths: Iterable[Path], needles: Iterable[str]) -> list[str]:
    """Return in which files some texts stand, as `name: text`."""
    spellings = _spell(needles)
    return [
        f"{path.name}: {needle}" for path in paths for needle in _find(path.read_bytes(), spellings)
    ]


def _spell(needles: Iterable[str]) -> dict[str, list[bytes]]:
    return {
        needle: [
            spelling.lower().encode()
            for spelling in {needle, quote(needle, safe=""), json.dumps(needle)[1:-1]}
        ]
        for needle in needles
    }


def _find(data: bytes, spellings: dict[str, list[bytes]]) -> list[str]:
    texts = [part.lower() for part in _unpack(data)]
    return [
        needle
        for needle, spelled in spellings.items()
        if any(each in part for each in spelled for part in texts)
    ]


def _bytes_of(value: object) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return json.dumps(value, default=str, ensure_ascii=False).encode()


def _unpack(data: bytes) -> Iterator[bytes]:
    """Yield some bytes, and what they hold once they are decompressed."""
    yield data
    for unpack in (_unpack_zstd, gzip.decompress, zlib.decompress):
        try:
            yield unpack(data)
        except (zstandard.ZstdError, OSError, zlib.error, EOFError):
            continue


def _unpack_zstd(data: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        return reader.read()
