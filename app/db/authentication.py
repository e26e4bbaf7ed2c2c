"""Who may connect to the embedded Postgres: the system user that runs Playhead, and nobody else.

The socket lies in a folder that only its owner can enter. On top of that Postgres asks the kernel
who is at the other end (`peer`), so that a folder whose permissions were loosened lets nobody in.
There is no password that could leak or be lost. Both files are ours and written at each start: a
data folder may move to another machine or user. The cluster's own `pg_hba.conf` stays as it was
made, so that a release before this one can still open the folder.
"""

import os
import pwd
from pathlib import Path
from typing import Final

from app.core import log
from app.db.account import Account
from app.db.roles import APP, OWNER, SUPERUSER

_RULES: Final = "playhead_hba.conf"
_NAMES: Final = "playhead_ident.conf"
_HEAD: Final = "# Written by Playhead at each start.\n"


def write_rules(cluster: Path, account: Account) -> dict[str, str]:
    """Write the two files into a cluster.

    Returns:
        The settings of Postgres that name them.
    """
    name = _own_name()
    if name is None:
        # Without a name the kernel's answer means nothing to Postgres; the folder still guards.
        log.get_logger("db.embedded").warning("system_user_without_a_name", uid=os.geteuid())
    method = "trust" if name is None else "peer map=playhead"
    rules = f"{_HEAD}local all all {method}\nlocal replication all {method}\n"
    names = "".join(f'playhead "{name}" {role}\n' for role in (APP, OWNER, SUPERUSER) if name)
    for file, text in ((_RULES, rules), (_NAMES, _HEAD + names)):
        _write(cluster / file, text, account)
    return {"hba_file": str(cluster / _RULES), "ident_file": str(cluster / _NAMES)}


def _write(path: Path, text: str, account: Account) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 - with its mode
        file.write(text)
    account.give(path)


def _own_name() -> str | None:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return None
