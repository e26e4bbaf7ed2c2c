"""Packages whose licence asks for more than a notice are named in THIRD_PARTY.md."""

import re
from importlib.metadata import metadata

from tests.package.test_lock import read_pins
from tests.support.servers.installed import ROOT

_PERMISSIVE = re.compile(
    r"\b(?:MIT|MIT-CMU|MIT-0|BSD|BSD-[23]-Clause|Apache|Apache-2\.0|ISC|PSF-2\.0)\b"
)


def read_licence(package: str) -> str:
    """Return the licence of a package from whichever of three metadata fields names it."""
    fields = metadata(package)
    classifiers = [line for line in fields.get_all("Classifier", []) if line.startswith("License")]
    return fields.get("License-Expression") or " ".join([*classifiers, fields.get("License") or ""])


def test_packages_without_a_permissive_licence_are_named():
    """Each shipped package without a permissive licence has a row."""
    others = [name for name in read_pins("app.lock") if not _PERMISSIVE.search(read_licence(name))]
    assert "crc32c" in others
    page = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    assert [name for name in others if f"`{name}`" not in page] == []
