"""Remembers answers about short texts: the same names come with every event."""

from typing import Final, TypeVar

_MOST_KEPT: Final = 4_096
_KEPT_CHARS: Final = 128

_Answer = TypeVar("_Answer")


class AnswerCache(dict[str, _Answer]):
    """Answers by text; forgets all of them rather than grow, and does not begin with long texts."""

    def keep(self, text: str, answer: _Answer) -> _Answer:
        """Remember an answer, and return it."""
        if len(text) <= _KEPT_CHARS:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[text] = answer
        return answer
