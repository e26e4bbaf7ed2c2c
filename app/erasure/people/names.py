"""Tests whether a record names a person, by names such as an e-mail address or a user id.

    field of a user ──► equals a name of that kind ─┐
    any text ─────────► contains a telling name ────┴─► the record names the person

A telling name is one that means this person wherever it stands: an e-mail or IP address, or a
longer text with a digit or a sign in it. Other names, such as `42` or `maria`, count only where a
record says that they name its user, since they stand in the records of many others too.
"""

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from app.core.errors import InvalidInput
from app.formats.stored import packed_json

_MOST_CHARS: Final = 200
_LEAST_TELLING_CHARS: Final = 6
_TELLING_SIGN: Final = re.compile(r"[\d\s._@+:-]")
_WORD: Final = r"[\w.@+-]"
"""A character that would make a longer name of a name that it stands beside."""
_MOST_DEPTH: Final = 64
_TYPED_VALUE: Final = frozenset({"value", "type", "unit"})


class NameKind(StrEnum):
    """A kind of name. The values are members of recorded users, except for devices."""

    ID = "id"
    EMAIL = "email"
    IP = "ip_address"
    USERNAME = "username"
    NAME = "name"
    DEVICE = "device"


KIND_WORDS: Final = {
    NameKind.ID: "user id",
    NameKind.EMAIL: "e-mail address",
    NameKind.IP: "IP address",
    NameKind.USERNAME: "user name",
    NameKind.NAME: "name",
    NameKind.DEVICE: "device id",
}
USER_KINDS: Final = tuple(kind for kind in NameKind if kind is not NameKind.DEVICE)
"""The kinds that the user of a replay or an event may have."""

_FIELD_NAMES: Final[dict[NameKind, frozenset[str]]] = {
    NameKind.ID: frozenset(
        {"id", "user.id", "enduser.id", "user_id", "userid", "uid", "distinct_id"}
    ),
    NameKind.EMAIL: frozenset({"email", "user.email", "contact_email", "e-mail", "user_email"}),
    NameKind.IP: frozenset({"ip_address", "user.ip", "user.ip_address", "client.address", "ip"}),
    NameKind.USERNAME: frozenset(
        {"username", "user.username", "user.name", "user_name", "enduser.username", "login"}
    ),
    NameKind.NAME: frozenset({"name", "user.name", "user.full_name", "full_name", "user_name"}),
    NameKind.DEVICE: frozenset(
        {"device.id", "device_id", "deviceid", "device_unique_identifier", "unique_identifier",
         "installation_id", "id", "user.id", "uid"}
    ),
}  # fmt: skip
"""Members of records that hold such a name. Those that are words of everyday JSON count only
inside an object that is about a user or a device."""
_PLAIN_FIELDS: Final = frozenset({"id", "name", "ip", "email", "username", "login"})
_ABOUT: Final = frozenset({"user", "enduser", "customer", "account", "contact", "device", "usr"})


@dataclass(frozen=True, slots=True, order=True)
class PersonName:
    """One name of a person, as somebody typed it or a record has it."""

    kind: NameKind
    value: str

    @property
    def is_telling(self) -> bool:
        """True if the name means the person wherever it stands."""
        if self.kind in {NameKind.EMAIL, NameKind.IP, NameKind.DEVICE}:
            return True
        return len(self.value) >= _LEAST_TELLING_CHARS and bool(_TELLING_SIGN.search(self.value))


class JsonLeaf(NamedTuple):
    """A text or a number in a JSON value."""

    parent: str
    """The name under which the object around it is stored, in lower case; empty for none."""
    field: str
    """The name under which the value itself is stored, in lower case; empty for none."""
    text: str


def read_name(kind: str, value: str) -> PersonName:
    """Read a name from a form.

    Raises:
        InvalidInput: There is no such kind, or the value cannot be a name of that kind.
    """
    text = value.strip()
    try:
        read_kind = NameKind(kind)
    except ValueError as error:
        raise InvalidInput("choose what kind of name it is") from error
    words = KIND_WORDS[read_kind]
    if not text:
        raise InvalidInput(f"type the {words} of the person")
    if len(text) > _MOST_CHARS:
        raise InvalidInput(f"a {words} has {_MOST_CHARS} characters at most")
    if read_kind is NameKind.EMAIL and not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        raise InvalidInput("that is not an e-mail address")
    if read_kind is NameKind.IP:
        try:
            text = str(ipaddress.ip_address(text))
        except ValueError as error:
            raise InvalidInput("that is not an IP address") from error
    if read_kind is NameKind.DEVICE and len(text) < _LEAST_TELLING_CHARS:
        raise InvalidInput(f"a device id has {_LEAST_TELLING_CHARS} characters at least")
    return PersonName(read_kind, text)


class NameMatcher:
    """Tells whether records name a person."""

    def __init__(self, names: Iterable[PersonName]) -> None:
        """Make a matcher of all names of one person."""
        self._by_kind: dict[NameKind, set[str]] = {}
        telling: list[str] = []
        for name in names:
            self._by_kind.setdefault(name.kind, set()).add(name.value.casefold())
            if name.is_telling:
                # Also as an address has it: `?user=ada%40example.org`.
                telling += [name.value, quote(name.value, safe="")]
        self._telling = _compile_telling(sorted(set(telling)))
        plain = {value for values in self._by_kind.values() for value in values}
        wanted = {value.casefold() for value in telling}
        self._needs_decoding = any(char in value for value in plain | wanted for char in '"\\/')
        for value in plain - wanted:
            # A short name is a whole value, never a part of one: `"42"`, `\\"42\\"`, or a number.
            wanted |= {f'"{value}"', f'{value}\\"'}
            if value.isdecimal():
                wanted |= {f":{value}{end}" for end in ",}"} | {f": {value}{end}" for end in ",}"}
        self._needles = tuple(sorted(needle.encode() for needle in wanted))

    def names_user(self, user: Mapping[str, Any]) -> bool:
        """Tell whether the recorded user of a row is the person."""
        for kind, values in self._by_kind.items():
            member = NameKind.ID if kind is NameKind.DEVICE else kind
            if _fold(user.get(member.value)) in values:
                return True
        return any(self.stands_in(value) for value in user.values() if isinstance(value, str))

    def names_field(self, kind: NameKind, value: str | None) -> bool:
        """Tell whether a column that holds one kind of name has a name of the person."""
        if not value:
            return False
        return _fold(value) in self._by_kind.get(kind, ()) or self.stands_in(value)

    def stands_in(self, text: str | None) -> bool:
        """Tell whether a telling name of the person stands in a text."""
        return bool(text and self._telling and self._telling.search(text))

    def stands_in_packed(self, data: bytes | None) -> bool:
        """Tell whether packed JSON names the person; what cannot be unpacked names nobody."""
        if not data:
            return False
        try:
            text = packed_json.unpack_text(data)
        except ValueError:
            return False
        return self.stands_in_json(text)

    def stands_in_json(self, text: bytes) -> bool:
        """Tell whether a JSON text names the person."""
        # Decoding costs fifty times as much as looking for the bytes. A text with escapes, or with
        # letters whose case has other bytes, may have a name in another spelling.
        if text.isascii() and b"\\u" not in text and not self._needs_decoding:
            folded = text.lower()
            if not any(needle in folded for needle in self._needles):
                return False
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return self.stands_in(text.decode("utf-8", "replace"))
        return self.stands_in_value(value)

    def stands_in_value(self, value: Any) -> bool:
        """Tell whether decoded JSON names the person, in a field for it or as a telling name."""
        return any(self._is_named_by(leaf) for leaf in _walk_leaves(value, "", "", 0))

    def _is_named_by(self, leaf: JsonLeaf) -> bool:
        if self.stands_in(leaf.text):
            return True
        if leaf.field in _PLAIN_FIELDS and leaf.parent not in _ABOUT:
            return False
        folded = leaf.text.casefold()
        return any(
            folded in values and leaf.field in _FIELD_NAMES[kind]
            for kind, values in self._by_kind.items()
        )


def _compile_telling(values: list[str]) -> re.Pattern[str] | None:
    if not values:
        return None
    longest_first = sorted(values, key=len, reverse=True)
    choice = "|".join(re.escape(value) for value in longest_first)
    # The name must not be a part of a longer one: `ada@x.org` is not `nada@x.org`. A full stop
    # may end a sentence after it.
    return re.compile(rf"(?<!{_WORD})(?:{choice})(?![\w@+-]|\.\w)", re.IGNORECASE)


def _walk_leaves(value: Any, parent: str, field: str, depth: int) -> Iterator[JsonLeaf]:
    """Yield each text or number in a JSON value."""
    if depth > _MOST_DEPTH or value is None or isinstance(value, bool):
        return
    if isinstance(value, dict):
        yield from _walk_object(value, parent, field, depth)
    elif isinstance(value, list):
        for member in value:
            yield from _walk_leaves(member, parent, field, depth + 1)
    else:
        text = str(value)
        yield JsonLeaf(parent, field, text)
        if text[:1] in "{[":
            yield from _walk_text(text, parent, field, depth)


def _walk_object(value: dict[str, Any], parent: str, field: str, depth: int) -> Iterator[JsonLeaf]:
    # Attributes of logs and spans are written as `{"value": …, "type": …}`.
    if value.keys() <= _TYPED_VALUE and "value" in value:
        yield from _walk_leaves(value["value"], parent, field, depth + 1)
        return
    for name, member in value.items():
        yield JsonLeaf(parent, field, name)
        yield from _walk_leaves(member, field, name.casefold(), depth + 1)


def _walk_text(text: str, parent: str, field: str, depth: int) -> Iterator[JsonLeaf]:
    """Yield the leaves of JSON that a text holds, such as the body of a request."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict | list):
        yield from _walk_leaves(value, parent, field, depth + 1)


def _fold(value: object) -> str | None:
    return value.casefold() if isinstance(value, str) else None
