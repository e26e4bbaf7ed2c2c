"""An uploaded mapping becomes blocks with an index, in which classes are found by either name."""

import io
import random

import pytest

from app.core.errors import MalformedInput, OversizedInput
from app.formats.debug_files.mapping import layout
from app.formats.debug_files.mapping.index import MappingFacts, index_mapping
from app.formats.debug_files.mapping.members import ClassMapping
from app.formats.debug_files.mapping.reader import MappingReader
from tests.support.recorded.debug_samples import read_debug_sample


def index_text(text: bytes) -> tuple[MappingFacts, MappingReader]:
    """Index a mapping; return what was learned of it, and a reader of the result."""
    target = io.BytesIO()
    facts = index_mapping(io.BytesIO(text), target)
    return facts, MappingReader(target.getvalue())


def find_class(reader: MappingReader, obfuscated: str) -> ClassMapping:
    """Return a class that must be there, by its obfuscated name."""
    mapping = reader.find_class(obfuscated)
    assert mapping is not None
    return mapping


def find_clear_class(reader: MappingReader, clear: str) -> ClassMapping:
    """Return a class that must be there, by its clear name."""
    mapping = reader.find_clear_class(clear)
    assert mapping is not None
    return mapping


def make_mapping(classes: int, *, newline: str = "\n") -> bytes:
    """Write a mapping of many small classes, `com.acme.Class7 -> a.a7:` and so on."""
    lines = []
    for number in range(classes):
        lines.append(f"com.acme.Class{number} -> a.a{number}:")
        lines.append(f'# {{"id":"sourceFile","fileName":"File{number}.kt"}}')
        lines.append(f"    1:3:void method{number}(int):{number}:{number + 2} -> b")
    return newline.join([*lines, ""]).encode()


def test_the_sample_of_r8_says_what_it_is():
    """Compiler, version, map id and lines are read from the file."""
    text = read_debug_sample("r8/mapping.txt")
    facts, reader = index_text(text)
    assert facts == MappingFacts(7, True, "R8", "8.7.18", "4fe1c2a", len(text))
    assert reader.classes == 7
    assert find_class(reader, "u2").clear == "com.acme.shop.CheckoutFailure"
    assert find_class(reader, "q.c").source_file == "PayApi.kt"
    assert find_clear_class(reader, "com.acme.shop.net.PayApi").obfuscated == "q.c"
    assert reader.find_class("com.acme.shop.net.PayApi") is None
    assert b"".join(reader.read_text()) == text


def test_the_sample_of_proguard_has_no_head():
    """ProGuard names neither itself nor its version."""
    facts, reader = index_text(read_debug_sample("proguard/mapping.txt"))
    assert (facts.compiler, facts.map_id, facts.has_lines) == (None, None, True)
    assert find_class(reader, "a.d").clear == "com.acme.shop.pay.PaymentFailedException"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_classes_are_found_in_every_block(newline):
    """Among thousands of classes in many blocks each is found by both names."""
    text = make_mapping(8_000, newline=newline)
    facts, reader = index_text(text)
    assert facts.classes == 8_000
    assert len(list(reader.read_text())) > 10
    assert b"".join(reader.read_text()) == text
    for number in [0, 1, 7_999, *random.Random(15).sample(range(8_000), 200)]:
        mapping = find_class(reader, f"a.a{number}")
        assert mapping.clear == f"com.acme.Class{number}"
        assert mapping.source_file == f"File{number}.kt"
        [row] = mapping.read_rows("b")
        assert (row.method, row.original_first) == (f"method{number}", number)
        assert find_clear_class(reader, f"com.acme.Class{number}").obfuscated == f"a.a{number}"
    assert reader.find_class("a.a8000") is None
    assert reader.find_class("") is None


def test_a_class_that_crosses_many_reads_stays_whole():
    """A class of 3 MB, which comes in several reads, is one class in one block."""
    methods = b"".join(b"    %d:%d:void m():7:7 -> a\n" % (n, n) for n in range(90_000))
    text = make_mapping(10) + b"com.acme.Large -> x.y:\n" + methods + make_mapping(3)
    facts, reader = index_text(text)
    assert facts.classes == 14
    assert len(find_class(reader, "x.y").read_rows("a")) == 50_000
    assert b"".join(reader.read_text()) == text


def test_of_two_classes_with_one_name_the_last_counts():
    """A name that a mapping explains twice has one meaning."""
    _, reader = index_text(b"com.acme.First -> a:\ncom.acme.Second -> a:\n")
    assert find_class(reader, "a").clear == "com.acme.Second"
    assert find_clear_class(reader, "com.acme.First").obfuscated == "a"


def test_a_mapping_without_lines_says_so():
    """Names alone are useful, and an upload can say what they lack."""
    facts, _ = index_text(b"com.acme.Cart -> a.a:\n    int total() -> a\n    int count -> b\n")
    assert facts.has_lines is False


def test_a_byte_order_mark_belongs_to_no_name():
    """Editors on Windows put one before the first class."""
    _, reader = index_text(b"\xef\xbb\xbfcom.acme.Cart -> a.a:\r\n")
    assert find_class(reader, "a.a").clear == "com.acme.Cart"


def test_a_mapping_of_r8_without_classes_is_kept():
    """A build in which R8 renamed nothing must not fail at its upload."""
    facts, reader = index_text(b"# compiler: R8\n# compiler_version: 8.7.18\n")
    assert (facts.classes, facts.compiler) == (0, "R8")
    assert reader.find_class("a.a") is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>\n<body>404: not found</body>\n",
        b"\x7fELF" + bytes(range(256)) * 40,
        "com.acme.Cart -> a.a:\n".encode("utf-16"),
        b"a -> :\n -> b:\nc ->d:\n",
    ],
    ids=["empty", "html", "binary", "utf-16", "broken"],
)
def test_other_files_are_refused(text):
    """A build log should show that the wrong file was uploaded."""
    with pytest.raises(MalformedInput, match="no R8 or ProGuard mapping"):
        index_mapping(io.BytesIO(text), io.BytesIO())


def test_hostile_mappings_are_refused_or_read():
    """An endless line and members without a class are refused; markup is a name like others."""
    for name in ("mapping-line.txt", "mapping-regex.txt"):
        with pytest.raises((MalformedInput, OversizedInput)):
            index_text(read_debug_sample(f"hostile/{name}"))
    _, reader = index_text(read_debug_sample("hostile/mapping-html.txt"))
    assert find_class(reader, "a").clear == "<img src=x onerror=alert(1)>$é.Ѐ"
    assert [row.method for row in find_class(reader, "a").read_rows("b")] == [
        "<script>alert(2)</script>"
    ]


def test_limits_are_refused_with_a_sentence(monkeypatch):
    """Too many classes and too long a class end the upload, not the process."""
    monkeypatch.setattr(layout, "CLASSES", 20)
    with pytest.raises(OversizedInput, match="more than 20 classes"):
        index_text(make_mapping(21))
    monkeypatch.setattr(layout, "CLASS_BYTES", 10_000)
    with pytest.raises(OversizedInput, match="longer than 10000 bytes"):
        index_text(b"a.B -> a:\n" + b"    int x() -> a\n" * 1_000)


@pytest.mark.parametrize("cut", [0, 5, 8, 30, -1, -20, -300])
def test_a_cut_index_is_no_index(cut):
    """A file that was cut, in the cache or in the store, raises and gives no wrong names."""
    target = io.BytesIO()
    index_mapping(io.BytesIO(make_mapping(100)), target)
    with pytest.raises(MalformedInput):
        MappingReader(target.getvalue()[:cut]).find_class("a.a7")
