"""Finds the folders that come with the program beside its modules.

    checkout   templates/  static/  migrations/         beside app/
    wheel      app/shipped/{templates,static,migrations}

The build of the wheel puts them inside the package (`pyproject.toml`), because site-packages is
shared with other packages, which have folders of these names too.

In a checkout `make run` bundles the scripts and names their folder in `PLAYHEAD_BUNDLED`.
"""

import os
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def _shipped_root(package: Path) -> Path:
    """Return the folder that holds the shipped folders of an installed or checked-out package."""
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


def _static_folder(root: Path) -> Path:
    """Return the folder of the static files: bundled if `make run` did so, else as they are."""
    bundled = Path(os.environ.get("PLAYHEAD_BUNDLED", "") or root / "static")
    return bundled if bundled.is_dir() else root / "static"


_ROOT: Final = _shipped_root(_PACKAGE)
TEMPLATES: Final = _ROOT / "templates"
STATIC: Final = _static_folder(_ROOT)
MIGRATIONS: Final = _ROOT / "migrations"
