"""The wheel runs without a checkout, as `uvx`, `pipx` and Docker use it."""

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import httpx2
import pytest

from app import __version__
from tests.support.servers.installed import Installation, run_pip
from tests.support.waiting import PATIENCE_S


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    """Make an empty folder that PostgreSQL's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="playhead-empty-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_the_wheel_holds_the_files_that_the_program_reads(wheel: Path):
    """Templates, static files and migrations are inside the package of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "app/shipped/templates/replay/page.html",
        "app/shipped/static/icons/favicon.svg",
        "app/shipped/migrations/env.py",
    } <= names
    assert [name for name in names if "__pycache__" in name or name.startswith("tests/")] == []


def test_the_wheel_declares_version_and_dependencies(wheel: Path):
    """The wheel names its version, its Python versions and its dependencies."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = message_from_bytes(archive.read(name))
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == "<3.15,>=3.12"
    assert "uvicorn<0.55,>=0.54" in metadata.get_all("Requires-Dist", [])


def test_the_lock_covers_the_wheels_dependencies(installation: Installation):
    """The locked packages contain every dependency of the wheel."""
    assert "No broken requirements" in run_pip(installation.python, "check")


def test_the_installed_program_serves_in_an_empty_folder(
    installation: Installation, empty_folder: Path
):
    """The installed program serves, plays the demo, passes its doctor and stops in order."""
    with installation.serving(empty_folder) as server:
        demo = installation.run("demo", cwd=empty_folder)
        assert demo.returncode == 0, demo.stderr
        assert ", 0 were refused." in demo.stdout
        doctor = installation.run("doctor", cwd=empty_folder)
        assert doctor.returncode == 0, doctor.stdout
        assert "decoded in a sandbox" in doctor.stdout
        page = httpx2.get(server.sign_in_link, trust_env=False, timeout=PATIENCE_S)
        assert page.status_code == 200
        for address in _static_addresses(page.text):
            answer = httpx2.get(f"{server.base_url}{address}", trust_env=False, timeout=PATIENCE_S)
            assert (address, answer.status_code) == (address, 200)
        server.process.terminate()
        assert server.process.wait(PATIENCE_S) == 0, server.read_output()
    assert not list((empty_folder / "data").rglob("postmaster.pid"))


def _static_addresses(html: str) -> list[str]:
    """Return the addresses of static files that a page names."""
    addresses = re.findall(r'"(/static/[^"]+)"', html)
    assert addresses
    return [address.replace("&amp;", "&") for address in addresses]
