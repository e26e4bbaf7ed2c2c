"""Finds and runs `pg_dump` and `pg_restore`.

Passwords go to them by the environment, because everybody on a machine can read arguments.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from app.backup.model import BackupRefused, BackupUnfinished
from app.core import log
from app.core.errors import ServiceUnavailable
from app.db.server.programs import PostgresPrograms

_NEEDED: Final = ("pg_dump", "pg_restore")
_DEBIAN: Final = Path("/usr/lib/postgresql")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_TIMEOUT_SINCE: Final = 17
"""Programs of this version and later set `transaction_timeout`, which older servers refuse."""
_PIECE_BYTES: Final = 256 * 1024
_MESSAGE_CHARS: Final = 190


class ToolFailed(BackupUnfinished):
    """A program of Postgres failed.

    Attributes:
        complaint: The text that it wrote to standard error.
    """

    def __init__(self, program: str, complaint: str) -> None:
        super().__init__(f"{program} failed: {log.shown(complaint[-_MESSAGE_CHARS:])}")
        self.complaint = complaint


@dataclass(frozen=True, slots=True)
class PostgresTools:
    """A folder with `pg_dump` and `pg_restore`, and their major version."""

    folder: Path
    major: int

    @asynccontextmanager
    async def running(
        self, program: str, url: str | None, *arguments: str
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Run a program for the length of a block, which gets what it writes to standard output.

        Args:
            program: `pg_dump` or `pg_restore`.
            url: The database; None if the program needs none.
            arguments: Its arguments, without the database.

        Raises:
            ToolFailed: It fails; the message ends with what it wrote to standard error.
        """
        environment = dict(os.environ)
        options = []
        if url is not None:
            plain_url, password = _take_password_out(url)
            options = [f"--dbname={plain_url}"]
            if password is not None:
                environment["PGPASSWORD"] = password
        process = await asyncio.create_subprocess_exec(
            str(self.folder / program),
            *options,
            *arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert process.stdout is not None  # noqa: S101 - a pipe
        assert process.stderr is not None  # noqa: S101 - a pipe
        complaints = asyncio.create_task(process.stderr.read())
        try:
            yield _read_pieces(process.stdout)
            status = await process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            complaint = (await complaints).decode(errors="replace").strip()
        if status != 0:
            raise ToolFailed(program, complaint)

    async def run(self, program: str, url: str | None, *arguments: str) -> None:
        """Run a program to its end, and leave out what it prints.

        Raises:
            ToolFailed: It fails.
        """
        async with self.running(program, url, *arguments) as output:
            async for _ in output:
                pass


def find_tools(
    configured: Path | None, *, server_major: int, dump_major: int | None = None
) -> PostgresTools:
    """Find programs that fit a server, best of its own version.

    Args:
        configured: The folder of `PLAYHEAD_POSTGRES_BIN`, if it is set.
        server_major: The major version of the server.
        dump_major: The major version of the programs that wrote the dump that is to be restored;
            None if one is to be made.

    Raises:
        BackupRefused: There are none; the message says what to install.
    """
    present = list(_list_tools(configured))
    fitting = [tools for tools in present if _fits(tools, server_major, dump_major)]
    # Programs of a later version can read an older server; a dump of theirs needs them again.
    best = min(fitting, key=lambda tools: tools.major, default=None)
    if best is not None:
        return best
    known = ", ".join(f"{tools.major} in {tools.folder}" for tools in present) or "none"
    wanted = max(server_major, dump_major or 0)
    raise BackupRefused(
        f"no pg_dump and pg_restore here fit Postgres {server_major} (found: {known}). Install "
        f"those of Postgres {wanted} (Debian: postgresql-client-{wanted}), or name their folder "
        f"in PLAYHEAD_POSTGRES_BIN"
    )


def _fits(tools: PostgresTools, server_major: int, dump_major: int | None) -> bool:
    if dump_major is None:
        return tools.major >= server_major
    is_understood = server_major >= _TIMEOUT_SINCE or tools.major < _TIMEOUT_SINCE
    return tools.major >= max(server_major, dump_major) and is_understood


def _list_tools(configured: Path | None) -> Iterator[PostgresTools]:
    folders = [] if configured is None else [configured]
    with suppress(ServiceUnavailable):
        folders.append(PostgresPrograms.find(None).folder)
    on_path = shutil.which("pg_dump")
    if on_path is not None:
        # Debian's is a script that chooses a version: the programs themselves are in folders below.
        folders += sorted(_DEBIAN.glob("*/bin"))
        folders.append(Path(on_path).resolve().parent)
    seen: set[Path] = set()
    for folder in folders:
        if folder not in seen and all((folder / name).exists() for name in _NEEDED):
            seen.add(folder)
            major = _read_major(folder / "pg_dump")
            if major is not None:
                yield PostgresTools(folder, major)


def _read_major(program: Path) -> int | None:
    try:
        output = subprocess.run(  # noqa: S603 - a program of Postgres
            [str(program), "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(output)
    return int(match[1]) if match else None


async def _read_pieces(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await stream.read(_PIECE_BYTES):
        yield piece


def _take_password_out(url: str) -> tuple[str, str | None]:
    """Return a URL without its password, and the password."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    options = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(key, value) for key, value in options if key != "password"]
    by_option = dict(options).get("password")
    query = urlencode(kept, safe="/", quote_via=quote)
    plain = f"{parts.scheme}://{name}{at}{hosts}{parts.path}{'?' if query else ''}{query}"
    return plain, by_option or (unquote(password) if password else None)
