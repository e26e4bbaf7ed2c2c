"""Lets only the system user that runs Playhead connect to the embedded Postgres.

The socket lies in a folder that only its owner can enter. In addition Postgres asks the kernel who
is at the other end (`peer`), so that nobody gets in even if the permissions of the folder are
loosened. There is no password that could leak or be lost. The two files are written at each start,
because a data folder may move to another machine or user. The cluster's own `pg_hba.conf` is left
alone, so that an older release can still open the folder.
"""

import os
import pwd
from pathlib import Path
from typing import Final

from app.core import log
from app.db.roles import APP, OWNER, SUPERUSER
from app.db.server.system_user import SystemUser

_RULES: Final = "playhead_hba.conf"
_NAMES: Final = "playhead_ident.conf"
_HEAD: Final = "# Written by Playhead at each start.\n"


def write_access_rules(cluster: Path, user: SystemUser) -> dict[str, str]:
    """Write the access rules and the map of user names into a cluster.

    Returns:
        The settings with which Postgres reads the two files.
    """
    name = _read_own_name()
    if name is None:
        # Postgres compares names, so it cannot use the kernel's answer; the folder still protects.
        log.get_logger("db.embedded").warning("system_user_without_a_name", uid=os.geteuid())
    method = "trust" if name is None else "peer map=playhead"
    rules = f"{_HEAD}local all all {method}\nlocal replication all {method}\n"
    names = "".join(f'playhead "{name}" {role}\n' for role in (APP, OWNER, SUPERUSER) if name)
    for file, text in ((_RULES, rules), (_NAMES, _HEAD + names)):
        _write_file(cluster / file, text, user)
    return {"hba_file": str(cluster / _RULES), "ident_file": str(cluster / _NAMES)}


def _write_file(path: Path, text: str, user: SystemUser) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 - with its mode
        file.write(text)
    user.give(path)


def _read_own_name() -> str | None:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return None
