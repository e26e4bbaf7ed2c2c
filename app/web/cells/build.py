"""Puts the cells of an installation into rows, and into lines for a proxy."""

from urllib.parse import urlsplit

from app.administration.server.cells import CellsOverview
from app.projects import cells
from app.web.cells.page import CellRow, CellsPage
from app.web.urls import server_urls

_LONGEST_ID = 12


def build_cells_page(overview: CellsOverview, project: str) -> CellsPage:
    """Make the page of the cells.

    Args:
        overview: The cells that this one knows of.
        project: The id of a project whose cell is looked for; empty for none.
    """
    return CellsPage(
        own=overview.own,
        rows=tuple(
            CellRow(
                number=number,
                address=address,
                health_href=f"{address}{server_urls.HEALTH}",
                first_id=cells.first_id_of(number),
                last_id=cells.last_id_of(number),
                is_own=number == overview.own,
            )
            for number, address in overview.addresses.items()
        ),
        own_projects=overview.projects.own,
        older_projects=overview.projects.older,
        nginx_map=_write_nginx_map(overview),
        project=project,
        answer=_find_cell(overview, project) if project else "",
    )


def _write_nginx_map(overview: CellsOverview) -> str:
    return "\n".join(
        f'"~/api/{number}\\d{{6}}/"  cell{number};  # {urlsplit(address).hostname}'
        for number, address in overview.addresses.items()
    )


def _find_cell(overview: CellsOverview, project: str) -> str:
    if not (project.isascii() and project.isdigit() and len(project) <= _LONGEST_ID):
        return "An id is a number, the last part of a DSN."
    number = cells.find_cell_of(int(project))
    if number is None:
        return "This id is from before there were cells. It belongs to the default of the map."
    if number not in overview.addresses:
        return f"It belongs to cell {number}, which PLAYHEAD_CELLS does not name."
    return f"It belongs to cell {number}, {overview.addresses[number]}."
