"""Finds the folders that come with the program beside its modules.

    checkout   templates/  static/  migrations/         beside app/
    wheel      app/shipped/{templates,static,migrations}

The build of the wheel puts them inside the package (`pyproject.toml`), because site-packages is
shared with other packages, which have folders of these names too.
"""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def _shipped_root(package: Path) -> Path:
    """Return the folder that holds the shipped folders of an installed or checked-out package."""
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


_ROOT: Final = _shipped_root(_PACKAGE)
TEMPLATES: Final = _ROOT / "templates"
STATIC: Final = _ROOT / "static"
MIGRATIONS: Final = _ROOT / "migrations"
