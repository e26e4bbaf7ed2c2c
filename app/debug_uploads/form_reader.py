"""Reads `multipart/form-data` as it arrives, part by part, without holding a part in memory.

    bytes ─► feed ─► open_part(head) ─► write, write, … ─► end ─► the next part

Source: RFC 7578.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.core.errors import MalformedInput, OversizedInput
from app.core.log import shown

_HEAD_BYTES: Final = 4_096
"""The name and the value of one line in the head of a part."""
_FORM: Final = b"multipart/form-data"


@dataclass(frozen=True, slots=True)
class PartHead:
    """The fields in the head of a part."""

    name: str
    """The name of the field; empty if it has none."""
    filename: str
    """The name of the file; empty if it has none."""


class PartWriter(Protocol):
    """Takes the content of a part."""

    def write(self, data: bytes) -> None:
        """Take the next bytes of the part."""

    def end(self) -> None:
        """Take note that the part is whole."""


class FormReader:
    """Reads one form."""

    def __init__(
        self, content_type: str, open_part: Callable[[PartHead], PartWriter], *, most_parts: int
    ) -> None:
        """Begin to read a form.

        Args:
            content_type: The header `Content-Type` of the request.
            open_part: Returns what takes the content of a part.
            most_parts: The most parts that the form may have.

        Raises:
            MalformedInput: The type is another one, or names no boundary.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != _FORM or not boundary:
            raise MalformedInput(
                f"the body must be multipart/form-data with a boundary, not {shown(content_type)}"
            )
        self._open_part = open_part
        self._most_parts = most_parts
        self._parts = 0
        self._writer: PartWriter | None = None
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = ""
        self._is_whole = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_head,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end_form,
                },
                max_header_size=_HEAD_BYTES,
            )
        except FormParserError as error:
            raise MalformedInput(f"the form cannot be read: {error}") from error

    def feed(self, data: bytes) -> None:
        """Read on.

        Raises:
            MalformedInput: The form is broken; also what the writers of parts raise.
            OversizedInput: It has too many parts.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise MalformedInput(f"the form cannot be read: {error}") from error

    def finish(self) -> None:
        """Take note that all bytes of the form were read.

        Raises:
            MalformedInput: It ends within a part.
        """
        if not self._is_whole:
            raise MalformedInput("the form ends too soon: its last boundary is missing")

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > self._most_parts:
            raise OversizedInput(f"the form has more than {self._most_parts} parts")
        self._disposition = ""

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value.decode("latin-1")
        self._header_name.clear()
        self._header_value.clear()

    def _end_head(self) -> None:
        _, options = parse_options_header(self._disposition)
        names = (options.get(key, b"").decode("utf-8", "replace") for key in (b"name", b"filename"))
        self._writer = self._open_part(PartHead(*names))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._writer is not None:
            self._writer.write(data[start:end])

    def _end_part(self) -> None:
        if self._writer is not None:
            self._writer.end()
        self._writer = None

    def _end_form(self) -> None:
        self._is_whole = True
