"""Maps of obfuscated Dart names."""

import io
import json
from unittest.mock import patch

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput, RequestRefused
from app.formats.debug_files.packed import dart_maps
from app.formats.debug_files.packed.blocks import BlockWriter
from app.formats.debug_files.packed.dart_maps import PackedDartMap, pack_dart_map
from tests.support.recorded.debug_samples import read_debug_sample


def pack(text: bytes) -> PackedDartMap:
    """Pack a map and open what was written."""
    target = io.BytesIO()
    facts = pack_dart_map(io.BytesIO(text), target)
    assert facts.packed_bytes == len(target.getvalue())
    return PackedDartMap(target.getvalue())


def test_obfuscated_names_lead_to_clear_ones():
    """The clear name stands before the obfuscated one."""
    packed = pack(read_debug_sample("dart/dartsymbolmap.json"))
    assert packed.find_clear_name("aYz") == "PaymentDeclinedException"
    assert packed.find_clear_name("in") == "Error"
    assert packed.find_clear_name("PaymentDeclinedException") is None


def test_names_that_map_to_one_another_are_one_step():
    """A name that is clear and obfuscated at once does not go round."""
    packed = pack(read_debug_sample("hostile/dart-loop.json"))
    assert packed.find_clear_name("bbb") == "a"
    assert packed.find_clear_name("a") == "bbb"


@given(st.dictionaries(st.text(), st.text(), max_size=600))
def test_every_name_is_found(pairs):
    """A map of any names gives each of them."""
    names = [name for obfuscated, clear in pairs.items() for name in (clear, obfuscated)]
    packed = pack(json.dumps(names).encode())
    for obfuscated, clear in pairs.items():
        assert packed.find_clear_name(obfuscated) == clear


@pytest.mark.parametrize("name", ["dart-odd.json", "dart-types.json", "map-deep.map"])
def test_hostile_maps_are_refused(name):
    """An odd number of names, other values than texts, and other files are refused."""
    with pytest.raises(MalformedInput):
        pack(read_debug_sample(f"hostile/{name}"))


def test_a_byte_order_mark_is_left_out():
    """Windows tools write one."""
    assert pack(b'\xef\xbb\xbf["Cart","ab"]').find_clear_name("ab") == "Cart"


def test_limits_hold_at_the_limit_and_one_past_it():
    """As many names and bytes as allowed are read, one more is refused."""
    text = b'["Cart","ab"]'
    with patch.object(dart_maps, "MOST_NAMES", 2), patch.object(dart_maps, "MAP_BYTES", len(text)):
        pack(text)
    for limit, value in (("MOST_NAMES", 1), ("MAP_BYTES", len(text) - 1)):
        with patch.object(dart_maps, limit, value), pytest.raises(OversizedInput):
            pack(text)


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_a_refusal(data):
    """Nothing else is raised."""
    try:
        assert pack(data) is not None
    except RequestRefused as refusal:
        assert str(refusal)  # noqa: PT017 - most bytes are refused


@pytest.mark.parametrize("root", [{"version": 1}, {"format": "dart", "version": 9}, []])
def test_files_of_another_kind_are_no_packed_maps(root):
    """A bundle in the place of a map is refused."""
    target = io.BytesIO()
    BlockWriter(target).finish(root)
    with pytest.raises(MalformedInput):
        PackedDartMap(target.getvalue())
