"""Forms are read as they arrive: whatever the pieces are, the parts are the same."""

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput, RequestRefused
from app.debug_uploads.form_reader import FormReader, PartHead

BOUNDARY = "------------------------fiFBw0u4BojIJuLrN6xWLw"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass
class Part:
    """A part that is collected."""

    head: PartHead
    content: bytearray = field(default_factory=bytearray)
    is_whole: bool = False

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self.content += data

    def end(self) -> None:
        """Take note of the end."""
        self.is_whole = True


class Parts(list[Part]):
    """The parts of a form."""

    def open_part(self, head: PartHead) -> Part:
        """Begin with a part."""
        self.append(Part(head))
        return self[-1]


def make_form(*parts: tuple[str, str, bytes]) -> bytes:
    """Write a form as curl does."""
    written = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, filename, content in parts
    )
    return written + f"--{BOUNDARY}--\r\n".encode()


def read_form(body: bytes, cuts: list[int], *, most_parts: int = 64) -> Parts:
    """Read a form that arrives in pieces."""
    parts = Parts()
    reader = FormReader(TYPE, parts.open_part, most_parts=most_parts)
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        reader.feed(body[start:end])
    reader.finish()
    return parts


@given(
    st.lists(st.binary(max_size=200) | st.just(f"\r\n--{BOUNDARY}"[:-1].encode()), max_size=5),
    st.lists(st.integers(0, 10_000), max_size=20),
)
def test_parts_are_the_same_however_they_arrive(contents, cuts):
    """Bytes that look like a part of the boundary are content, wherever the pieces end."""
    form = make_form(*(("file", f"{at:040x}", each) for at, each in enumerate(contents)))
    parts = read_form(form, cuts)
    assert [bytes(part.content) for part in parts] == contents
    assert [part.head for part in parts] == [
        PartHead("file", f"{at:040x}") for at, _ in enumerate(contents)
    ]
    assert all(part.is_whole for part in parts)


@given(st.binary(max_size=300), st.integers(0, 400), st.booleans())
def test_any_bytes_are_read_or_refused(noise, at, is_inserted):
    """Broken forms are refused, and nothing else is raised."""
    form = make_form(("file", "a" * 40, b"content"), ("file", "b" * 40, b""))
    broken = form[:at] + noise + form[at if is_inserted else at + len(noise) :]
    try:
        read_form(broken, [at])
    except RequestRefused:
        return


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=" + "x" * 300,
    ],
)
def test_other_types_are_refused(content_type):
    """A form names its boundary, of a length that can be."""
    with pytest.raises(MalformedInput):
        FormReader(content_type, Parts().open_part, most_parts=1)


def test_a_form_has_so_many_parts():
    """The last part that is allowed is read, one more is not."""
    form = make_form(*(("file", "a", b"x") for _ in range(3)))
    assert len(read_form(form, [], most_parts=3)) == 3
    with pytest.raises(OversizedInput):
        read_form(form, [], most_parts=2)


def test_a_form_that_ends_too_soon_is_refused():
    """Without its last boundary a form may be half of one."""
    form = make_form(("file", "a", b"x"))
    with pytest.raises(MalformedInput, match="too soon"):
        read_form(form[: -len(BOUNDARY) - 6], [])


def test_a_part_without_a_name_is_handed_on_as_it_is():
    """A part may lack the line that names it; who takes it decides."""
    form = f"--{BOUNDARY}\r\nX: y\r\n\r\nz\r\n--{BOUNDARY}--\r\n".encode()
    (part,) = read_form(form, [])
    assert part.head == PartHead("", "")
