"""What a browser gets from the wheel: bundled scripts and styles, and the script in the page."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

from tests.support.servers.installed import ROOT

_WATCH: Final = "tests/browser/watch"


@pytest.fixture
def variables(wheel: Path, tmp_path: Path) -> dict[str, str]:
    """An environment in which `app` is that of the wheel, and `tests` is here."""
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return {**os.environ, "PYTHONPATH": f"{unpacked}:{ROOT}"}


def run(variables: dict[str, str], *arguments: str) -> str:
    """Run Python in the checkout without putting it first on the path; it must succeed."""
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_replay_is_watched_with_the_files_of_the_wheel(variables: dict[str, str]):
    """The test of watching a replay passes with them as with those of the checkout."""
    where = run(variables, "-c", "from app.core import shipped; print(shipped.STATIC)")
    assert where.strip().endswith("/unpacked/app/shipped/static")
    said = run(variables, "-m", "pytest", "-q", "-o", "pythonpath=", _WATCH)
    assert " passed" in said
