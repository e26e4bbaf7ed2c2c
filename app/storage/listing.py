"""Lists the objects of the local store, walking by descriptors so that no link is followed.

Objects that are deleted meanwhile are left out, and no others: a deletion relies on an empty list.
"""

import contextlib
import os
from collections.abc import Iterator

from app.storage.folders import FOLDER_FLAGS, Folders
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
                    # Both times, since whoever copies a folder sets the first one back.
                    version = f"{facts.st_mtime_ns:x}-{facts.st_ctime_ns:x}"
                    yield StoredObject(key, facts.st_size, version)
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
