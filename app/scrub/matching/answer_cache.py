"""A cache of answers about short texts, since the same names come with every event."""

from typing import Final, TypeVar

_MOST_ENTRIES: Final = 4_096
_LONGEST_KEY_CHARS: Final = 128

_Answer = TypeVar("_Answer")


class AnswerCache(dict[str, _Answer]):
    """Answers by text; a full cache is emptied, and long texts are not cached."""

    def remember(self, text: str, answer: _Answer) -> _Answer:
        """Cache an answer, and return it."""
        if len(text) <= _LONGEST_KEY_CHARS:
            if len(self) >= _MOST_ENTRIES:
                self.clear()
            self[text] = answer
        return answer
