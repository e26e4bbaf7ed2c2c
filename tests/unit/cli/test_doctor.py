"""`playhead doctor` is called with the settings of any process."""

from pathlib import Path

import pytest

from app.cli import doctor
from app.cli.checks.check_result import CheckLevel
from app.core.process_roles import ProcessRole
from app.core.settings import Settings


@pytest.mark.parametrize(
    ("role", "text"),
    [
        (ProcessRole.DOOR, "processes with the role worker keep it"),
        (ProcessRole.WORKER, "compared once the server runs"),
    ],
)
async def test_only_workers_have_a_log_of_erasures(tmp_path: Path, role: ProcessRole, text: str):
    """A door that lacks one lacks nothing."""
    check = await doctor._check_erasure_log(Settings(data_dir=tmp_path, roles=(role,)))
    assert check.state is CheckLevel.OK
    assert text in check.text
