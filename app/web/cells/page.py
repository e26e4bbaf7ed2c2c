"""Values that the template of the cells reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CellRow:
    """One cell."""

    number: int
    address: str
    health_href: str
    """The address of its page of health."""
    first_id: int
    last_id: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class CellsPage:
    """The cells of an installation."""

    own: int | None
    """The number of this cell; None if this installation is not one of several."""
    rows: tuple[CellRow, ...]
    own_projects: int
    older_projects: int
    nginx_map: str
    """Lines for the `map` of the nginx recipe; empty without cells."""
    project: str = ""
    """The id that was looked for."""
    answer: str = ""
    """The sentence about the cell of that project."""
