"""What others made is named where its licence asks for more than to be named in a list."""

import re
from importlib.metadata import metadata

from tests.package.test_lock import pins
from tests.support.servers.installed import ROOT

_PERMISSIVE = re.compile(
    r"\b(?:MIT|MIT-CMU|MIT-0|BSD|BSD-[23]-Clause|Apache|Apache-2\.0|ISC|PSF-2\.0)\b"
)


def licence_of(package: str) -> str:
    """Return what a package says of its licence, in whichever of three forms it says it."""
    told = metadata(package)
    classifiers = [line for line in told.get_all("Classifier", []) if line.startswith("License")]
    return told.get("License-Expression") or " ".join([*classifiers, told.get("License") or ""])


def test_packages_that_ask_for_more_are_named():
    """Each package that is shipped and is not under a permissive licence has a row."""
    others = [name for name in pins("app.lock") if not _PERMISSIVE.search(licence_of(name))]
    assert "crc32c" in others
    page = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    assert [name for name in others if f"`{name}`" not in page] == []
