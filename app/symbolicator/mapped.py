"""Open files as memory, without a copy, inside the closed sandbox.

Python's own `mmap` duplicates the descriptor and asks for the size of the file, which are system
calls that the sandbox forbids; so the C library is called here, which needs the two that are
allowed. The parent says how large a file is.

Source: mmap(2).
"""

import ctypes
import os
from typing import Any, Final, Self

from symbolic._lowlevel import ffi

_READ: Final = 1
_PRIVATE: Final = 2
_FAILED: Final = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
)  # fmt: skip
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


class MappedFile:
    """The bytes of an open file; use it in a `with` block, and nothing of it after the block."""

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        """Map a file and close its descriptor.

        Raises:
            OSError: The file is empty, or larger than the address space that is left.
        """
        try:
            address = _libc.mmap(None, size_bytes, _READ, _PRIVATE, descriptor, 0)
        finally:
            os.close(descriptor)
        if address in {None, _FAILED}:
            raise OSError(ctypes.get_errno(), "the file cannot be mapped")
        self._address: int = address
        self.size_bytes: Final = size_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _libc.munmap(self._address, self.size_bytes)

    @property
    def buffer(self) -> Any:
        """The bytes in the form that the functions of `symbolic` take: a C array with a length."""
        return ffi.cast(f"uint8_t(*)[{self.size_bytes}]", self._address)[0]

    def read(self, start: int, size_bytes: int) -> bytes:
        """Copy some bytes; fewer than asked for at the end of the file."""
        length = max(0, min(size_bytes, self.size_bytes - start))
        return ctypes.string_at(self._address + start, length) if length else b""
