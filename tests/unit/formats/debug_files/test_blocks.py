"""Files of blocks, in which bundles and maps are kept for look-ups."""

import io

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.formats.debug_files.packed import blocks
from app.formats.debug_files.packed.blocks import MAGIC, BlockReader, BlockWriter, decode_json


def write_table(items: list[tuple[str, int]]) -> BlockReader:
    """Write a table and return the reader of its file."""
    target = io.BytesIO()
    writer = BlockWriter(target)
    size = writer.finish(writer.add_table(items))
    assert size == len(target.getvalue())
    return BlockReader(target.getvalue())


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(0, 9), max_size=1_500))
def test_every_key_of_a_table_is_found(items):
    """Look-ups give what was written, and None for any other key."""
    reader = write_table(sorted(items.items()))
    for key, value in items.items():
        assert reader.find_in_table(reader.root, key) == value
        assert reader.find_in_table(reader.root, key + "\0") == items.get(key + "\0")


def test_a_large_table_is_read_block_by_block(monkeypatch):
    """More blocks than are kept in memory can be read, in any order."""
    monkeypatch.setattr(blocks, "RECENT_BYTES", 20_000)
    items = [(f"{number:06}", number) for number in range(256 * 70)]
    reader = write_table(items)
    for key, value in items[::-255] + items[::255]:
        assert reader.find_in_table(reader.root, key) == value
    assert reader.find_in_table(reader.root, "") is None


def test_blocks_come_back_as_they_were():
    """Bytes and JSON values are read from their places."""
    target = io.BytesIO()
    writer = BlockWriter(target)
    places = [writer.add_block(b"some text"), writer.add_json({"a": [1]})]
    writer.finish(places)
    reader = BlockReader(target.getvalue())
    assert reader.read_block(reader.root[0]) == b"some text"
    assert reader.recall(reader.root[1], decode_json) == {"a": [1]}


@pytest.mark.parametrize("data", [b"", MAGIC, b"x" * 100, MAGIC + bytes(12), b"SYSB" + bytes(50)])
def test_other_files_are_refused(data):
    """A file that is cut or of another kind is no file of blocks."""
    with pytest.raises(MalformedInput):
        BlockReader(data)


@given(at=st.integers(8, 400), value=st.integers(0, 255))
def test_damage_is_noticed(at, value):
    """A changed byte gives the same value or a refusal, never another value."""
    target = io.BytesIO()
    writer = BlockWriter(target)
    items = [(f"key {number}", number) for number in range(40)]
    writer.finish(writer.add_table(items))
    data = bytearray(target.getvalue())
    data[at % len(data)] = value
    try:
        reader = BlockReader(bytes(data))
        assert reader.find_in_table(reader.root, "key 7") == 7
    except MalformedInput:
        pass


def test_a_block_that_is_no_json_is_refused():
    """The value of a damaged file is never half of one."""
    with pytest.raises(MalformedInput, match="not JSON"):
        decode_json(b"{")
