"""The static files as the wheel has them, without the wheel around them."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def bundled_static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `tools/bundle.js` makes; needs `npm ci`, as `make javascript` runs it."""
    folder = tmp_path_factory.mktemp("bundled") / "static"
    command = ["node", "tools/bundle.js", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder
