"""The wheel, and an installation of it in a virtual environment outside the checkout.

The steps of the Dockerfile make it, from the wheel and the lock, as `pip` would anywhere;
`Installation.serving` runs its server in an empty folder.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.servers.dockerfile import Build
from tests.support.servers.ports import find_free_port
from tests.support.waiting import PATIENCE_S

ROOT: Final = Path(__file__).resolve().parents[3]
LOCK: Final = ROOT / "requirements" / "app.lock"
_LINK: Final = re.compile(r"http://\S+/sign-in/\S+")


@dataclass(frozen=True, slots=True)
class RunningInstallation:
    """A server of the installed program that listens."""

    base_url: str
    process: "subprocess.Popen[bytes]"
    output: Path
    """File that takes what the server prints."""

    def read_output(self) -> str:
        """Return what the server has printed so far."""
        return self.output.read_text(encoding="utf-8")

    def is_ready(self) -> bool:
        """Tell whether the banner is printed to its end."""
        assert self.process.poll() is None, self.read_output()
        return "Ctrl-C" in self.read_output()

    @property
    def sign_in_link(self) -> str:
        """The one-time link that the banner shows."""
        match = _LINK.search(self.read_output())
        assert match, self.read_output()
        return match[0]


@dataclass(frozen=True, slots=True)
class Installation:
    """A virtual environment with Playhead in it, and nothing else that its lock does not name."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.folder / "bin" / "python"

    def run(
        self, *arguments: str, cwd: Path, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run the `playhead` command to its end; returns what it printed, and its status."""
        return subprocess.run(
            [self.folder / "bin" / "playhead", *arguments],
            cwd=cwd,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    @contextmanager
    def serving(self, cwd: Path) -> Iterator[RunningInstallation]:
        """Start `playhead serve` in a folder; it is stopped as an operator stops it."""
        port = find_free_port()
        output = self.folder / f"output-{port}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [self.folder / "bin" / "playhead", "serve", "--port", str(port)],
                cwd=cwd,
                env=environment(),
                stdout=file,
                stderr=file,
            )
        server = RunningInstallation(f"http://localhost:{port}", process, output)
        try:
            wait_until_ready(server)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)


def environment(**variables: str) -> dict[str, str]:
    """Return an environment in which nothing leads back to the checkout."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "COLUMNS": "200", **variables}


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout with the build backend that the lock pins."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def image() -> Iterator[Build]:
    """The folder that the Dockerfile makes; it has 400 MB and takes most of a minute."""
    # Not under pytest's own folder: that is 0700, and as root PostgreSQL runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="playhead-installed-"))
    folder.chmod(0o755)
    yield Build(ROOT, folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def installation(image: Build) -> Installation:
    """The wheel and what the lock names, in a clean virtual environment: that of the image."""
    return Installation(image.place("/opt/playhead"))


def run_pip(python: Path, *arguments: str) -> str:
    """Run this environment's pip for another one; it must succeed."""
    command = [sys.executable, "-m", "pip", "--python", str(python)]
    quiet = ["--disable-pip-version-check", "--no-input"]
    done = subprocess.run(
        [*command, *arguments, *quiet], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_until_ready(server: RunningInstallation) -> None:
    """Wait until the server says that it is ready."""
    deadline = time.monotonic() + PATIENCE_S
    while not server.is_ready():
        assert time.monotonic() < deadline, server.read_output()
        time.sleep(0.05)
