"""Says how files are uploaded: `GET /api/0/organizations/{org}/chunk-upload/`.

Source: sentry-cli, `src/api/data_types/chunking`.
"""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.debug_uploads import limits
from app.rest import access, answers
from app.rest.services import services_of

router = APIRouter()

PATH: Final = "/organizations/{org}/chunk-upload/"
_ACCEPTED: Final = (
    "debug_files",
    "release_files",
    "pdbs",
    "sources",
    "bcsymbolmaps",
    "il2cpp",
    "artifact_bundles",
    "artifact_bundles_v2",
    "proguard",
    "dartsymbolmap",
)
"""Without an entry, sentry-cli 2.x skips such files or sends them in ways of long ago."""


@router.get(PATH)
async def show_chunk_options(
    request: Request,
    org: str,
    caller: access.UploadCaller,  # noqa: ARG001 - checks the token
) -> Response:
    """Tell the limits of uploads, and where chunks are sent."""
    services = services_of(request)
    return answers.write_json(
        {
            # sentry-cli puts its own address before a path, so this works behind any proxy.
            "url": PATH.format(org=org),
            "chunkSize": limits.CHUNK_BYTES,
            "chunksPerRequest": limits.MOST_PARTS,
            "maxFileSize": services.uploads.limits.file_bytes,
            "maxRequestSize": limits.REQUEST_BYTES,
            "concurrency": limits.CONCURRENCY,
            "hashAlgorithm": "sha1",
            "compression": ["gzip"],
            "maxWait": limits.MAX_WAIT_S,
            "accept": _ACCEPTED,
        }
    )
