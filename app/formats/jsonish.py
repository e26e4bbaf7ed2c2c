"""Decodes JSON as SDKs really send it, and reads its parts by type.

`decode` first decodes strictly, which is fast, and then leniently: NaN and infinities become null,
bytes that are not UTF-8 and half surrogates become U+FFFD, a byte order mark and raw control
characters are accepted. Its result can always be encoded again: every string is valid Unicode and
every float is finite.

The getters below `decode` take a key that may be absent or of a wrong type. They return a value of
their type, or None or an empty container.
"""

import json
import math
import re
from typing import Any, Final

import msgspec

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.core.log import shown

JsonObject = dict[str, Any]

_TEXT_CHARS: Final = 16 * 1024
_CUT_MARK: Final = "…"
_INT64_MAX: Final = 2**63 - 1
_INT64_MIN: Final = -(2**63)
_TRUE_WORDS: Final = frozenset({"true", "1", "yes"})
_FALSE_WORDS: Final = frozenset({"false", "0", "no"})
_INTEGER_DIGITS: Final = 4_300
"""int() and msgspec refuse longer integers."""
_LONGEST_NUMBER_CHARS: Final = 64
_END_WRITTEN: Final = 10**_LONGEST_NUMBER_CHARS
"""Ids of users may exceed 64 bits, but Python needs quadratic time to write long integers."""
_LONG_BYTES: Final = 4 * 1024

_ONE_BRACKET_KIND: Final = bytes.maketrans(b"{}", b"[]")
_UNMARKED: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')
# In order: an escaped backslash, a whole surrogate pair, half a pair. Only the last is changed.
_SURROGATES: Final = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_HALF_CHARS: Final = len(r"\ud800")


def decode(data: bytes | bytearray | memoryview, name: str) -> Any:
    """Decode one JSON text.

    Args:
        data: UTF-8 bytes; not kept, and not copied unless they are long or broken.
        name: Name of the text in messages, such as `replay_event` or `item header`.

    Returns:
        Plain dicts, lists, strings, numbers, booleans and None; of a repeated key, the last value.

    Raises:
        MalformedInput: It is not JSON, or nests deeper than `LIMITS.json_depth`.
        OversizedInput: It holds more than `LIMITS.json_marks` brackets, braces and commas.
    """
    raw = data if isinstance(data, bytes) else bytes(data)
    if len(raw) > LIMITS.json_marks:
        _check_marks(raw, name)
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        raise MalformedInput(_too_deep(name)) from None
    except ValueError:
        value = _decode_leniently(raw, name)
    _check_depth(raw, name, levels=LIMITS.json_depth)
    return value


def check_shape(data: bytes, name: str, *, around: int = 0) -> None:
    """Refuse JSON that `decode` refuses for its shape, without decoding it.

    Args:
        data: Any number of JSON texts, one after the other.
        name: Name of the texts in messages.
        around: Number of levels around them in the whole value.

    Raises:
        MalformedInput, OversizedInput: As `decode`.
    """
    if len(data) > LIMITS.json_marks:
        _check_marks(data, name)
    _check_depth(data, name, levels=LIMITS.json_depth - around)


def decode_object(data: bytes | bytearray | memoryview, name: str) -> JsonObject:
    """Decode one JSON text that must be an object.

    Raises:
        MalformedInput, OversizedInput: As `decode`, and MalformedInput for any other kind of value.
    """
    return need_object(decode(data, name), name)


def need_object(value: Any, name: str) -> JsonObject:
    """Return a decoded value that must be an object.

    Raises:
        MalformedInput: It is another kind of value.
    """
    if not isinstance(value, dict):
        raise MalformedInput(f"{name} is a JSON {_type_name(value)}, expected an object")
    return value


def text(obj: JsonObject, key: str, *, limit: int = _TEXT_CHARS) -> str | None:
    """Return a string; numbers and booleans are written as text, since SDKs mix them.

    Args:
        obj: Object with the member.
        key: Name of the member.
        limit: Longest result in characters; a longer text is cut and ends in `…`.

    Returns:
        None if the member is absent, empty, or a container.
    """
    return text_of(obj.get(key), limit=limit)


def text_of(value: object, *, limit: int = _TEXT_CHARS) -> str | None:
    """Return a value itself as `text` returns a member."""
    if type(value) is str and 0 < len(value) <= limit:
        return value  # This is nearly every text.
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        value = str(value) if abs(value) < _END_WRITTEN else None
    elif isinstance(value, float):
        value = str(value)
    if not isinstance(value, str) or not value:
        return None
    return value if len(value) <= limit else value[: limit - 1] + _CUT_MARK


def integer(
    obj: JsonObject, key: str, *, lowest: int = _INT64_MIN, highest: int = _INT64_MAX
) -> int | None:
    """Return a whole number, also if it is written as `3.0` or `"3"`; None outside of the range."""
    value = obj.get(key)
    if type(value) is not int:
        read = _number_of(value)
        if read is None or read != int(read):
            return None
        value = int(read)
    return value if lowest <= value <= highest else None


def number(obj: JsonObject, key: str) -> float | None:
    """Return a finite number, also if it stands in a string."""
    return _number_of(obj.get(key))


def flag(obj: JsonObject, key: str) -> bool | None:
    """Return a boolean, also if it is written as 0, 1 or `"true"`."""
    value = text(obj, key)
    if value is None:
        return None
    word = value.lower()
    if word in _TRUE_WORDS:
        return True
    return False if word in _FALSE_WORDS else None


def mapping(obj: JsonObject, key: str) -> JsonObject:
    """Return an object; `{}` if the member is absent or no object."""
    value = obj.get(key)
    return value if isinstance(value, dict) else {}


def sequence(obj: JsonObject, key: str) -> list[Any]:
    """Return a list; `[]` if the member is absent or no list."""
    value = obj.get(key)
    return value if isinstance(value, list) else []


def values_of(obj: JsonObject, key: str) -> list[Any]:
    """Return a list that SDKs write as `{"values": [...]}` or as it is."""
    value = obj.get(key)
    return sequence(value, "values") if isinstance(value, dict) else sequence(obj, key)


def pairs(obj: JsonObject, key: str, *, limit: int = _TEXT_CHARS) -> dict[str, str]:
    """Return texts by name, such as tags, from an object or from a list of pairs.

    Entries whose value is not a text, number or boolean are left out.
    """
    texts: dict[str, str] = {}
    for name, item in _entries_of(obj.get(key)):
        item_text = text_of(item, limit=limit)
        if isinstance(name, str) and name and item_text is not None:
            texts[name] = item_text
    return texts


def _entries_of(value: object) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return [(pair[0], pair[1]) for pair in value if isinstance(pair, list) and len(pair) == 2]  # noqa: PLR2004 - a pair
    return []


def _number_of(value: object) -> float | None:
    """Read a finite number from a number or a string; None for booleans and the rest."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER_CHARS:
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def _check_marks(text: bytes, name: str) -> None:
    """Refuse a text whose decoded form would take far more memory than its bytes."""
    marks = text.count(b",") + text.count(b"[") + text.count(b"{")
    if marks > LIMITS.json_marks:
        raise OversizedInput(
            f"{name} has {marks} commas and brackets, {LIMITS.json_marks} are allowed"
        )


def _check_depth(text: bytes, name: str, *, levels: int) -> None:
    """Refuse JSON that nests deeper than `levels` levels.

    Everything but the brackets outside of strings is removed, and then the innermost pairs, level
    by level, until none is left. That takes a few microseconds for a recording, where a walk over
    its values would take a hundred. Short texts are often settled by counting their brackets.
    """
    if len(text) < _LONG_BYTES and text.count(b"[") + text.count(b"{") <= levels:
        return
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    bare = text.translate(_ONE_BRACKET_KIND, _UNMARKED).replace(b'""', b"")
    if b'"' in bare:
        bare = b"".join(bare.split(b'"')[::2])
    for _ in range(levels):
        bare = bare.replace(b"[]", b"")
        if not bare:
            return
    raise MalformedInput(_too_deep(name))


def _decode_leniently(data: bytes, name: str) -> Any:
    readable = data.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        return json.loads(
            _SURROGATES.sub(_mend_surrogate, readable),
            strict=False,
            parse_constant=_no_number,
            parse_float=_finite_float,
            parse_int=_short_int,
        )
    except RecursionError:
        raise MalformedInput(_too_deep(name)) from None
    except ValueError as error:
        raise MalformedInput(f"{name} is not JSON ({error}): {shown(readable[:60])}") from None


def _mend_surrogate(match: re.Match[str]) -> str:
    escape = match[0]
    return r"\ufffd" if len(escape) == _HALF_CHARS else escape


def _no_number(_name: str) -> None:
    """Return None for NaN, Infinity and -Infinity."""


def _finite_float(digits: str) -> float | None:
    read = float(digits)
    return read if math.isfinite(read) else None


def _short_int(digits: str) -> int | None:
    return int(digits) if len(digits) <= _INTEGER_DIGITS else None


def _too_deep(name: str) -> str:
    return f"{name} nests deeper than {LIMITS.json_depth} levels"


def _type_name(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list():
            return "list"
        case _:
            return "number"
