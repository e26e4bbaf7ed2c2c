"""A checkout of the release after this one, with a migration of its own."""

import shutil
from pathlib import Path
from typing import Final

from app import __version__
from app.db import migrate
from tests.support.servers.installed import ROOT

NEXT_VERSION: Final = "9.9.9"
NEXT_REVISION: Final = "9001"
_MIGRATION: Final = f"""
from alembic import op

revision = "{NEXT_REVISION}"
down_revision = "{{before}}"


def upgrade() -> None:
    op.execute("alter table replays add column of_the_next_release text not null default ''")
    op.execute("alter table segments add column of_the_next_release int")
    op.execute("create table of_the_next_release (id bigint primary key)")
"""


def make_next_release(folder: Path) -> Path:
    """Copy this checkout and make it a release later; returns the folder.

    Compiled modules come along, or each process of that release would compile a thousand of them.
    """
    folder.mkdir()
    for name in ("app", "migrations"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("templates", "static"):
        (folder / name).symlink_to(ROOT / name)
    package = folder / "app" / "__init__.py"
    package.write_text(package.read_text().replace(__version__, NEXT_VERSION))
    before = migrate.known_revisions()[-1]
    migration = folder / "migrations" / "versions" / f"{NEXT_REVISION}_next.py"
    migration.write_text(_MIGRATION.format(before=before))
    return folder
