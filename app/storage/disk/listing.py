"""Lists the objects of the local store, walking by descriptors so that no link is followed.

Objects that are deleted meanwhile are left out, and no others: a deletion relies on an empty list.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator

from app.storage.disk.folders import FOLDER_FLAGS, Folders
from app.storage.port import StoredObject


def list_objects(folders: Folders, prefix: str) -> list[StoredObject]:
    """Return the objects whose keys begin with `prefix`, in order of their keys.

    Raises:
        OSError: A folder cannot be read.
    """
    folder, slash, _ = prefix.rpartition("/")
    try:
        with folders.open_folder(folder.split("/") if slash else []) as fd:
            return sorted(_walk_folder(fd, folder + slash, prefix), key=lambda each: each.key)
    except FileNotFoundError:
        return []


def list_objects_after(folders: Folders, after: str, most: int) -> list[StoredObject]:
    """Return the first `most` objects whose keys come after `after`, in order of their keys.

    Raises:
        OSError: A folder cannot be read.
    """
    with folders.open_folder([]) as fd:
        return list(itertools.islice(_walk_in_order(fd, "", after), most))


def _walk_in_order(fd: int, folder_key: str, after: str) -> Iterator[StoredObject]:
    """Walk a folder in order of keys, and open no folder whose keys all come before."""
    # The key of whatever lies in a folder goes on with a slash: `a-1` comes before `a/1`.
    names: list[str] = []
    with contextlib.suppress(FileNotFoundError), os.scandir(fd) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                key = f"{folder_key}{entry.name}/"
                if not entry.name.startswith(".") and (key > after or after.startswith(key)):
                    names.append(f"{entry.name}/")
            elif entry.is_file(follow_symlinks=False) and folder_key + entry.name > after:
                names.append(entry.name)
    for name in sorted(names):
        with contextlib.suppress(FileNotFoundError):
            if not name.endswith("/"):
                facts = os.stat(name, dir_fd=fd, follow_symlinks=False)
                yield StoredObject(folder_key + name, facts.st_size, _write_version(facts))
                continue
            child = os.open(name.removesuffix("/"), FOLDER_FLAGS, dir_fd=fd)
            try:
                yield from _walk_in_order(child, folder_key + name, after)
            finally:
                os.close(child)


def _write_version(facts: os.stat_result) -> str:
    """Write both times of a file, since whoever copies a folder sets the first one back."""
    return f"{facts.st_mtime_ns:x}-{facts.st_ctime_ns:x}"


def _walk_folder(fd: int, folder_key: str, prefix: str) -> Iterator[StoredObject]:
    subfolders: list[str] = []
    with contextlib.suppress(FileNotFoundError), os.scandir(fd) as entries:
        for entry in entries:
            key = folder_key + entry.name
            if entry.is_dir(follow_symlinks=False):
                subfolders.append(entry.name)
            elif entry.is_file(follow_symlinks=False) and key.startswith(prefix):
                with contextlib.suppress(FileNotFoundError):
                    facts = entry.stat(follow_symlinks=False)
                    yield StoredObject(key, facts.st_size, _write_version(facts))
    for name in subfolders:
        if _may_contain(folder_key + name, prefix):
            with contextlib.suppress(FileNotFoundError):
                child = os.open(name, FOLDER_FLAGS, dir_fd=fd)
                try:
                    yield from _walk_folder(child, f"{folder_key}{name}/", prefix)
                finally:
                    os.close(child)


def _may_contain(folder: str, prefix: str) -> bool:
    """Tell whether keys that begin with `prefix` can lie in this folder."""
    folder_key = folder + "/"
    is_hidden = folder.rpartition("/")[2].startswith(".")
    return not is_hidden and (folder_key.startswith(prefix) or prefix.startswith(folder_key))
