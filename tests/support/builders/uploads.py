"""Uploads as sentry-cli does them: chunks of files, and questions about them."""

import gzip
import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx2

CHUNKS: Final = "/api/0/organizations/playhead/chunk-upload/"
CHUNK_BYTES: Final = 8 * 1024 * 1024
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "guardsquare.com")

MAPPING: Final = b"""# compiler: R8
# compiler_version: 8.2.47
com.acme.shop.Cart -> a.b:
    1:1:void add(int):12:12 -> a
    2:2:void clear():20:20 -> b
"""


def sha1(content: bytes) -> str:
    """Return the SHA-1 of bytes in hex."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def mapping_uuid(content: bytes) -> str:
    """Return the uuid that sentry-cli computes for a mapping."""
    digest = hashlib.sha1(_NAMESPACE.bytes + content, usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def split(content: bytes, size: int = CHUNK_BYTES) -> list[bytes]:
    """Cut a file into chunks."""
    return [content[start : start + size] for start in range(0, len(content), size)]


def make_bundle(scripts: Mapping[str, str], **manifest: object) -> bytes:
    """Pack scripts as sentry-cli does.

    Args:
        scripts: The text of each by its address.
        manifest: Further members of the manifest.
    """
    files = {
        f"files/{number}": {"type": "minified_source", "url": url}
        for number, url in enumerate(scripts)
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, script in zip(files, scripts.values(), strict=True):
            archive.writestr(name, script)
        archive.writestr("manifest.json", json.dumps({"files": files, **manifest}))
    return b"SYSB\2\0\0\0" + packed.getvalue()


async def send_chunks(
    client: httpx2.AsyncClient, chunks: Sequence[bytes], *, is_gzip: bool = True
) -> httpx2.Response:
    """Send chunks in one request."""
    name = "file_gzip" if is_gzip else "file"
    files = [
        (name, (sha1(chunk), gzip.compress(chunk, 1) if is_gzip else chunk)) for chunk in chunks
    ]
    return await client.post(CHUNKS, files=files)


def ask(content: bytes, *, name: str = "", size: int = CHUNK_BYTES, **more: object) -> Any:
    """Make the question about one file; without a name it is a mapping."""
    file = {"name": name or f"/proguard/{mapping_uuid(content)}.txt", **more}
    return {sha1(content): {**file, "chunks": [sha1(chunk) for chunk in split(content, size)]}}


async def assemble(
    client: httpx2.AsyncClient, project: object, question: Mapping[str, Any]
) -> dict[str, Any]:
    """Ask for files; returns the answers by their SHA-1."""
    answer = await client.post(
        f"/api/0/projects/playhead/{project}/files/difs/assemble/", json=question
    )
    assert answer.status_code == 200, answer.text
    answers: dict[str, Any] = answer.json()
    return answers


async def upload(
    client: httpx2.AsyncClient, project: object, content: bytes, **more: Any
) -> dict[str, Any]:
    """Upload a file as sentry-cli does; returns the last answer."""
    question = ask(content, **more)
    (answer,) = (await assemble(client, project, question)).values()
    if answer["state"] == "not_found":
        missing = set(answer["missingChunks"])
        sent = [chunk for chunk in split(content) if sha1(chunk) in missing]
        assert (await send_chunks(client, sent)).status_code == 200
        (answer,) = (await assemble(client, project, question)).values()
    result: dict[str, Any] = answer
    return result


async def upload_bundle(
    client: httpx2.AsyncClient, *projects: object, content: bytes, **more: Any
) -> dict[str, Any]:
    """Upload a bundle of scripts as sentry-cli does; returns the last answer."""
    question = {
        "checksum": sha1(content),
        "chunks": [sha1(chunk) for chunk in split(content)],
        "projects": [str(project) for project in projects],
        **more,
    }
    address = "/api/0/organizations/playhead/artifactbundle/assemble/"
    answer = await client.post(address, json=question)
    assert answer.status_code == 200, answer.text
    if answer.json()["state"] == "not_found":
        assert (await send_chunks(client, split(content))).status_code == 200
        answer = await client.post(address, json=question)
        assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result
