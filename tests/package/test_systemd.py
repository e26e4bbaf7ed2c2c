"""The unit for systemd starts the installed program and names only files that exist."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.support.servers.installed import ROOT, Installation

UNIT = ROOT / "deploy" / "playhead.service"


def test_the_unit_starts_the_installed_program(installation: Installation):
    """The unit's command is the path at which the documentation installs the program."""
    (command,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    program, *arguments = command.split()
    assert program == "/opt/playhead/bin/playhead"
    assert (installation.folder / "bin" / "playhead").is_file()
    assert arguments == ["serve"]
    guide = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert "python3 -m venv /opt/playhead\n" in guide


def test_systemd_understands_every_line(tmp_path: Path):
    """Systemd, where it is installed, finds no fault with the unit."""
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    # systemd-analyze requires that the executable exists, and Playhead's is not installed here.
    unit.write_text(text.replace("/opt/playhead/bin/playhead", "/bin/true"), encoding="utf-8")
    assert re.findall(r"^\[(\w+)\]$", text, re.MULTILINE) == ["Unit", "Service", "Install"]
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "verify", str(unit)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stdout + result.stderr) == (0, "")
