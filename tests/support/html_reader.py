"""Reads our own pages: the elements of an HTML text, with their attributes and text.

page = read(answer.text)
page.all("li", "data-at-ms")      every <li> that has the attribute
page.one("article", id="error-1")
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final, override

_VOID: Final = {"meta", "link", "input", "br", "img", "hr", "col"}


@dataclass
class Element:
    """One element; its text includes that of the elements inside."""

    tag: str
    attributes: dict[str, str]
    inside: list["Element"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text without the blanks of the markup."""
        return " ".join("".join(self.pieces).split())

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def all(self, tag: str, *having: str, **equal: str) -> list["Element"]:
        """Return the elements below in order: of a tag, with attributes, some with a value."""
        return [
            element
            for element in self.inside
            if element.tag == tag
            and all(name in element.attributes for name in having)
            and all(
                element.attributes.get(name.rstrip("_")) == value for name, value in equal.items()
            )
        ]

    def one(self, tag: str, *having: str, **equal: str) -> "Element":
        """Return the only such element."""
        (element,) = self.all(tag, *having, **equal)
        return element


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        for outer in self._open:
            outer.inside.append(element)
        if tag not in _VOID:
            self._open.append(element)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in {element.tag for element in self._open}:
            while self._open.pop().tag != tag:
                pass

    @override
    def handle_data(self, data: str) -> None:
        for outer in self._open:
            outer.pieces.append(data)


def parse_page(text: str) -> Element:
    """Read a page and return the element that contains all of it."""
    reader = _Reader()
    reader.feed(text)
    return reader.root
