"""The system user that runs the embedded Postgres: our own, or another one when we are root.

Postgres refuses to run as root. When this process is root, Postgres runs as `pgserver`, which is
added if it is missing, or as `nobody` where users cannot be added.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.errors import ServiceUnavailable

SYSTEM_USER: Final = "pgserver"
"""The user that the server runs as when this process is root."""


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The system user that the server runs as; all None stands for the user of this process."""

    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] | None = None

    def give(self, path: Path) -> None:
        """Make this user the owner of a file or folder."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def require_passage(self, folder: Path, *, remedy: str) -> None:
        """Check that this user can reach a folder.

        Permissions of folders that Playhead did not make are for the operator to change.

        Args:
            folder: The folder to be reached.
            remedy: The remedy for the operator, as a part of the error message.

        Raises:
            ServiceUnavailable: A folder on the way is closed to the user.
        """
        for step in reversed((folder, *folder.parents)):
            if not self._may_pass(step):
                raise ServiceUnavailable(
                    f"{step} is closed to the system user {pwd.getpwuid(self.uid or 0).pw_name}, "
                    f"as whom Postgres runs when Playhead is started by root. Start Playhead as an "
                    f"ordinary user, or {remedy}, or open the folder: chmod o+x {step}"
                )

    def _may_pass(self, folder: Path) -> bool:
        if self.uid is None or folder.stat().st_mode & 0o001:
            return True
        # Groups and access control lists may grant access as well: try it as that user.
        return (
            subprocess.run(  # noqa: S603 - a fixed command
                [shutil.which("test") or "/usr/bin/test", "-x", str(folder)],
                cwd="/",
                check=False,
                user=self.uid,
                group=self.gid,
                extra_groups=self.groups,
            ).returncode
            == 0
        )


def find_system_user() -> SystemUser:
    """Return the user that must run the server: our own, unless we are root."""
    if os.geteuid() != 0:
        return SystemUser()
    entry = _read_entry(SYSTEM_USER) or _add_user(SYSTEM_USER)
    if entry is None:
        # Small and read-only images cannot add users. Postgres needs one with a name, though.
        entry = pwd.getpwnam("nobody")
    return SystemUser(entry.pw_uid, entry.pw_gid, ())


def _add_user(name: str) -> pwd.struct_passwd | None:
    program = shutil.which("useradd")
    if program is None:
        return None
    subprocess.run(  # noqa: S603 - a fixed command
        [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
        check=False,
        capture_output=True,
    )
    return _read_entry(name)


def _read_entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
