"""Takes chunks: `POST /api/0/organizations/{org}/chunk-upload/`."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.debug_files.model import ApiTokenId
from app.debug_uploads.receive_chunks import receive_chunks
from app.rest import access, answers
from app.rest.services import services_of
from app.rest.uploads.options import PATH

router = APIRouter()


@router.post(PATH)
async def take_chunks(request: Request, caller: access.UploadCaller) -> Response:
    """Store the chunks in the body."""
    await receive_chunks(
        services_of(request).uploads,
        ApiTokenId(caller.token.id),
        request.stream(),
        content_type=request.headers.get("content-type", ""),
    )
    return answers.write_json({})
