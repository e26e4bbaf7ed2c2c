"""Finds the folders that are shipped with the modules of the program.

    checkout   templates/  static/  migrations/         beside app/
    wheel      app/shipped/{templates,static,migrations}

The build of the wheel puts them inside the package (`pyproject.toml`), because other packages in
site-packages have folders of the same names.

In a checkout, `make run` bundles the scripts and names their folder in `PLAYHEAD_BUNDLED`.
"""

import os
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def _shipped_root(package: Path) -> Path:
    """Return the folder that holds the shipped folders, in a wheel or in a checkout."""
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


def _static_folder(root: Path) -> Path:
    """Return the folder of the static files, which `make run` bundles."""
    bundled = Path(os.environ.get("PLAYHEAD_BUNDLED", "") or root / "static")
    return bundled if bundled.is_dir() else root / "static"


_ROOT: Final = _shipped_root(_PACKAGE)
TEMPLATES: Final = _ROOT / "templates"
STATIC: Final = _static_folder(_ROOT)
MIGRATIONS: Final = _ROOT / "migrations"
