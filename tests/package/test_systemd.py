"""The units for systemd start the installed program, and systemd understands them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.servers.installed import ROOT, Installation

UNIT = ROOT / "deploy" / "playhead.service"
UNITS = sorted(
    path for path in (ROOT / "deploy").iterdir() if path.suffix in {".service", ".timer", ".target"}
)


def test_the_unit_starts_the_installed_program(installation: Installation):
    """The unit's command is the path at which the documentation installs the program."""
    (command,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    program, *arguments = command.split()
    assert program == "/opt/playhead/bin/playhead"
    assert (installation.folder / "bin" / "playhead").is_file()
    assert arguments == ["serve"]
    guide = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert "python3 -m venv /opt/playhead\n" in guide


def test_every_unit_starts_an_installed_command(installation: Installation):
    """All commands of all units begin with the path at which the program is installed."""
    for unit in UNITS:
        commands = re.findall(r"^Exec\w+=(.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        assert commands or unit.suffix == ".timer"
        for command in commands:
            assert "/opt/playhead/bin/playhead " in command


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path):
    """Systemd, where it is installed, finds no fault with a unit."""
    for each in UNITS:
        text = each.read_text(encoding="utf-8")
        # systemd-analyze requires that the executable exists, and Playhead's is not installed here.
        (tmp_path / each.name).write_text(
            text.replace("/opt/playhead/bin/playhead", "/bin/true"), encoding="utf-8"
        )
    sections = re.findall(r"^\[(\w+)\]$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert sections[0] == "Unit"
    name = unit.name.replace("@.", "@door.")
    if shutil.which("systemd-analyze"):
        if name != unit.name:
            (tmp_path / name).symlink_to(tmp_path / unit.name)
        command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stdout + result.stderr) == (0, "")
