"""Backups in tests: made of a server that runs, and restored beside it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.backup.folder import BackupFolder
from app.backup.make import MadeBackup, make_backup
from app.backup.model import SilentProgress
from app.backup.restore import RestoredBackup, RestoreWish, restore_backup
from app.core.settings import Settings
from app.db.roles import DatabaseUrls
from tests.support.servers.postgres import as_app
from tests.support.servers.server import Server


@dataclass(frozen=True, slots=True)
class Target:
    """A place to restore into."""

    database_url: str
    folder: Path
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings to change, as the storage."""

    @property
    def settings(self) -> Settings:
        """The settings of a server there."""
        url = SecretStr(as_app(self.database_url))
        return Settings(data_dir=self.folder, database_url=url, **self.changes)

    async def restore(self, folder: Path, **wish: Any) -> RestoredBackup:
        """Restore a backup here."""
        self.folder.mkdir(exist_ok=True)
        urls = DatabaseUrls(as_app(self.database_url), self.database_url)
        return await restore_backup(
            self.settings, urls, BackupFolder(folder), RestoreWish(**wish), SilentProgress()
        )


async def back_up(server: Server, database_url: str, folder: Path, *, keep: int = 7) -> MadeBackup:
    """Make a backup of a server."""
    settings = server.service.page_services.settings
    return await make_backup(
        settings, database_url, BackupFolder(folder), keep=keep, progress=SilentProgress()
    )
