"""The bodies of the messages between the server and the symbolicator's child, as JSON.

    DERIVE   to child    one debug file → a symcache of every object in it
                         open files: the debug file (to read), the file for symcaches (to write)
    DERIVED  from child  the objects, and where their symcaches lie in the second file
    LOOK_UP  to child    addresses in several symcaches; open files: the symcaches
    FOUND    from child  the source locations of every address, innermost first
    REFUSED  from child  a sentence: why the debug file cannot be used

The child is as untrusted as the files that it reads: the reading functions check all it sends.
"""

from typing import Annotated, Final, Literal

import msgspec

from app.core.errors import MalformedInput
from app.core.log import shown

DERIVE: Final = 1
DERIVED: Final = 2
LOOK_UP: Final = 3
FOUND: Final = 4
REFUSED: Final = 5

MOST_ANSWER_BYTES: Final = 16 * 1024 * 1024
MOST_OBJECTS: Final = 32
"""The most objects in one file; a fat Mach-O of all processors that Apple had holds about ten."""
MOST_FILES: Final = 64
"""The most symcaches that one request may name."""
MOST_ADDRESSES: Final = 2_000
MOST_LOCATIONS: Final = 100
"""The most functions at one address: the function and those inlined into it."""
MOST_NAME_CHARS: Final = 2_000

DEBUG_ID: Final = r"\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-[0-9a-f]{1,8})?\Z"
"""A normalised debug id."""
CODE_ID: Final = r"\A[0-9a-f]{1,128}\Z"
"""A build id, or what stands for it in other formats."""

ObjectFormat = Literal["elf", "macho", "breakpad", "pdb"]
_Address = Annotated[int, msgspec.Meta(ge=0)]
_Name = Annotated[str, msgspec.Meta(max_length=MOST_NAME_CHARS)]
_Label = Annotated[str, msgspec.Meta(max_length=100)]


class DeriveRequest(msgspec.Struct, frozen=True):
    """Asks for the symcaches of a debug file."""

    size_bytes: int


class DebugObject(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a debug file: an ELF file, one processor of a fat Mach-O, a Breakpad file."""

    format: ObjectFormat
    debug_id: Annotated[str, msgspec.Meta(pattern=DEBUG_ID)]
    code_id: Annotated[str, msgspec.Meta(pattern=CODE_ID)] | None
    arch: _Label
    object_kind: _Label
    """`dbg`, `lib`, `exe` and so on, in the words of sentry-cli."""
    features: Annotated[
        list[Literal["symtab", "debug", "unwind", "sources"]], msgspec.Meta(max_length=4)
    ]
    has_all_names: bool
    """True if its symbols name every function; a stripped library names exported ones only, so an
    address would get the name of a function that merely lies before it."""
    start: _Address
    """The offset of its symcache in the file for symcaches."""
    size_bytes: _Address
    """The size of its symcache; 0 if the object names nothing."""

    @property
    def remark(self) -> Literal["stripped", "no_lines"] | None:
        """The information that the object lacks: all names, or lines; None if it has both."""
        if not self.has_all_names:
            return "stripped"
        return None if "debug" in self.features else "no_lines"


class DeriveAnswer(msgspec.Struct, frozen=True):
    """The objects of a debug file, each debug id once."""

    objects: Annotated[list[DebugObject], msgspec.Meta(min_length=1, max_length=MOST_OBJECTS)]


class AddressQuestion(msgspec.Struct, frozen=True, array_like=True):
    """Asks which functions an instruction belongs to."""

    file: int
    """The number of the symcache, in the order of the open files."""
    address: int
    """The address of the instruction, in memory."""
    image_address: int
    """The address at which the image begins in memory."""
    frame: Literal["exact", "caller", "crashed"] = "exact"
    """`exact` looks up the address itself. `caller` looks up the call before it, because the frame
    holds a return address. `crashed` is the frame in which a thread crashed."""
    signal: int = 0
    """The number of the signal, which matters for `crashed` only; 0 if there is none."""
    register: int = 0
    """The value of the instruction register, which matters for `crashed` only; 0 if unknown."""


class LookUpRequest(msgspec.Struct, frozen=True):
    """Asks for many addresses at once."""

    sizes: list[int]
    """The sizes of the symcaches, in bytes."""
    questions: list[AddressQuestion]


class SourceLocation(msgspec.Struct, frozen=True, array_like=True):
    """A function, and a line of it."""

    symbol: _Name
    """The name in the file, mangled or not."""
    signature: _Name
    """The demangled name with parameters, or the symbol if it is not mangled."""
    path: _Name
    line: Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
    """The line, from 1; 0 if it is unknown."""
    symbol_address: _Address
    """The address of the function, counted from the beginning of the image."""
    language: _Label


class LookUpAnswer(msgspec.Struct, frozen=True):
    """The locations of the addresses asked for, in their order, innermost function first."""

    locations: list[Annotated[list[SourceLocation], msgspec.Meta(max_length=MOST_LOCATIONS)]]
    unreadable: list[int] = []
    """The numbers of the symcaches that cannot be read."""


def pack_body(body: msgspec.Struct) -> bytes:
    """Write the body of a message."""
    return msgspec.json.encode(body)


def unpack_body[Body: msgspec.Struct](body: bytes, kind: type[Body]) -> Body:
    """Read the body of a message.

    Raises:
        MalformedInput: An honest child cannot have sent this.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"the symbolicator's child sent: {shown(str(error))}") from error


def read_refusal(body: bytes) -> MalformedInput:
    """Make an error of the sentence that the child sent."""
    return MalformedInput(shown(body.decode("utf-8", "replace")))
