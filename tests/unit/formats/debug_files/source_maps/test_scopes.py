"""Functions around positions, as Metro and Hermes write them into source maps."""

import json

import pytest

from app.core.errors import MalformedInput
from app.formats.debug_files.source_maps.scopes import read_scopes, unpack_scopes
from tests.support.builders.source_maps import (
    locate,
    pack_map,
    pack_text,
    source_map,
    write_mappings,
)

FUNCTIONS = [[{"names": ["<global>", "Cart", "Cart#checkout"], "mappings": "AAA;OCE;ECC;GDE"}]]


@pytest.mark.parametrize(
    ("line", "column", "name"),
    [
        (1, 0, "<global>"),
        (3, 6, "<global>"),
        (3, 7, "Cart"),
        (4, 1, "Cart"),
        (4, 2, "Cart#checkout"),
        (6, 2, "Cart#checkout"),
        (6, 3, "Cart"),
        (0, 5, None),
    ],
)
def test_functions_hold_until_the_next_one(line, column, name):
    """A name holds from its position on; columns count from 0 in each line."""
    scopes = read_scopes(json.dumps(FUNCTIONS[0]).encode())
    assert scopes is not None
    assert scopes.find_function(line, column) == name


def test_functions_of_a_map_are_named():
    """Metro writes the functions of each source into the map."""
    whole = source_map(
        sources=["src/a.js"],
        mappings=write_mappings([(0, 0, 0, 3, 4, None)]),
        x_facebook_sources=FUNCTIONS,
    )
    packed, facts = pack_text(json.dumps(whole))
    assert locate(packed, 1, 1).function == "Cart#checkout"
    assert facts.has_functions


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        [None],
        7,
        [{"names": ["a"]}],
        [{"names": ["a"], "mappings": "ACA"}],
        [{"names": "a", "mappings": "AAA"}],
        [{"names": ["a"], "mappings": "A!A"}],
        [{"names": ["a"], "mappings": "ä"}],
    ],
)
def test_functions_that_cannot_be_read_are_left_out(raw):
    """The map is used without them."""
    assert read_scopes(json.dumps(raw).encode()) is None
    packed = pack_map(source_map(x_facebook_sources=[raw]))
    assert locate(packed, 1, 1).function is None


def test_functions_that_are_not_text_are_left_out():
    """The map is used without them."""
    text = json.dumps(source_map(x_facebook_sources=[[{"names": ["NAME"], "mappings": "AAA"}]]))
    packed, _ = pack_text(text.encode().replace(b"NAME", b"\x80"))
    assert locate(packed, 1, 1).function is None


def test_functions_of_a_damaged_file_are_refused():
    """Scopes are read as they were packed, or not at all."""
    with pytest.raises(MalformedInput, match="no functions"):
        unpack_scopes(b"[]")


def test_empty_segments_mean_nothing():
    """Commas in a row are passed over."""
    scopes = read_scopes(b'[{"names":["a"],"mappings":",AAA,,;"}]')
    assert scopes is not None
    assert scopes.find_function(1, 0) == "a"
