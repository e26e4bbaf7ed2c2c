"""Runs the unmodified sentry-cli, in the versions that build plugins bring along."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.waiting import PATIENCE_S

VERSIONS: Final = ("2.31", "2.58", "3.8")
_MODULES: Final = Path(__file__).parent / "node_modules"


@dataclass(frozen=True, slots=True)
class CliRun:
    """The exit status of a command, and its output."""

    status: int
    output: str
    """What it printed to both streams."""


@dataclass(frozen=True, slots=True)
class BuildServer:
    """A place from which a version of sentry-cli uploads to a project."""

    version: str
    url: str
    project: str
    token: str
    home: Path
    """An empty folder, so that no settings of this machine are read."""

    async def run(self, *arguments: str | Path, folder: Path | None = None) -> CliRun:
        """Run a command to its end."""
        process = await asyncio.create_subprocess_exec(
            _MODULES / f"sentry-cli-{self.version}" / "bin" / "sentry-cli",
            *map(str, arguments),
            cwd=folder or self.home,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "SENTRY_URL": self.url,
                "SENTRY_ORG": "playhead",
                "SENTRY_PROJECT": self.project,
                "SENTRY_AUTH_TOKEN": self.token,
                "SENTRY_DISABLE_UPDATE_CHECK": "true",
                "NO_COLOR": "1",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(PATIENCE_S):
            output, _ = await process.communicate()
        return CliRun(process.returncode or 0, output.decode())
