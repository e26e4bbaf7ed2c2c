"""The locks: what they pin can be installed on every Python that the package promises."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.servers.installed import LOCK, ROOT

_PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Return the versions that a lock pins, by package."""
    return dict(_PIN.findall((LOCK.parent / name).read_text(encoding="utf-8")))


def test_tests_run_with_what_is_shipped():
    """The lock for development pins what the lock of the program pins."""
    assert pins("app.lock").items() <= pins("dev.lock").items()


def test_lock_names_no_address():
    """Packages come from wherever the machine is told to get them."""
    for lock in LOCK.parent.glob("*.lock"):
        assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links", lock.read_text()) == []


def test_promised_pythons_are_those_that_are_tested():
    """The newest and the oldest Python below are the bounds in `pyproject.toml`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.12,<3.15"


@pytest.mark.parametrize("python", ["3.12", "3.14"])
def test_lock_can_be_installed(python: str, tmp_path: Path):
    """Each pinned package has a wheel with a hash of the lock, and they need no further one.

    pip reads the index and the wheels' metadata only: some 10 s, and no wheel is fetched.
    """
    pinned, report = tmp_path / "pinned.txt", tmp_path / "report.json"
    pinned.write_text("".join(f"{name}=={version}\n" for name, version in pins("app.lock").items()))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--implementation=cp"]
    command += [f"--python-version={python}", f"--target={tmp_path}", f"--report={report}"]
    done = subprocess.run(
        [*command, "-r", str(pinned)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    installed = json.loads(report.read_text())["install"]
    names = {re.sub(r"[-_.]+", "-", each["metadata"]["name"]).lower() for each in installed}
    assert names == set(pins("app.lock"))
    locked = set(re.findall(r"sha256:([0-9a-f]{64})", LOCK.read_text()))
    hashes = {each["download_info"]["archive_info"]["hashes"]["sha256"] for each in installed}
    assert hashes <= locked
