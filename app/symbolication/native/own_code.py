"""Decides which native frames belong to the app, by the path of their library."""

from typing import Final

_OWN_FOLDERS: Final = ("/data/app/", "/data/user/", "/data/data/", "/mnt/asec/", "/mnt/expand/")
"""Folders into which Android installs apps."""
_SYSTEM_FOLDERS: Final = (
    "/system/", "/system_ext/", "/vendor/", "/apex/", "/product/", "/odm/",
    "/System/", "/private/preboot/", "/usr/lib/", "/Library/Developer/", "/Applications/Xcode",
)  # fmt: skip
_SIMULATOR: Final = "/Library/Developer/CoreSimulator/Profiles/"
"""The system of the simulator; its apps are in `CoreSimulator/Devices`."""
_APP_FOLDER: Final = ".app/"
_SYSTEM_NAMES: Final = ("[vdso]", "linux-gate.so", "linux-vdso.so")


def is_own_library(path: str) -> bool | None:
    """Tell whether a library belongs to the app; None if its path does not tell.

    Args:
        path: The path of the library on the device.
    """
    if path.startswith((*_SYSTEM_FOLDERS, *_SYSTEM_NAMES)) or _SIMULATOR in path:
        return False
    if path.startswith(_OWN_FOLDERS) or _APP_FOLDER in path:
        return True
    return None
