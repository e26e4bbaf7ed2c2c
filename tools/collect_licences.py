"""Copies the licences of all installed packages into one folder, for whoever passes an image on.

python tools/collect_licences.py FOLDER   makes

FOLDER/README.txt              a list of all packages with the licence that each names
FOLDER/crc32c-2.9/LICENSE      the texts that a package brings
"""

import re
import shutil
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

_TEXT: Final = re.compile(r"(?:LICEN[CS]E|COPYING|NOTICE|AUTHORS|THIRD_PARTY)[^/]*$", re.IGNORECASE)
_HEAD: Final = """\
The packages of this image, each with the licence that it names; the folders have the texts.
Playhead itself is under MIT; THIRD_PARTY.md in its folder says what asks for more than a notice.
The libraries in av.libs are FFmpeg, x264, x265 and others: https://github.com/PyAV-Org/pyav-ffmpeg

"""


def collect_licences(folder: Path) -> None:
    """Copy the licences of the packages of this interpreter."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [_copy_texts(each, folder) for each in distributions()]
    (folder / "README.txt").write_text(_HEAD + "\n".join(sorted(lines)) + "\n", encoding="utf-8")


def _copy_texts(package: Distribution, folder: Path) -> str:
    """Copy the texts of one package; returns its line of the list."""
    name = f"{package.metadata['Name'].lower()}-{package.version}"
    texts = [path for path in package.files or () if _TEXT.search(str(path))]
    for path in texts:
        target = folder / name / path.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(str(path.locate()), target)
    return f"{name}: {_read_licence(package)}{'' if texts else ' (brings no text)'}"


def _read_licence(package: Distribution) -> str:
    """Return the licence of a package from whichever of three fields of its metadata names it."""
    facts = package.metadata
    expression = facts.get("License-Expression")
    if expression:
        return str(expression)
    classes = [
        line.rpartition(" :: ")[2]
        for line in facts.get_all("Classifier", [])
        if line.startswith("License :: ")
    ]
    first_line = next(iter((facts.get("License") or "").splitlines()), "")
    return ", ".join(classes) or first_line or "not named"


if __name__ == "__main__":
    collect_licences(Path(sys.argv[1]))
