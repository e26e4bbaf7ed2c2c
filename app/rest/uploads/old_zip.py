"""Takes mappings as sentry-cli 2.x uploads them: a ZIP in a form, in one request.

`POST /api/0/projects/{org}/{project}/files/dsyms/`, whose entries are called
`proguard/<uuid>.txt`. Other debug files may be in it as well.

Source: sentry-cli 2.58, `src/api/mod.rs`, `upload_dif_archive`.
"""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import InvalidInput
from app.debug_files.model import ApiTokenId
from app.debug_uploads.counting import counting_archive
from app.debug_uploads.receive_file import WholeUpload, receive_file
from app.rest import access, answers
from app.rest.services import services_of
from app.rest.uploads.dif import describe_file

router = APIRouter()

_PATH: Final = "/projects/{org}/{project}/files/dsyms/"


@router.post(_PATH)
async def take_archive(request: Request, target: access.UploadProject) -> Response:
    """Store the debug files in an archive; answers with those that are new.

    If one of them is broken the answer is an error, so that the build log shows it. The others are
    stored all the same.
    """
    uploads, token_id = services_of(request).uploads, ApiTokenId(target.caller.token.id)
    with counting_archive(uploads, token_id):
        taken = await receive_file(
            uploads,
            WholeUpload(target.project.id, token_id),
            request.stream(),
            content_type=request.headers.get("content-type", ""),
        )
    faults = [f"{each.name}: {each.fault}" for each in taken if each.fault is not None]
    if faults:
        raise InvalidInput("; ".join(faults[:5]))
    return answers.write_json(
        [
            describe_file(each.file, next(iter(each.parts), None))
            for each in taken
            if each.file is not None and each.is_new
        ]
    )
