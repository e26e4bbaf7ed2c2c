"""Answers which files a project has, and assembles those whose chunks are all there.

    question ─┬► known by content and id ─────────────────► ok
              ├► known by content, the id is new ─► added ─► ok
              ├► broken a moment ago ─────────────────────► error
              ├► chunks are missing ──────────────────────► not_found, and which
              └► all chunks are there ─► put together ────► ok, error; assembling if it takes long

Files up to 32 MiB are put together before the request is answered: build plugins do not wait for
anything later, and a broken file should show in the build log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.errors import BusyService, InvalidInput
from app.core.ids import ProjectId
from app.core.log import shown
from app.debug_files import assemblies, chunks, queries, upload_counts, writes
from app.debug_files.assemblies import FileAssembly, WantedFile
from app.debug_files.model import (
    ApiTokenId,
    DebugFile,
    DebugFileId,
    DebugFileKind,
    DebugFilePart,
)
from app.debug_uploads.assembler import Assembler
from app.debug_uploads.limits import (
    MOST_CHUNKS_ASKED,
    MOST_IDS,
    OPEN_BYTES,
    OPEN_FILES,
    SMALL_BYTES,
    WAIT_S,
    find_exceeded_limit,
)
from app.debug_uploads.services import UploadServices

_ANY_ID: Final = frozenset(
    {
        DebugFileKind.PROGUARD,
        DebugFileKind.DART_SYMBOL_MAP,
        DebugFileKind.SOURCE_BUNDLE,
        DebugFileKind.JVM_SOURCE_BUNDLE,
    }
)
"""Kinds whose debug id is that of another file, so that one content may have several."""


class UploadState(StrEnum):
    """The state of an upload, in the words of sentry-cli."""

    NOT_FOUND = "not_found"
    ASSEMBLING = "assembling"
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class UploadQuestion:
    """A file that somebody wants to upload."""

    sha1: str
    name: str
    """The name of the file, with its folders."""
    chunks: tuple[str, ...]
    """The SHA-1 of each chunk, in the order of the file; the same one may come again."""
    debug_id: str = ""
    """Normalised; empty for none."""
    release: str = ""
    dist: str = ""
    is_bundle: bool = False


@dataclass(frozen=True, slots=True)
class UploadAnswer:
    """The state of one file of an upload."""

    state: UploadState
    missing_chunks: tuple[str, ...] = ()
    detail: str | None = None
    """The fault of the file, for the build log; None if there is none."""
    file: DebugFile | None = None
    """The file, once it is known; None for one that is fine and that nothing reads."""
    part: DebugFilePart | None = None
    """Its part with the debug id that was asked for."""


_BUSY_S: Final = 5

_ASSEMBLING: Final = UploadAnswer(UploadState.ASSEMBLING)
_UNNEEDED: Final = UploadAnswer(UploadState.OK)


async def ask_for_files(
    services: UploadServices,
    assembler: Assembler,
    project_id: ProjectId,
    token_id: ApiTokenId,
    questions: Sequence[UploadQuestion],
) -> list[UploadAnswer]:
    """Answer the questions about some files, and assemble those that are complete.

    Returns:
        The answers in the order of the questions.

    Raises:
        InvalidInput: They have too many chunks.
        BusyService: Too many files of the token are being put together.
        ServiceUnavailable: Postgres does not answer.
    """
    if sum(len(question.chunks) for question in questions) > MOST_CHUNKS_ASKED:
        raise InvalidInput(f"the files have more than {MOST_CHUNKS_ASKED} chunks; ask for fewer")
    asked = _Questions(services, project_id, token_id)
    answers, begun = await asked.answer(questions)
    if not begun:
        return answers
    assembler.begin(project_id, begun.values())
    small = [begun[question] for question in begun if asked.sizes[question] <= SMALL_BYTES]
    if small:
        await assembler.wait(small, timeout_s=WAIT_S)
        later, _ = await asked.answer([*begun])
        done = dict(zip(begun, later, strict=True))
        answers = [
            done.get(question, answer) for question, answer in zip(questions, answers, strict=True)
        ]
    return answers


class _Questions:
    """Answers the questions of one request."""

    def __init__(
        self, services: UploadServices, project_id: ProjectId, token_id: ApiTokenId
    ) -> None:
        self._services = services
        self._project_id = project_id
        self._token_id = token_id
        self.sizes: dict[UploadQuestion, int] = {}
        """The sizes of files whose chunks are all there, in bytes."""

    async def answer(
        self, questions: Sequence[UploadQuestion]
    ) -> tuple[list[UploadAnswer], dict[UploadQuestion, int]]:
        """Answer questions; returns also the ids of files that can be put together."""
        answers: dict[UploadQuestion, UploadAnswer] = {}
        begun: dict[UploadQuestion, int] = {}
        async with self._services.database.transaction() as connection:
            answers |= await self._find_known(connection, questions)
            open_questions = [each for each in questions if each not in answers]
            wanted = {each: self._name_file(each) for each in open_questions}
            pending = await assemblies.find_assemblies(connection, list(wanted.values()))
            for question, file in wanted.items():
                if file in pending:
                    answers[question] = _answer_pending(pending[file])
                    begun |= self._note_pending(question, pending[file])
            open_questions = [each for each in open_questions if each not in answers]
            answers |= await self._add_assemblies(connection, open_questions, begun)
        return [answers[question] for question in questions], begun

    def _note_pending(
        self, question: UploadQuestion, assembly: FileAssembly
    ) -> dict[UploadQuestion, int]:
        if assembly.fault is not None:
            return {}
        self.sizes[question] = assembly.size_bytes
        return {question: assembly.assembly_id}

    async def _find_known(
        self, connection: AsyncConnection, questions: Sequence[UploadQuestion]
    ) -> dict[UploadQuestion, UploadAnswer]:
        """Answer questions for content that the project has; a new id of it is added."""
        checksums = {question.sha1 for question in questions}
        files = await queries.find_files_by_sha1(connection, self._project_id, checksums)
        if not files:
            return {}
        file_ids = [file.file_id for same in files.values() for file in same]
        parts = await queries.read_parts(connection, self._project_id, file_ids)
        answers = {}
        for question in questions:
            for file in files.get(question.sha1, ()):
                answer = await self._match(connection, question, file, parts)
                if answer is not None:
                    answers[question] = answer
                    break
        return answers

    async def _match(
        self,
        connection: AsyncConnection,
        question: UploadQuestion,
        file: DebugFile,
        parts: dict[DebugFileId, list[DebugFilePart]],
    ) -> UploadAnswer | None:
        """Answer a question with a file of the same content; None if the two do not match."""
        if question.is_bundle:
            return await self._match_bundle(connection, question, file)
        if file.kind is DebugFileKind.ARTIFACT_BUNDLE:
            return None
        own_parts = parts[file.file_id]
        for part in own_parts:
            if question.debug_id in {"", part.debug_id}:
                return UploadAnswer(UploadState.OK, file=file, part=part)
        fault = _find_id_fault(question, file, own_parts)
        if fault is not None:
            return _make_refusal(fault)
        part = replace(own_parts[0], debug_id=question.debug_id, added_at=clock.now())
        await writes.extend_debug_file(connection, file, [part])
        await upload_counts.count_upload(connection, self._project_id, self._token_id, size_bytes=0)
        own_parts.append(part)
        return UploadAnswer(UploadState.OK, file=file, part=part)

    async def _match_bundle(
        self, connection: AsyncConnection, question: UploadQuestion, file: DebugFile
    ) -> UploadAnswer | None:
        """Match a bundle of scripts; it must be known for the release that is asked for."""
        if file.kind is not DebugFileKind.ARTIFACT_BUNDLE:
            return None
        is_same = (file.release or "", file.dist or "") == (question.release, question.dist)
        if question.release and not is_same:
            is_same = await queries.has_artifacts(
                connection, file, release=question.release, dist=question.dist
            )
        return UploadAnswer(UploadState.OK, file=file) if is_same or not question.release else None

    async def _add_assemblies(
        self,
        connection: AsyncConnection,
        questions: Sequence[UploadQuestion],
        begun: dict[UploadQuestion, int],
    ) -> dict[UploadQuestion, UploadAnswer]:
        """Answer questions for files that are not there; begins with those that are complete."""
        checksums = {checksum for question in questions for checksum in question.chunks}
        known = await chunks.find_chunks(connection, self._token_id, checksums)
        answers = {}
        complete: list[UploadQuestion] = []
        for question in questions:
            missing = [each for each in dict.fromkeys(question.chunks) if each not in known]
            size_bytes = sum(known[each].size_bytes for each in question.chunks if each in known)
            fault = self._find_fault(question, size_bytes)
            if fault is not None:
                answers[question] = _make_refusal(fault)
            elif missing:
                answers[question] = UploadAnswer(
                    UploadState.NOT_FOUND, missing_chunks=tuple(missing)
                )
            else:
                self.sizes[question] = size_bytes
                complete.append(question)
        if complete:
            answers |= await self._begin_uploads(connection, complete, begun)
        return answers

    async def _begin_uploads(
        self,
        connection: AsyncConnection,
        questions: Sequence[UploadQuestion],
        begun: dict[UploadQuestion, int],
    ) -> dict[UploadQuestion, UploadAnswer]:
        fault = await self._find_exceeded_limit(connection, len(questions))
        if fault is not None:
            return dict.fromkeys(questions, _make_refusal(fault))
        await self._check_open(connection, questions)
        for question in questions:
            begun[question] = await assemblies.add_assembly(
                connection,
                self._name_file(question),
                name=question.name,
                token_id=self._token_id,
                chunks=question.chunks,
                size_bytes=self.sizes[question],
            )
        return dict.fromkeys(questions, _ASSEMBLING)

    async def _check_open(
        self, connection: AsyncConnection, questions: Sequence[UploadQuestion]
    ) -> None:
        """Make sure that the token does not leave more work than can be done soon."""
        files, size_bytes = await assemblies.measure_open(connection, self._token_id)
        asked_bytes = sum(self.sizes[question] for question in questions)
        if files + len(questions) > OPEN_FILES or size_bytes + asked_bytes > OPEN_BYTES:
            raise BusyService(
                f"{files} files of this token with {size_bytes} bytes are being put together; "
                f"with those of this request they would exceed {OPEN_FILES} files or {OPEN_BYTES} "
                "bytes",
                wait_s=_BUSY_S,
            )

    def _find_fault(self, question: UploadQuestion, size_bytes: int) -> str | None:
        """Return what is wrong with a file, as far as that is known before it is read."""
        limits = self._services.limits
        name = shown(PurePosixPath(question.name).name)
        if not question.chunks:
            return f"{name} is empty"
        most = limits.bundle_bytes if question.is_bundle else limits.file_bytes
        if size_bytes > most:
            return f"{name} has {size_bytes} bytes; {most} are taken (PLAYHEAD_DEBUG_FILE_BYTES)"
        return None

    async def _find_exceeded_limit(self, connection: AsyncConnection, files: int) -> str | None:
        """Return which limit of the project some further files exceed."""
        usage = await upload_counts.read_usage(connection, self._project_id)
        return find_exceeded_limit(self._services.limits, usage, files=files)

    def _name_file(self, question: UploadQuestion) -> WantedFile:
        return WantedFile(
            self._project_id,
            question.sha1,
            question.is_bundle,
            question.debug_id,
            question.release,
            question.dist,
        )


def _find_id_fault(
    question: UploadQuestion, file: DebugFile, parts: Sequence[DebugFilePart]
) -> str | None:
    """Return why a file cannot have the debug id that it was uploaded with; None if it can."""
    if file.kind not in _ANY_ID or not parts:
        ids = ", ".join(part.debug_id for part in parts[:5]) or "none"
        return f"the debug id of {file.name} is {ids}, not {question.debug_id}"
    if len(parts) >= MOST_IDS:
        return f"this file was uploaded under {MOST_IDS} debug ids already"
    return None


def _answer_pending(assembly: FileAssembly) -> UploadAnswer:
    if assembly.fault is None:
        return _ASSEMBLING
    return _make_refusal(assembly.fault) if assembly.fault else _UNNEEDED


def _make_refusal(detail: str) -> UploadAnswer:
    return UploadAnswer(UploadState.ERROR, detail=detail)
