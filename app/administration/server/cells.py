"""Reads which cells there are, for admins of the server."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.accounts.model import Person
from app.administration.server.server_admin import require_server_admin
from app.core.settings import Settings
from app.db.engine import Database
from app.projects import cells
from app.projects.cells import CellProjects


@dataclass(frozen=True, slots=True)
class CellsOverview:
    """This installation among others."""

    own: int | None
    """The number of this cell; None if it is not one of several."""
    addresses: Mapping[int, str]
    """The addresses of all cells that the settings name, by number and in their order."""
    projects: CellProjects
    """The projects of this installation."""


async def read_cells(database: Database, admin: Person, settings: Settings) -> CellsOverview:
    """Return all cells that this one knows of.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
    """
    require_server_admin(admin)
    async with database.reading() as connection:
        own = await cells.read_cell(connection)
        addresses = dict(settings.cells)
        if own is not None:
            addresses.setdefault(own, settings.base_url)
        return CellsOverview(
            own,
            {number: addresses[number] for number in sorted(addresses)},
            await cells.count_cell_projects(connection),
        )
