"""Derives what a disk may contain after a power cut from the system calls of a program.

    trace = record(command, root)                 strace, with all bytes
    disk_after(trace, at, dice, folder)           the state after the first `at` calls

What a sync covered before it returned is there. Everything else may be there, whole, in part
(blocks of 512 bytes) or not at all, in any order: names of files, their lengths, their bytes.
That is more than any file system does, so that what survives it survives them all.
"""

import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.faults import syscalls

_CALLS: Final = (
    "openat,mkdir,mkdirat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,rename,renameat,"
    "renameat2,unlink,unlinkat,rmdir,ftruncate,fallocate,lseek"
)
_BLOCK_BYTES: Final = 512
_LINE: Final = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?")
_BEGUN: Final = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>")
_RESUMED: Final = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_STRING: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FD: Final = re.compile(r"(-?\w+)<((?:\\x[0-9a-f]{2})*)(?:\(deleted\))?>")
_NUMBER: Final = re.compile(r"(?<![\w<])-?\d+(?![\w>])")
_LONGEST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that succeeded; `began` and `ended` count the calls before them."""

    began: int
    ended: int
    name: str
    arguments: str
    result: int
    opened: str
    """The path of what `openat` returned."""

    def strings(self) -> list[bytes]:
        """Return the byte strings among its arguments."""
        return [_bytes(literal) for literal in _STRING.findall(self.arguments)]

    def fds(self) -> list[str]:
        """Return the paths of its descriptors."""
        return [_bytes(path).decode() for _, path in _FD.findall(self.arguments)]

    def numbers(self) -> list[int]:
        """Return the plain numbers among its arguments, the last ones of which are its own."""
        bare = _STRING.sub("", _FD.sub("", self.arguments))
        return [int(number) for number in _NUMBER.findall(bare)]


@dataclass(slots=True)
class _Change:
    """A write, a new length (`data` None), or a name given (`inode`) or taken (`inode` None)."""

    ended: int
    offset: int = 0
    data: bytes | None = None
    name: str = ""
    inode: int | None = None
    safe_at: float = float("inf")
    """The call at whose end it is on disk for certain."""


@dataclass(slots=True)
class Trace:
    """The calls of a program below one folder, and what it printed."""

    root: Path
    calls: list[Call]
    printed: list[tuple[int, str]]
    """Lines on standard output, and the call that printed each."""
    files: dict[int, list[_Change]] = field(default_factory=dict)
    folders: dict[str, list[_Change]] = field(default_factory=dict)

    def printed_before(self, at: int) -> list[str]:
        """Return what it had printed after so many calls."""
        return [line for when, line in self.printed if when < at]


def record_calls(command: Sequence[str], root: Path, trace_file: Path, **environment: str) -> Trace:
    """Run a program to its end and note what it did below `root`, which is empty before."""
    tracing = [syscalls.strace(), "-f", "-y", "-xx", "-s", str(_LONGEST), "-o", str(trace_file)]
    tracing += ["--seccomp-bpf", "-e", f"trace={_CALLS}", *command]
    subprocess.run(tracing, check=True, stdout=subprocess.PIPE, env=environment)
    calls = list(_calls(trace_file.read_text("ascii")))
    printed = [
        (call.ended, line)
        for call in calls
        if call.name == "write" and call.arguments.startswith("1<")
        for line in call.strings()[0].decode().splitlines()
    ]
    trace = Trace(root, calls, printed)
    _follow(trace)
    return trace


def forget_syncs(trace: Trace) -> None:
    """Take it that no sync did anything: a control, under which data must be lost."""
    for changes in (*trace.files.values(), *trace.folders.values()):
        for change in changes:
            change.safe_at = float("inf")


def disk_after(trace: Trace, at: int, dice: random.Random, folder: Path) -> None:
    """Make in `folder` one of the states that the disk may have when the power goes after `at`."""
    _Cut(trace, at, dice, dice.choice((0.0, 0.5, 1.0))).fill(str(trace.root), folder)


def _calls(text: str) -> Iterator[Call]:
    begun: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(text.splitlines()):
        began, whole = number, line
        if match := _BEGUN.match(line):
            begun[match[1]] = (number, line.removesuffix(" <unfinished ...>"))
            continue
        if match := _RESUMED.match(line):
            began, head = begun.pop(match[1])
            whole = head + match[2]
        parsed = _LINE.match(whole)
        if parsed and int(parsed[4]) >= 0:
            opened = _bytes(parsed[5] or "").decode()
            yield Call(began, number, parsed[2], parsed[3], int(parsed[4]), opened)


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


class _Follower:
    """Plays the calls on a picture of the disk as the program sees it."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._root = str(trace.root)
        self._names: dict[str, int] = {}
        self._places: dict[str, int] = {}

    def follow(self, call: Call) -> None:
        """Note what one call changes."""
        match call.name:
            case "openat":
                self._open(call)
            case "mkdir" | "mkdirat":
                self._name(call, self._path(call, 0), -1)
            case "rename" | "renameat" | "renameat2":
                self._rename(call)
            case "unlink" | "unlinkat" | "rmdir":
                self._name(call, self._path(call, 0), None)
            case "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2":
                self._write(call)
            case "ftruncate" | "fallocate" | "lseek":
                self._resize(call)
            case "fsync" | "fdatasync":
                self._sync(call)
            case _:
                pass

    def _path(self, call: Call, place: int) -> str:
        """Join a name among the arguments with the folder that it is in."""
        name = call.strings()[place].decode()
        if name.startswith("/"):
            return name
        folders = [path for fd, path in _FD.findall(call.arguments) if fd != "AT_FDCWD"]
        return f"{_bytes(folders[min(place, len(folders) - 1)]).decode()}/{name}" if folders else ""

    def _open(self, call: Call) -> None:
        path = call.opened
        if not path.startswith(self._root) or "O_CREAT" not in call.arguments:
            return
        self._places[path] = 0
        if path not in self._names:
            inode = self._names[path] = len(self._trace.files) + 1
            self._trace.files[inode] = []
            self._name(call, path, inode)

    def _name(self, call: Call, path: str, inode: int | None) -> None:
        folder, _, name = path.rpartition("/")
        if not folder.startswith(self._root):
            return
        changes = self._trace.folders.setdefault(folder, [])
        changes.append(_Change(call.ended, name=name, inode=inode))
        if inode is None:
            self._names.pop(path, None)

    def _rename(self, call: Call) -> None:
        old, new = self._path(call, 0), self._path(call, 1)
        inode = self._names.get(old)
        if inode is not None:
            self._name(call, old, None)
            self._name(call, new, inode)
            self._names[new] = inode
            self._places[new] = self._places.pop(old, 0)

    def _file(self, call: Call) -> tuple[str, list[_Change]] | None:
        path = next(iter(call.fds()), "")
        inode = self._names.get(path)
        return None if inode is None else (path, self._trace.files[inode])

    def _write(self, call: Call) -> None:
        file = self._file(call)
        if file is None:
            return
        path, changes = file
        data = b"".join(call.strings())[: call.result]
        if call.name.startswith("p"):
            offset = call.numbers()[-2 if call.name == "pwritev2" else -1]
        else:
            offset = self._places[path]
            self._places[path] += len(data)
        changes.append(_Change(call.ended, offset, data))

    def _resize(self, call: Call) -> None:
        file = self._file(call)
        if file is None:
            return
        path, changes = file
        match call.name:
            case "lseek":
                self._places[path] = call.result
            case "ftruncate":
                changes.append(_Change(call.ended, call.numbers()[-1]))
            case _:
                # Room is given as zeros; what was written there before stays.
                changes.append(_Change(call.ended, sum(call.numbers()[-2:]), b""))

    def _sync(self, call: Call) -> None:
        path = next(iter(call.fds()), "")
        file = self._file(call)
        changes = file[1] if file else self._trace.folders.get(path, [])
        for change in changes:
            if change.ended < call.began:
                change.safe_at = min(change.safe_at, call.ended)


def _follow(trace: Trace) -> None:
    follower = _Follower(trace)
    for call in trace.calls:
        follower.follow(call)


@dataclass(frozen=True, slots=True)
class _Cut:
    """One outcome of a power cut."""

    trace: Trace
    at: int
    dice: random.Random
    luck: float
    """The share of what is not safe that is there all the same."""

    def fill(self, path: str, folder: Path) -> None:
        """Write out one folder and those below it."""
        folder.mkdir(exist_ok=True)
        names: dict[str, int] = {}
        for change in self.trace.folders.get(path, []):
            if change.ended < self.at and self._is_there(change):
                if change.inode is None:
                    names.pop(change.name, None)
                else:
                    names[change.name] = change.inode
        for name, inode in names.items():
            if inode < 0:
                self.fill(f"{path}/{name}", folder / name)
            else:
                (folder / name).write_bytes(self._content(self.trace.files[inode]))

    def _is_there(self, change: _Change) -> bool:
        return change.safe_at < self.at or self.dice.random() < self.luck

    def _content(self, changes: list[_Change]) -> bytes:
        content = bytearray()
        for change in changes:
            if change.ended >= self.at:
                break
            if self._is_there(change):
                if change.data is None:
                    del content[change.offset :]
                _place(content, change.offset, change.data or b"")
            elif change.data and self.luck:
                self._place_blocks(content, change.offset, change.data)
        return bytes(content)

    def _place_blocks(self, content: bytearray, offset: int, data: bytes) -> None:
        """Write some of the blocks of a write that no sync covered."""
        for start in range(0, len(data), _BLOCK_BYTES):
            if self.dice.random() < 0.5:
                _place(content, offset + start, data[start : start + _BLOCK_BYTES])


def _place(content: bytearray, offset: int, data: bytes) -> None:
    """Put bytes at a place; what is missing before them is zeros."""
    content.extend(bytes(max(0, offset + len(data) - len(content))))
    content[offset : offset + len(data)] = data
