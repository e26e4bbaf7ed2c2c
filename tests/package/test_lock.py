"""The pinned packages can be installed on every Python version that the package supports."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.servers.installed import LOCK, ROOT

_PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)", re.MULTILINE)


def read_pins(name: str) -> dict[str, str]:
    """Return the version that a lock pins for each package."""
    return dict(_PIN.findall((LOCK.parent / name).read_text(encoding="utf-8")))


def test_the_development_lock_includes_the_program_lock():
    """The tests run with the versions that are shipped."""
    assert read_pins("app.lock").items() <= read_pins("dev.lock").items()


def test_a_lock_names_no_address():
    """A lock leaves it to the machine where packages come from."""
    for lock in LOCK.parent.glob("*.lock"):
        assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links", lock.read_text()) == []


def test_the_supported_pythons_are_those_tested():
    """The bounds in `pyproject.toml` are the oldest and the newest Python tested below."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.12,<3.15"


@pytest.mark.parametrize("python", ["3.12", "3.14"])
def test_the_lock_can_be_installed(python: str, tmp_path: Path):
    """Each pinned package has a wheel whose hash is in the lock, and no other is needed.

    pip reads the index and the wheels' metadata only: some 10 s, and no wheel is fetched.
    """
    pinned, report = tmp_path / "pinned.txt", tmp_path / "report.json"
    pinned.write_text(
        "".join(f"{name}=={version}\n" for name, version in read_pins("app.lock").items())
    )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--implementation=cp"]
    command += [f"--python-version={python}", f"--target={tmp_path}", f"--report={report}"]
    result = subprocess.run(
        [*command, "-r", str(pinned)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    installed = json.loads(report.read_text())["install"]
    names = {re.sub(r"[-_.]+", "-", package["metadata"]["name"]).lower() for package in installed}
    assert names == set(read_pins("app.lock"))
    locked = set(re.findall(r"sha256:([0-9a-f]{64})", LOCK.read_text()))
    hashes = {package["download_info"]["archive_info"]["hashes"]["sha256"] for package in installed}
    assert hashes <= locked
