"""Runs the steps of a Dockerfile in folders, without Docker.

    FROM    a folder for the stage, with a Python of its own first on the path
    COPY    from what .dockerignore lets through, or from another stage
    RUN     by sh, with absolute paths led into the stage's folder

All stages see their folder at one path, by a link, as each sees `/` in Docker: what remembers a
path, as the scripts of a virtual environment do, is right wherever it is copied. Commands that make
users and give files to them are written down instead, since they would do so on this machine.
"""

import os
import re
import shlex
import shutil
import subprocess
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_RECORDED: Final = ("chown", "groupadd", "useradd")
_SHIM: Final = '#!/bin/sh\necho "$(basename "$0") $*" >>{log}\n'
_LED: Final = re.compile(r"(?<![\w./])/(?=(?:backup|build|data|opt)\b)")
_OURS: Final = re.compile(r"PLAYHEAD_|PYTHON|VIRTUAL_ENV|MAKE|MFLAGS")


@dataclass(frozen=True, slots=True)
class Stage:
    """The settings of a stage, beside its files."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    """Variables that ENV sets."""
    settings: dict[str, str] = field(default_factory=dict)
    """CMD, HEALTHCHECK, STOPSIGNAL, USER, WORKDIR as they are written; the last of each."""


class Build:
    """One run of a Dockerfile."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        """Carry out all steps.

        Args:
            checkout: Has `Dockerfile`, `.dockerignore` and what they name.
            folder: An empty one for all that is made.
        """
        self._folder, self._context = folder, folder / "context"
        self._stages: dict[str, Stage] = {}
        self.root = folder / "root"
        """Where the stage that is worked on has its files; at the end, the image."""
        self._log = folder / "recorded.txt"
        shims = folder / "shims"
        shims.mkdir()
        for name in _RECORDED:
            (shims / name).write_text(_SHIM.format(log=shlex.quote(str(self._log))))
            (shims / name).chmod(0o755)
        self._path = f"{shims}:{self.root}/usr/bin:{os.environ['PATH']}"
        _copy_context(checkout, self._context)
        for instruction, arguments in _steps((checkout / "Dockerfile").read_text(encoding="utf-8")):
            self._take(instruction, arguments)

    @property
    def stage(self) -> Stage:
        """The stage that was begun last."""
        return next(reversed(self._stages.values()))

    @property
    def recorded(self) -> list[str]:
        """The commands that were written down instead of run."""
        return self._log.read_text(encoding="utf-8").splitlines()

    def environment(self) -> dict[str, str]:
        """Return the environment of a process in the stage."""
        kept = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
        own = {
            name: self._led(value).replace("$PATH", self._path)
            for name, value in self.stage.variables.items()
        }
        return {**kept, "PATH": self._path, **own}

    def place(self, path: str) -> Path:
        """Return where a path of the stage lies on this machine."""
        inside = Path(self.stage.settings.get("WORKDIR", "/"), path)
        return self.root.joinpath(*inside.parts[1:])

    def _take(self, instruction: str, arguments: str) -> None:
        match instruction:
            case "FROM":
                self._begin(arguments)
            case "COPY":
                self._copy(shlex.split(arguments))
            case "RUN":
                self._run(arguments)
            case "ENV":
                for name, _, value in (each.partition("=") for each in shlex.split(arguments)):
                    self.stage.variables[name] = value
            case "WORKDIR":
                self.stage.settings[instruction] = arguments
                self.place(".").mkdir(parents=True, exist_ok=True)
            case "CMD" | "HEALTHCHECK" | "STOPSIGNAL" | "USER":
                self.stage.settings[instruction] = arguments
            case _:
                assert instruction in {"ARG", "EXPOSE", "LABEL", "VOLUME"}, instruction

    def _begin(self, arguments: str) -> None:
        match = re.fullmatch(r"\$\{(PYTHON|NODE)\}(?: AS (\w+))?", arguments)
        assert match, arguments
        stage = Stage(self._folder / f"stage-{len(self._stages)}")
        stage.folder.mkdir()
        self._stages[match[2] or "image"] = stage
        self.root.unlink(missing_ok=True)
        self.root.symlink_to(stage.folder)
        if match[1] == "PYTHON":
            venv.create(self.root / "usr", with_pip=True, symlinks=True)

    def _copy(self, words: list[str]) -> None:
        source = self._context
        copy: Callable[..., object] = shutil.copy2
        if words[0].startswith("--from="):
            source = self._stages[words.pop(0).removeprefix("--from=")].folder
            copy = os.link  # nothing is changed in a stage that is done, and these are many
        *names, target = words
        for name in names:
            origin, into = source / name.lstrip("/"), self.place(target)
            if origin.is_dir():
                shutil.copytree(origin, into, symlinks=True, dirs_exist_ok=True, copy_function=copy)
            else:
                copy(origin, into / origin.name)

    def _run(self, command: str) -> None:
        done = subprocess.run(
            ["sh", "-c", self._led(command)],
            cwd=self.place("."), env=self.environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"RUN {command}\n{done.stdout}{done.stderr}"

    def _led(self, text: str) -> str:
        """Lead the absolute paths of a command into the folder of the stage."""
        return _LED.sub(f"{self.root}/", text)


def _steps(text: str) -> list[tuple[str, str]]:
    """Read the instructions of a Dockerfile, each with all of its lines."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (instruction, arguments)
        for instruction, arguments in (line.split(" ", 1) for line in whole.splitlines())
    ]


def read_settings(dockerfile: Path) -> dict[str, str]:
    """Return what the last stage of a Dockerfile sets: the last CMD, USER and so on."""
    return dict(_steps(dockerfile.read_text(encoding="utf-8")))


def _copy_context(checkout: Path, context: Path) -> None:
    """Copy what `.dockerignore` lets through, which names it after leaving out everything."""
    first, *others = (checkout / ".dockerignore").read_text(encoding="utf-8").split()
    assert (first, others[-1]) == ("*", "**/__pycache__")
    for name in (other.removeprefix("!") for other in others[:-1]):
        origin, target = checkout / name, context / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(origin, target)
