"""Answers which debug files are there, and has the others put together.

    POST /api/0/projects/{org}/{project}/files/difs/assemble/       debug files of a project
    POST /api/0/organizations/{org}/artifactbundle/assemble/        a bundle of scripts

Source: sentry-cli, `src/api/data_types/chunking`.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import InvalidInput
from app.core.log import shown
from app.debug_files.model import ApiTokenId
from app.debug_uploads import limits
from app.debug_uploads.deriving.derive_mapping import read_mapping_id
from app.debug_uploads.questions import UploadAnswer, UploadQuestion, UploadState, ask_for_files
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.rest import access, answers
from app.rest.services import services_of
from app.rest.uploads.dif import describe_file, describe_unneeded_file

router = APIRouter()

_FILES_PATH: Final = "/projects/{org}/{project}/files/difs/assemble/"
_BUNDLE_PATH: Final = "/organizations/{org}/artifactbundle/assemble/"
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
_BUNDLE_NAME: Final = "artifact-bundle.zip"
_MOST_PROJECTS: Final = 50
_DIST_CHARS: Final = 64
_WORST_FIRST: Final = (
    UploadState.ERROR,
    UploadState.NOT_FOUND,
    UploadState.ASSEMBLING,
    UploadState.OK,
)


@router.post(_FILES_PATH)
async def assemble_files(request: Request, target: access.UploadProject) -> Response:
    """Answer for each file, by its SHA-1."""
    body = await answers.read_json_object(request, most_bytes=limits.QUESTION_BYTES)
    if len(body) > limits.MOST_FILES:
        raise InvalidInput(f"the body names {len(body)} files; {limits.MOST_FILES} are answered")
    questions: dict[str, UploadQuestion] = {}
    written: dict[str, dict[str, object]] = {}
    for checksum, value in body.items():
        try:
            questions[checksum] = _read_question(checksum, value)
        except InvalidInput as error:
            written[checksum] = _write_answer(_make_refusal(error))
    services = services_of(request)
    answered = await ask_for_files(
        services.uploads,
        services.assembler,
        target.project.id,
        ApiTokenId(target.caller.token.id),
        list(questions.values()),
    )
    for (checksum, question), answer in zip(questions.items(), answered, strict=True):
        written[checksum] = _write_answer(answer)
        if answer.state is UploadState.OK and answer.file is None:
            written[checksum]["dif"] = describe_unneeded_file(
                question.name, question.sha1, question.debug_id
            )
    return answers.write_json(written)


@router.post(_BUNDLE_PATH)
async def assemble_bundle(request: Request, caller: access.UploadCaller) -> Response:
    """Answer for a bundle that may be for several projects: the least that one of them has."""
    body = await answers.read_json_object(request, most_bytes=limits.QUESTION_BYTES)
    names = body.get("projects")
    if not isinstance(names, list) or not 0 < len(names) <= _MOST_PROJECTS:
        raise InvalidInput(f"`projects` must name 1 to {_MOST_PROJECTS} projects")
    # A slug of digits only is written as a number.
    projects = await access.require_projects(request, caller, [str(name) for name in names])
    try:
        question = _read_bundle_question(body)
    except InvalidInput as error:
        return answers.write_json(_write_bundle_answer([_make_refusal(error)]))
    services = services_of(request)
    answered: list[UploadAnswer] = []
    for project in projects:
        answered += await ask_for_files(
            services.uploads,
            services.assembler,
            project.id,
            ApiTokenId(caller.token.id),
            [question],
        )
    return answers.write_json(_write_bundle_answer(answered))


def _read_question(checksum: str, value: Any) -> UploadQuestion:
    """Read what a request says of a file.

    Raises:
        InvalidInput: It cannot be read; the message is for the build log.
    """
    if not isinstance(value, dict):
        raise InvalidInput("a file must be a JSON object")
    name = _read_text(value, "name", most_chars=limits.NAME_CHARS)
    if not name:
        raise InvalidInput("the file has no name")
    debug_id = read_mapping_id(name) or ""
    if value.get("debug_id") is not None:
        debug_id = normalize_debug_id(value["debug_id"]) or ""
        if not debug_id:
            raise InvalidInput(f"{shown(str(value['debug_id'])[:100])} is not a debug id")
    return UploadQuestion(_read_sha1(checksum), name, _read_chunks(value), debug_id=debug_id)


def _read_bundle_question(body: dict[str, Any]) -> UploadQuestion:
    release = _read_text(body, "version", most_chars=limits.NAME_CHARS)
    return UploadQuestion(
        _read_sha1(body.get("checksum")),
        _BUNDLE_NAME,
        _read_chunks(body),
        release=access.read_release_name(release) if release else "",
        dist=_read_text(body, "dist", most_chars=_DIST_CHARS) if release else "",
        is_bundle=True,
    )


def _read_text(value: dict[str, Any], key: str, *, most_chars: int) -> str:
    text = value.get(key)
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > most_chars or not text.isprintable():
        raise InvalidInput(f"`{key}` must be a text of {most_chars} printable characters at most")
    return text


def _read_sha1(value: object) -> str:
    if not isinstance(value, str) or not _SHA1.fullmatch(value.lower()):
        raise InvalidInput(f"{shown(str(value)[:100])} is not a SHA-1 in hex")
    return value.lower()


def _read_chunks(value: dict[str, Any]) -> tuple[str, ...]:
    chunks = value.get("chunks")
    if not isinstance(chunks, list):
        raise InvalidInput("`chunks` must be a list")
    if len(chunks) > limits.MOST_CHUNKS:
        raise InvalidInput(f"the file has {len(chunks)} chunks; {limits.MOST_CHUNKS} are taken")
    return tuple(_read_sha1(each) for each in chunks)


def _make_refusal(error: InvalidInput) -> UploadAnswer:
    return UploadAnswer(UploadState.ERROR, detail=str(error))


def _write_answer(answer: UploadAnswer) -> dict[str, object]:
    written: dict[str, object] = {
        "state": answer.state,
        "missingChunks": answer.missing_chunks,
        "detail": answer.detail,
    }
    if answer.file is not None:
        written["dif"] = describe_file(answer.file, answer.part)
    return written


def _write_bundle_answer(answered: Sequence[UploadAnswer]) -> dict[str, object]:
    worst = min(answered, key=lambda answer: _WORST_FIRST.index(answer.state))
    missing = dict.fromkeys(each for answer in answered for each in answer.missing_chunks)
    return {"state": worst.state, "missingChunks": [*missing], "detail": worst.detail}
