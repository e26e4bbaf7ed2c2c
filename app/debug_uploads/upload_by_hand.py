"""Takes a debug file that a person uploads on a page, and records who did."""

from collections.abc import AsyncIterator

from app.audit.model import Action
from app.audit.writes import add_audit_line
from app.debug_uploads.receive_file import TakenFile, WholeUpload, receive_file
from app.debug_uploads.services import UploadServices
from app.memberships.model import ProjectAccess, Role


async def upload_by_hand(
    services: UploadServices,
    access: ProjectAccess,
    body: AsyncIterator[bytes],
    *,
    content_type: str,
) -> list[TakenFile]:
    """Take the file in the field `file` of a form, or the debug files in a ZIP.

    Args:
        services: The services of uploads.
        access: The person who uploads it, and the project.
        body: The body of the request. Its fields `debug_id`, `release` and `dist` are for files
            that do not name them themselves.
        content_type: Its header `Content-Type`.

    Returns:
        The result for each file.

    Raises:
        PermissionDenied: The person is not a member of the project.
        MalformedInput: The form or the ZIP is broken.
        OversizedInput: The file is too large, or the ZIP has too many entries.
        InvalidInput: The form has no file or no valid debug id, or the project is full.
        ServiceUnavailable: The disk is full, or Postgres or the storage does not answer.
    """
    access.require_role(Role.MEMBER)
    upload = WholeUpload(access.project.id, has_fields=True)
    taken = await receive_file(services, upload, body, content_type=content_type)
    new_files = [each.file for each in taken if each.file is not None and each.is_new]
    if new_files:
        async with services.database.transaction() as connection:
            await add_audit_line(
                connection,
                Action.DEBUG_FILES_ADDED_BY_HAND,
                person_id=access.person.id,
                project_id=access.project.id,
                detail={
                    "files": len(new_files),
                    "size_bytes": sum(file.size_bytes for file in new_files),
                },
            )
    return taken
