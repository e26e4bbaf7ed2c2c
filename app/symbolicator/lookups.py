"""Finds the functions and lines of addresses in symcaches. Runs inside the child."""

from collections.abc import Sequence
from typing import Final

from pydemumble import demangle
from symbolic.exceptions import SymbolicError
from symbolic.symcache import SymCache, find_best_instruction

from app.symbolicator.mapped import MappedFile
from app.symbolicator.wire import (
    MOST_LOCATIONS,
    MOST_NAME_CHARS,
    AddressQuestion,
    LookUpAnswer,
    LookUpRequest,
    SourceLocation,
)

_MOST_MANGLED_CHARS: Final = 16_384
"""Longer names are shown as they are: a mangled name can stand for one that is far longer."""
_LABEL_CHARS: Final = 100


def look_up_addresses(request: LookUpRequest, files: Sequence[int]) -> LookUpAnswer:
    """Answer the questions of a request.

    Args:
        request: The questions, and the sizes of the symcaches.
        files: Open descriptors of the symcaches; they are closed.
    """
    locations: list[list[SourceLocation]] = [[] for _ in request.questions]
    unreadable = []
    for number, descriptor in enumerate(files):
        asked = [
            (at, question)
            for at, question in enumerate(request.questions)
            if question.file == number
        ]
        try:
            with MappedFile(descriptor, request.sizes[number]) as file:
                symcache = SymCache.from_bytes(file.buffer)
                arch = symcache.arch
                for at, question in asked:
                    locations[at] = _look_up_address(symcache, arch, question)
                del symcache  # before its memory goes
        except (SymbolicError, OSError):
            unreadable.append(number)
    return LookUpAnswer(locations, unreadable)


def _look_up_address(
    symcache: SymCache, arch: str, question: AddressQuestion
) -> list[SourceLocation]:
    address = _find_instruction(arch, question) - question.image_address
    if address < 0:
        return []
    return [
        SourceLocation(
            symbol=location.symbol[:MOST_NAME_CHARS],
            signature=demangle_name(location.symbol)[:MOST_NAME_CHARS],
            path=(location.full_path or "")[:MOST_NAME_CHARS],
            line=location.line,
            symbol_address=location.sym_addr,
            language=(location.lang or "")[:_LABEL_CHARS],
        )
        for location in symcache.lookup(address)[:MOST_LOCATIONS]
    ]


def _find_instruction(arch: str, question: AddressQuestion) -> int:
    """Return the address of the instruction that ran, as far as it can be told.

    The addresses of callers are those to which their calls return, so the calls are before them.
    """
    if question.frame == "exact":
        return question.address
    return int(
        find_best_instruction(
            question.address,
            arch,
            crashing_frame=question.frame == "crashed",
            signal=question.signal or None,
            ip_reg=question.register or None,
        )
    )


def demangle_name(name: str) -> str:
    """Return the demangled name with parameters, or the name itself if it is not mangled."""
    if len(name) > _MOST_MANGLED_CHARS:
        return name
    return demangle(name) or name
