"""The family of JavaScript: finds the bundles with the scripts of an event, and maps its frames."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, override

from app.core import log
from app.core.errors import MalformedInput
from app.debug_files.model import BUNDLE_OBJECT, DebugFileId, DebugFileKind
from app.formats.debug_files.packed.packed_bundle import PackedBundle
from app.symbolication.draft import EventDraft
from app.symbolication.family import EventFiles, LocalFile, SymbolFamily
from app.symbolication.javascript.frames import OpenScript, ScriptResult, map_frames
from app.symbolication.javascript.scripts import EventScript, list_scripts, read_script_url
from app.symbolication.reader_thread import run_in_reader_thread

_KIND: Final = DebugFileKind.ARTIFACT_BUNDLE
_MOST_BUNDLES: Final = 5
"""Bundles that are opened for one script; a release that was uploaded many times has more."""
_APP_SCHEME: Final = "app:///"
"""React Native has it; its scripts are always minified in a release."""

_logger: Final = log.get_logger("symbolication.javascript")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A bundle that may have a script."""

    file: LocalFile
    file_id: DebugFileId
    debug_id: str | None
    """The id under which it was found."""
    url: str | None
    """The address under which it was found, as its manifest has it."""


@dataclass(frozen=True, slots=True)
class _FoundScript:
    """A script and the file of the bundle that it was found in."""

    file_id: DebugFileId
    open_script: OpenScript


class JavaScriptFamily(SymbolFamily):
    """Makes frames of JavaScript clear with source maps."""

    @override
    def list_debug_ids(self, draft: EventDraft) -> Collection[str]:
        return {script.debug_id for script in list_scripts(draft).values() if script.debug_id}

    @override
    def list_urls(self, draft: EventDraft) -> Collection[str]:
        return {
            url
            for script in list_scripts(draft).values()
            if script.debug_id is None
            for url in script.candidates
        }

    @override
    async def rewrite(self, draft: EventDraft, files: EventFiles) -> None:
        scripts = list_scripts(draft)
        found: dict[str, _FoundScript | None] = {}
        for script in scripts.values():
            draft.check_time()
            found[script.url] = await _find_script(script, files)
        results = await run_in_reader_thread(_map_stacks, draft, found) if scripts else {}
        for url, result in results.items():
            _note_result(draft, scripts[url], found[url], result)


async def _find_script(script: EventScript, files: EventFiles) -> _FoundScript | None:
    """Find the newest bundle that has a script with its map, or else the script alone."""
    without_map: _FoundScript | None = None
    async for candidate in _list_candidates(script, files):
        found = await run_in_reader_thread(_open_script, candidate)
        if found is not None and found.open_script.script.source_map is not None:
            return found
        without_map = without_map or found
    return without_map


async def _list_candidates(script: EventScript, files: EventFiles) -> AsyncIterator[_Candidate]:
    if script.debug_id is not None:
        for part in files.find_parts(script.debug_id, _KIND)[:_MOST_BUNDLES]:
            file = await files.open_part(part)
            if file is not None:
                yield _Candidate(file, part.file_id, script.debug_id, None)
        return
    for url in script.candidates:
        for place in files.find_artifacts(url)[:_MOST_BUNDLES]:
            file = await files.open_object(place.file_id, BUNDLE_OBJECT)
            if file is not None:
                yield _Candidate(file, place.file_id, None, url)


def _open_script(candidate: _Candidate) -> _FoundScript | None:
    try:
        bundle = candidate.file.open_reader(PackedBundle)
        if candidate.debug_id is not None:
            script = bundle.find_script_by_id(candidate.debug_id)
        else:
            script = bundle.find_script_by_url(candidate.url or "")
    except MalformedInput as error:
        _logger.warning("a packed bundle is damaged", file_id=candidate.file_id, error=str(error))
        return None
    if script is None:
        return None
    is_at_its_url = candidate.url is not None
    return _FoundScript(candidate.file_id, OpenScript(bundle, script, is_at_its_url))


def _map_stacks(
    draft: EventDraft, found: Mapping[str, _FoundScript | None]
) -> dict[str, ScriptResult]:
    """Map the stacks of a draft, and return what became of the frames of each script."""
    scripts = {url: each.open_script if each else None for url, each in found.items()}
    results: dict[str, ScriptResult] = {}
    for stack in draft.stacks:
        mapped = map_frames(
            stack.frames,
            scripts,
            read_url=partial(read_script_url, draft),
            check_time=draft.check_time,
        )
        stack.frames = mapped.frames
        for url, result in mapped.results.items():
            results.setdefault(url, ScriptResult()).add(result)
    return results


def _note_result(
    draft: EventDraft, script: EventScript, found: _FoundScript | None, result: ScriptResult
) -> None:
    if found is not None and result.clear:
        draft.note_use(found.file_id, _KIND, script.debug_id)
        return
    if not result.missed or not _may_have_map(script, result):
        return
    is_known = found is not None and found.open_script.script.source_map is not None
    draft.note_missing(
        _KIND,
        script.debug_id,
        reason="not_in_map" if is_known else "not_uploaded",
        name=script.url,
        detail=result.first_missed if is_known else None,
        frames=result.missed,
    )


def _may_have_map(script: EventScript, result: ScriptResult) -> bool:
    """Say whether to ask for a map: not for code that people wrote as it runs."""
    if script.debug_id is not None:
        return True
    is_minified = result.looks_minified or script.url.startswith(_APP_SCHEME)
    return is_minified and not script.is_of_developer
