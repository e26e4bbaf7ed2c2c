"""Small debug files."""

import io
import json
import struct
import zipfile
from collections.abc import Mapping


def fat_file(*objects: bytes) -> bytes:
    """Put Mach-O files for several processors into one.

    Source: `mach-o/fat.h`.
    """
    start = 8 + 20 * len(objects)
    head, body = struct.pack(">II", 0xCAFEBABE, len(objects)), b""
    for data in objects:
        body += b"\0" * (-(start + len(body)) % 16)
        cpu, subtype = struct.unpack_from("<II", data, 4)
        head += struct.pack(">IIIII", cpu, subtype, start + len(body), len(data), 4)
        body += data
    return head + body


def breakpad_file(
    functions: Mapping[str, tuple[int, int]],
    *,
    debug_id: str = "0123456789ABCDEF0123456789ABCDEF0",
    path: str = "/ci/shop.cpp",
) -> bytes:
    """Write a Breakpad file.

    Args:
        functions: The functions by name, each with its address and size; each has one line, which
            is its number in the order given.
        debug_id: The debug id as Breakpad writes it, with the age.
        path: The source file of all functions.
    """
    lines = [f"MODULE Linux arm64 {debug_id} libshop.so", f"FILE 0 {path}"]
    for number, (name, (address, size)) in enumerate(functions.items(), 1):
        lines += [f"FUNC {address:x} {size:x} 0 {name}", f"{address:x} {size:x} {number} 0"]
    return "\n".join(lines).encode() + b"\n"


def native_source_bundle(debug_id: str, sources: Mapping[str, str]) -> bytes:
    """Write the bundle that `sentry-cli debug-files upload --include-sources` makes of a library.

    Args:
        debug_id: The debug id of the library.
        sources: The sources by their paths on the build machine.
    """
    files = {f"files{path}": {"type": "source", "path": path} for path in sources}
    manifest = {"debug_id": debug_id, "object_name": "libshop.so", "arch": "arm64", "files": files}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for path, text in sources.items():
            archive.writestr(f"files{path}", text)
    return b"SYSB" + struct.pack("<I", 2) + target.getvalue()
