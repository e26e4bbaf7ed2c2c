"""The system user that runs the embedded Postgres when this process is root."""

import os
import pwd
import shutil
import subprocess

import pytest

from app.db.server import system_user

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")


@AS_ROOT
@pytest.mark.parametrize("program", [None, "/bin/false"])
def test_where_users_cannot_be_added_the_server_runs_as_nobody(
    monkeypatch: pytest.MonkeyPatch, program: str | None
):
    """Small images have no useradd, read-only ones a failing one; nobody is always there."""
    monkeypatch.setattr(system_user, "SYSTEM_USER", "playhead-no-such-user")
    monkeypatch.setattr(shutil, "which", lambda _name: program)
    assert system_user.find_system_user().uid == pwd.getpwnam("nobody").pw_uid


@AS_ROOT
def test_the_system_user_is_added_without_home_and_shell(monkeypatch: pytest.MonkeyPatch):
    """The first start as root asks useradd for a user who cannot log in, and runs as them."""
    asked: list[str] = []

    def run(command, **_options):
        asked.extend(command)
        entry = pwd.struct_passwd((command[-1], "x", 12345, 12345, "", "/", "/bin/false"))
        monkeypatch.setattr(pwd, "getpwnam", {command[-1]: entry}.__getitem__)

    monkeypatch.setattr(system_user, "SYSTEM_USER", "playhead-no-such-user")
    monkeypatch.setattr(subprocess, "run", run)
    assert system_user.find_system_user().uid == 12345
    assert {"--system", "--no-create-home", "/usr/sbin/nologin"} <= set(asked)
