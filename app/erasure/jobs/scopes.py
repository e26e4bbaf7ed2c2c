"""Defines the scopes of erasures: some replays, everything of a person, a range, a project.

A scope is stored with its job as JSON until the job has finished. Its summary stays with the
receipt, and names nobody.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.core.ids import ReplayId
from app.erasure.people.names import KIND_WORDS, NameKind, NameMatcher, PersonName
from app.replays.model import ReplayKey

KINDS_OF_RECORDS: Final = ("replays", "errors", "feedback", "logs", "spans")
"""The kinds of records to which an erasure by time can be limited."""


class ReplaysScope(msgspec.Struct, frozen=True, tag="replays"):
    """Some replays of one project; the first transaction needs their ids, the steps do not."""

    asked: int
    """The number of replays that the person chose."""


class PersonScope(msgspec.Struct, frozen=True, tag="person"):
    """Everything that names a person."""

    names: tuple[tuple[str, str], ...]
    """Kinds and values of the names."""

    @property
    def person_names(self) -> tuple[PersonName, ...]:
        """The names of the person."""
        return tuple(PersonName(NameKind(kind), value) for kind, value in self.names)

    @property
    def matcher(self) -> NameMatcher:
        """A matcher of all names of the person."""
        return NameMatcher(self.person_names)


class RangeScope(msgspec.Struct, frozen=True, tag="range"):
    """Everything that a project received in a range of time."""

    since: datetime
    until: datetime
    """Exclusive."""
    kinds: tuple[str, ...] = KINDS_OF_RECORDS


class ProjectScope(msgspec.Struct, frozen=True, tag="project"):
    """A whole project with its members, keys and settings."""


ErasureScope = ReplaysScope | PersonScope | RangeScope | ProjectScope


def make_person_scope(names: Sequence[PersonName]) -> PersonScope:
    """Make the scope of a person with some names, each once."""
    return PersonScope(tuple((name.kind.value, name.value) for name in dict.fromkeys(names)))


def write_scope(scope: ErasureScope) -> dict[str, Any]:
    """Return a scope as JSON."""
    written: dict[str, Any] = msgspec.to_builtins(scope)
    return written


def read_scope(value: Any) -> ErasureScope:
    """Read a scope that `write_scope` wrote."""
    scope: ErasureScope = msgspec.convert(value, ErasureScope)
    return scope


def summarize_scope(scope: ErasureScope, keys: Sequence[ReplayKey] = ()) -> dict[str, Any]:
    """Say what was asked for without personal data: this stays with the receipt.

    Args:
        scope: The scope.
        keys: The replays that were chosen; the id of a single one is part of the summary.
    """
    match scope:
        case ReplaysScope():
            if len(keys) == 1:
                return {"replay_id": str(ReplayId(keys[0].replay_id))}
            return {"replays": scope.asked}
        case PersonScope():
            kinds = dict.fromkeys(KIND_WORDS[name.kind] for name in scope.person_names)
            return {"names": list(kinds)}
        case RangeScope():
            return {
                "since": scope.since.isoformat(),
                "until": scope.until.isoformat(),
                "kinds": list(scope.kinds),
            }
        case ProjectScope():
            return {}
