"""Makes native frames clear: finds the symcaches of their images, and asks the child.

frames ─► addresses in images ─► symcaches ─► child ─► functions, lines ─► frames, source lines
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched, islice
from typing import Final, override

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import MalformedInput, ServiceUnavailable
from app.debug_files.model import (
    DebugFileFeature,
    DebugFileKind,
    DebugFilePart,
    DebugFileRemark,
)
from app.symbolication.draft import EventDraft
from app.symbolication.family import EventFiles, FileNotAtHand, LocalFile, SymbolFamily
from app.symbolication.native.addresses import FrameAddress, list_frame_addresses
from app.symbolication.native.images import NativeImages
from app.symbolication.native.own_code import is_own_library
from app.symbolication.native.rewriting import NativeStack, rewrite_stacks
from app.symbolication.native.symbols import ImageSymbols, SourceFiles
from app.symbolication.native.system_symbols import SystemSymbols
from app.symbolication.reader_thread import run_in_reader_thread
from app.symbolicator import wire
from app.symbolicator.finder import AddressFinder, Symcache

_SYMBOL_KINDS: Final = (
    DebugFileKind.ELF,
    DebugFileKind.MACHO,
    DebugFileKind.BREAKPAD,
    DebugFileKind.PDB,
)
_MOST_IMAGES: Final = 500
"""The most images of an event that are looked up: the threads of an app are in some dozens."""
_SYSTEM_S: Final = 15.0
"""The seconds for which an event waits for symcaches of the system; a worker gives it 30."""

_logger: Final = log.get_logger("symbolication.native")


@dataclass(frozen=True, slots=True)
class _NativeFrames:
    """The native frames of an event, and the images in which they lie."""

    stacks: list[NativeStack]
    symbols: dict[str, ImageSymbols]
    """The symbols of images by debug id; nothing is looked up yet."""

    def list_places(self, asked: Mapping[str, int]) -> Iterator[FrameAddress]:
        """List the addresses in some images, each once."""
        yield from dict.fromkeys(
            place
            for stack in self.stacks
            for place in stack.places.values()
            if place.image.debug_id in asked
        )


class NativeFamily(SymbolFamily):
    """Makes frames of native code clear."""

    def __init__(self, finder: AddressFinder, system: SystemSymbols | None = None) -> None:
        """Make one.

        Args:
            finder: Looks addresses up in symcaches; whoever made it closes it.
            system: Symbols of Apple's systems, if the operator has any.
        """
        self._finder = finder
        self._system = system

    @override
    def list_debug_ids(self, draft: EventDraft) -> list[str]:
        return list(_find_native_frames(draft).symbols)

    @override
    def list_urls(self, draft: EventDraft) -> tuple[()]:
        return ()

    @override
    async def rewrite(self, draft: EventDraft, files: EventFiles) -> None:
        frames = await run_in_reader_thread(_find_native_frames, draft)
        if not frames.symbols:
            return
        for symbols in frames.symbols.values():
            await _open_symcache(symbols, files)
        if self._system is not None:
            await _open_system_symcaches(self._system, frames.symbols.values(), files)
        usable = [symbols for symbols in frames.symbols.values() if symbols.file is not None]
        for group in batched(usable, wire.MOST_FILES):
            await self._look_up(draft, files, frames, group)
        for symbols in usable:
            if symbols.locations:
                await _open_sources(symbols, files)
        await run_in_reader_thread(rewrite_stacks, draft, frames.stacks, frames.symbols)

    async def _look_up(
        self,
        draft: EventDraft,
        files: EventFiles,
        frames: _NativeFrames,
        group: Sequence[ImageSymbols],
    ) -> None:
        """Look up the addresses in some images, and note their locations."""
        numbers = {symbols.image.debug_id: number for number, symbols in enumerate(group)}
        symcaches = [_describe_file(symbols.file) for symbols in group if symbols.file is not None]
        for places in batched(frames.list_places(numbers), wire.MOST_ADDRESSES):
            draft.check_time()
            questions = [_ask_about(place, numbers[place.image.debug_id]) for place in places]
            try:
                answer = await self._finder.look_up(files.project_id, symcaches, questions)
            except MalformedInput as error:
                # These frames stay as they were sent.
                _logger.warning("a symcache cannot be read", error=str(error))
                return
            except ServiceUnavailable as error:
                # The event is tried again, a few times. An installation whose child never starts
                # must not keep a worker from all others, as an outage of Postgres does.
                if files.is_fetching:
                    _logger.error("native frames wait for the symbolicator", error=str(error))  # noqa: TRY400
                raise FileNotAtHand from error
            for place, locations in zip(places, answer.locations, strict=True):
                if locations:
                    group[numbers[place.image.debug_id]].locations[place] = locations


def _find_native_frames(draft: EventDraft) -> _NativeFrames:
    stacks: list[NativeStack] = []
    symbols: dict[str, ImageSymbols] = {}
    sent_images = draft.images
    if not sent_images:
        return _NativeFrames(stacks, symbols)
    images = NativeImages(sent_images)
    if not images:  # most events of Android and of scripts
        return _NativeFrames(stacks, symbols)
    for stack in draft.stacks:
        places: dict[int, FrameAddress] = {}
        for number, place in list_frame_addresses(draft, images, stack):
            debug_id = place.image.debug_id
            if debug_id not in symbols:
                if len(symbols) >= _MOST_IMAGES:
                    continue
                symbols[debug_id] = ImageSymbols(place.image)
            places[number] = place
        stacks.append(NativeStack(stack, places))
    return _NativeFrames(stacks, symbols)


async def _open_symcache(symbols: ImageSymbols, files: EventFiles) -> None:
    """Open the best debug file of an image, if there is one that can name its functions."""
    parts = files.find_parts(symbols.image.debug_id, *_SYMBOL_KINDS)
    # Files of one build share their debug id: the one that was stripped, and the one that was not.
    parts.sort(key=_rank_part)
    symbols.part = next(iter(parts), None)
    for part in parts:
        if part.remark is DebugFileRemark.STRIPPED:
            return
        file = await files.open_part(part)
        if file is not None and len(file.data):
            symbols.part, symbols.file = part, file
            return


async def _open_system_symcaches(
    system: SystemSymbols, images: Iterable[ImageSymbols], files: EventFiles
) -> None:
    """Open the symcaches of Apple's libraries that nobody uploaded.

    Making them may take longer than an event may, so those that are not ready after some time are
    made in the background, and the event goes on without them.

    Raises:
        FileNotAtHand: There is no time to make one.
    """
    until_s = monotonic_s() + _SYSTEM_S
    is_waiting = False
    for symbols in images:
        image = symbols.image
        is_system = image.kind is DebugFileKind.MACHO and is_own_library(image.path) is False
        if not is_system or symbols.file is not None:
            continue
        if files.is_fetching and monotonic_s() < until_s:
            symbols.file = await system.fetch(image.debug_id)
            continue
        symbols.file = system.find(image.debug_id)
        if symbols.file is None and not system.is_absent(image.debug_id):
            system.fetch_later(image.debug_id)
            is_waiting = True
    if is_waiting and not files.is_fetching:
        raise FileNotAtHand


def _rank_part(part: DebugFilePart) -> tuple[bool, bool]:
    return (
        DebugFileFeature.DEBUG not in part.features,
        part.remark is DebugFileRemark.STRIPPED,
    )


async def _open_sources(symbols: ImageSymbols, files: EventFiles) -> None:
    for part in islice(files.find_parts(symbols.image.debug_id, DebugFileKind.SOURCE_BUNDLE), 2):
        file = await files.open_part(part)
        if file is not None:
            symbols.sources.append(SourceFiles(part, file))


def _describe_file(file: LocalFile) -> Symcache:
    return Symcache(file.descriptor, len(file.data))


def _ask_about(place: FrameAddress, number: int) -> wire.AddressQuestion:
    return wire.AddressQuestion(
        file=number,
        address=place.address,
        image_address=place.base,
        frame=place.role,
        signal=place.signal,
        register=place.register,
    )
