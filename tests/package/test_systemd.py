"""The unit for systemd starts the installed program and names only what exists."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.support.servers.installed import ROOT, Installation

UNIT = ROOT / "deploy" / "playhead.service"


def test_unit_starts_what_the_image_has(installation: Installation):
    """Its command is where the documents install the program, and exists there."""
    (command,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    program, *arguments = command.split()
    assert program == "/opt/playhead/bin/playhead"
    assert (installation.folder / "bin" / "playhead").is_file()
    assert arguments == ["serve"]
    guide = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert "python3 -m venv /opt/playhead\n" in guide


def test_systemd_understands_every_line(tmp_path: Path):
    """Systemd itself checks the unit, on machines that have it."""
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    # It asks for an executable, which is not installed here.
    unit.write_text(text.replace("/opt/playhead/bin/playhead", "/bin/true"), encoding="utf-8")
    assert re.findall(r"^\[(\w+)\]$", text, re.MULTILINE) == ["Unit", "Service", "Install"]
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "verify", str(unit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
