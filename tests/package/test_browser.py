"""The wheel gives browsers working bundles of the scripts and styles."""

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
def environment(wheel: Path, tmp_path: Path) -> dict[str, str]:
    """Return an environment in which `app` is that of the wheel and `tests` is the checkout."""
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return {**os.environ, "PYTHONPATH": f"{unpacked}:{ROOT}"}


def run_python(environment: dict[str, str], *arguments: str) -> str:
    """Run Python in the checkout without the checkout first on its path, and return its output."""
    command = [sys.executable, "-P", *arguments]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_replay_is_watched_with_the_files_of_the_wheel(environment: dict[str, str]):
    """The browser test of watching a replay passes with the bundled files of the wheel."""
    static_folder = run_python(
        environment, "-c", "from app.core import shipped; print(shipped.STATIC)"
    )
    assert static_folder.strip().endswith("/unpacked/app/shipped/static")
    output = run_python(environment, "-m", "pytest", "-q", "-o", "pythonpath=", _WATCH)
    assert " passed" in output
