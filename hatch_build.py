"""Bundles the static files when a wheel or a source distribution is built.

A source distribution carries them in `bundled/`, and the Dockerfile has them there from a stage
that has Node.js: where this folder is, nothing needs to be bundled.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, override

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_READY = "bundled"
_NO_NODE = "a wheel bundles scripts and styles, which needs Node.js 20 and `npm ci` in the checkout"


class StaticFiles(BuildHookInterface[Any]):
    """Puts the bundled static files into what is built."""

    _made: Path | None = None

    @override
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bundle the static files, unless they are bundled already."""
        if version == "editable":
            return  # it runs from the checkout, which has them as they are
        ready = Path(self.root, _READY)
        target = "app/shipped/static" if self.target_name == "wheel" else _READY
        build_data["force_include"][str(ready if ready.is_dir() else self._bundle())] = target

    @override
    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made for this build alone."""
        if self._made is not None:
            shutil.rmtree(self._made)

    def _bundle(self) -> Path:
        self._made = Path(tempfile.mkdtemp(prefix="playhead-bundled-"))
        target = self._made / "static"
        if not Path(self.root, "node_modules", "esbuild").is_dir():
            raise RuntimeError(_NO_NODE)
        try:
            subprocess.run(["node", "tools/bundle.js", str(target)], cwd=self.root, check=True)  # noqa: S603, S607 - our own script; Node.js is where the machine has it
        except FileNotFoundError:
            raise RuntimeError(_NO_NODE) from None
        return target
