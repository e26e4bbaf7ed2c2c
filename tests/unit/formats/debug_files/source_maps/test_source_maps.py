"""Source maps: positions, names, functions and code, in every form in which tools write them."""

import json
from unittest.mock import patch

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput, RequestRefused
from app.formats.debug_files.source_maps import mapping_index, packing
from app.formats.debug_files.source_maps.packed_map import PackedSourceMap, SourcePosition
from tests.support.builders.source_maps import (
    MAP_ID,
    locate,
    pack_map,
    pack_text,
    source_map,
    write_mappings,
)
from tests.support.recorded.debug_samples import read_debug_sample


def find(packed: PackedSourceMap, line: int, column: int) -> tuple[str, int, int] | None:
    """Return source, line and column of a position, or None."""
    position = packed.find_position(line, column)
    return (position.source, position.line, position.column) if position else None


def test_a_position_leads_to_source_line_and_name():
    """Lines and columns count from 1 on both sides."""
    packed = pack_map(source_map())
    position = locate(packed, 1, 11)
    assert (position.source, position.line, position.column) == ("src/a.js", 2, 3)
    assert position.name == "second"
    assert position.function is None
    assert "\n  second()" in (packed.read_content(position.source_number) or "")


def test_a_position_belongs_to_the_last_segment_before_it():
    """A segment holds until the next one of its line begins."""
    packed = pack_map(source_map())
    assert find(packed, 1, 10) == ("src/a.js", 1, 1)
    assert find(packed, 1, 10_000) == ("src/a.js", 2, 3)


@pytest.mark.parametrize(("line", "column"), [(2, 1), (0, 0), (1, 0), (-3, 5)])
def test_a_position_outside_of_the_map_leads_nowhere(line, column):
    """A segment does not hold on the next line, and nothing lies before the first."""
    assert find(pack_map(source_map()), line, column) is None


def test_code_that_comes_from_no_source_leads_nowhere():
    """A segment of one number ends the source before it, as around wrappers of Metro."""
    mappings = write_mappings([(0, 0, 0, 0, 0, None), (0, 5, None, 0, 0, None)])
    packed = pack_map(source_map(mappings=mappings))
    assert find(packed, 1, 5) == ("src/a.js", 1, 1)
    assert find(packed, 1, 6) is None


@st.composite
def mapping_lists(draw):
    """Draw mappings of five sources and three names, in the order of their positions."""
    places = draw(st.sets(st.tuples(st.integers(0, 30), st.integers(0, 3_000)), max_size=400))
    number = st.integers(0, 5_000)
    return [
        (
            line,
            column,
            draw(st.sampled_from([None, 0, 1, 2, 3, 4])),
            draw(number),
            draw(number),
            draw(st.sampled_from([None, 0, 1, 2])),
        )
        for line, column in sorted(places)
    ]


@given(mappings=mapping_lists(), probes=st.lists(st.tuples(st.integers(0, 31), st.integers(0, 3_100)), max_size=30))  # fmt: skip  # noqa: E501 - two arguments
def test_slices_give_what_the_whole_map_says(mappings, probes):
    """A look-up that decodes one slice finds what a search through all mappings finds."""
    sources = [f"{letter}.js" for letter in "abcde"]
    with patch.object(mapping_index, "_SLICE_BYTES", 40):
        packed = pack_map(
            source_map(sources=sources, names=["x", "y", "z"], mappings=write_mappings(mappings))
        )
    for line, column in [*probes, *[mapping[:2] for mapping in mappings]]:
        before = [m for m in mappings if m[0] == line and m[1] <= column]
        position = packed.find_position(line + 1, column + 1)
        expected = None
        if before and before[-1][2] is not None:
            _, _, source, source_line, source_column, name = before[-1]
            expected = SourcePosition(
                source=sources[source],
                source_number=source,
                line=source_line + 1,
                column=source_column + 1,
                name=None if name is None else "xyz"[name],
                function=None,
                is_ignored=False,
            )
        assert position == expected


def test_segments_out_of_order_are_sorted():
    """Tools that join maps write segments of a line in any order."""
    mappings = write_mappings(
        [(0, 30, 0, 3, 0, 0), (0, 0, 0, 0, 0, None), (0, 10, None, 0, 0, None), (1, 4, 0, 9, 9, 0)]
    )
    packed = pack_map(source_map(mappings=mappings))
    assert find(packed, 1, 5) == ("src/a.js", 1, 1)
    assert find(packed, 1, 12) is None
    assert find(packed, 1, 40) == ("src/a.js", 4, 1)
    assert locate(packed, 2, 5).name == "second"


def test_a_segment_before_its_line_is_refused():
    """No order makes a negative column right."""
    with pytest.raises(MalformedInput, match="before its line"):
        pack_map(source_map(mappings="DAAA"))


def test_sorting_is_bounded():
    """A line of a million segments out of order is refused before it is held in memory."""
    mappings = write_mappings([(0, column, 0, 0, 0, None) for column in (5, 4, 3)])
    for limit in ("_MOST_SORTED", "_SORTED_BYTES"):
        with patch.object(mapping_index, limit, 1), pytest.raises(OversizedInput):
            pack_map(source_map(mappings=mappings))


def test_sections_are_put_together():
    """An indexed map holds a map for each part of the script; each has sources of its own."""
    sections = [
        {"offset": {"line": 1, "column": 100}, "map": source_map(sources=["src/c.js"])},
        {"offset": {"line": 0, "column": 0}, "map": source_map()},
        {"offset": {"line": 1, "column": 0}, "map": source_map(sources=["src/b.js"], names=["b"])},
        {"offset": {"line": 9, "column": 0}, "url": "https://elsewhere.example/never.map"},
    ]
    packed = pack_map({"version": 3, "sections": sections})
    assert find(packed, 1, 11) == ("src/a.js", 2, 3)
    assert find(packed, 2, 11) == ("src/b.js", 2, 3)
    assert locate(packed, 2, 11).name == "b"
    assert find(packed, 2, 111) == ("src/c.js", 2, 3)
    assert locate(packed, 2, 111).name == "second"
    assert find(packed, 10, 11) is None


def test_a_section_does_not_continue_the_one_before_it():
    """Between the beginning of a section and its first segment, nothing is known."""
    late = source_map(mappings=write_mappings([(0, 10, 0, 0, 0, None)]))
    sections = [
        {"offset": {"line": 0, "column": 0}, "map": source_map()},
        {"offset": {"line": 0, "column": 100}, "map": late},
    ]
    packed = pack_map({"version": 3, "sections": sections})
    assert find(packed, 1, 100) == ("src/a.js", 2, 3)
    assert find(packed, 1, 105) is None
    assert find(packed, 1, 111) == ("src/a.js", 1, 1)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"offset": {"line": 0, "column": 0}, "map": {"version": 3, "sections": []}}, "mappings"),
        ({"offset": {"line": 0, "column": 0}, "map": {"sections": [1]}}, "sections itself"),
        ({"offset": {"line": -1, "column": 0}, "map": source_map()}, "outside of the script"),
        ({"offset": {"line": 0, "column": 2**31}, "map": source_map()}, "outside of the script"),
        ({"offset": {"line": 10**40, "column": 0}, "map": source_map()}, "section"),
        ({"offset": "here", "map": source_map()}, "section"),
        (7, "section"),
    ],
)
def test_broken_sections_are_refused(section, words):
    """The message says that it is a section that cannot be read."""
    if section == {"offset": {"line": 0, "column": 0}, "map": {"version": 3, "sections": []}}:
        words = "sections itself"
    with pytest.raises(MalformedInput, match=words):
        pack_map({"version": 3, "sections": [section]})


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf%s",
        b")]}'\n%s",
        b")]}\n%s",
        b"\xef\xbb\xbf)]}'\n%s",
        b"  %s\n",
    ],
)
def test_what_stands_before_json_is_left_out(text):
    """Editors write a byte order mark, servers a guard against running the map as a script."""
    packed, _ = pack_text(text % json.dumps(source_map()).encode())
    assert find(packed, 1, 11) == ("src/a.js", 2, 3)


def test_a_root_stands_before_the_sources():
    """`sourceRoot` is put before each source, with one slash."""
    packed = pack_map(source_map(sourceRoot="webpack://shop/"))
    assert find(packed, 1, 11) == ("webpack://shop/src/a.js", 2, 3)


def test_escaped_slashes_in_mappings_are_read():
    """PHP and others write `/` as an escape, which is a digit of the mappings."""
    mappings = write_mappings([(0, 0, 0, 0, 0, None), (0, 1_000, 0, 31, 500, 0)])
    text = json.dumps(source_map(mappings=mappings)).replace("/", "\\/")
    assert find(pack_text(text)[0], 1, 1_001) == ("src/a.js", 32, 501)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"debugId": MAP_ID.upper()}, MAP_ID),
        ({"debug_id": MAP_ID}, MAP_ID),
        ({"debugId": 7}, None),
        ({}, None),
    ],
)
def test_the_debug_id_of_a_map_is_read(changes, expected):
    """sentry-cli 3 and Metro write `debugId`, sentry-cli 2 `debug_id`."""
    assert pack_text(json.dumps(source_map(**changes)))[1].debug_id == expected


@pytest.mark.parametrize("member", ["ignoreList", "x_google_ignoreList"])
def test_sources_of_other_people_are_marked(member):
    """Bundlers name the sources of packages by number."""
    whole = source_map(sources=["node_modules/a.js"], **{member: [0, "x", 5]})
    assert locate(pack_map(whole), 1, 1).is_ignored
    assert not locate(pack_map(source_map()), 1, 1).is_ignored


@pytest.mark.parametrize("content", [None, [], [None], [7]])
def test_a_map_without_code_gives_positions(content):
    """Sources are often left out, as those of packages are in the maps of Metro."""
    packed = pack_map(source_map(sourcesContent=content))
    assert find(packed, 1, 11) == ("src/a.js", 2, 3)
    assert packed.read_content(0) is None


def test_code_that_is_not_text_is_mended():
    """Broken UTF-8 in a source does not cost the map."""
    text = json.dumps(source_map(sourcesContent=["CODE"])).encode()
    packed, _ = pack_text(text.replace(b"CODE", b"\xff \\u00e4"))
    assert packed.read_content(0) == "\N{REPLACEMENT CHARACTER} ä"


def test_names_that_are_not_text_are_mended():
    """Broken UTF-8 in a name does not cost the others."""
    text = json.dumps(source_map(names=["NAME"])).encode()
    packed, _ = pack_text(text.replace(b"NAME", b"\x80a"))
    assert locate(packed, 1, 11).name == "\N{REPLACEMENT CHARACTER}a"


def test_sources_may_be_null():
    """A map may say that code comes from a source without a name."""
    packed = pack_map(source_map(sources=[None], sourcesContent=["a\nb"]))
    assert find(packed, 1, 11) == ("", 2, 3)


def test_more_names_than_a_block_holds():
    """Names and sources are found in every block."""
    count = packing.NAMES_IN_BLOCK + 300
    mappings = write_mappings([(0, number, number % 600, 0, 0, number) for number in range(count)])
    packed = pack_map(
        source_map(
            sources=[f"{number}.js" for number in range(600)],
            sourcesContent=None,
            names=[f"n{number}" for number in range(count)],
            mappings=mappings,
        )
    )
    for number in (0, 255, 256, 599, 1_023, 1_024, count - 1):
        position = locate(packed, 1, number + 1)
        assert (position.source, position.name) == (f"{number % 600}.js", f"n{number}")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mappings": None}, "no mappings"),
        ({"mappings": 7}, "no mappings"),
        ({"mappings": "ACAA"}, "not there"),
        ({"mappings": "AAAAC"}, "not there"),
        ({"mappings": "AADA"}, "not there"),
        ({"mappings": "AAAD"}, "not there"),
        ({"mappings": "A!"}, "not a position"),
        ({"mappings": "AA"}, "2 fields"),
        ({"mappings": "A" * 5_000}, "longer than five"),
        ({"sources": {}}, "sources"),
        ({"sources": None}, "not there"),
        ({"names": {}}, "names"),
    ],
)
def test_broken_maps_are_refused(changes, words):
    """A map that names what it does not have is refused at the upload."""
    with pytest.raises(MalformedInput, match=words):
        pack_map(source_map(**changes))


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"7", b"null", b")]}", b"<html>"])
def test_other_texts_are_no_source_maps(text):
    """A page of an error in the place of a map is refused."""
    with pytest.raises(MalformedInput):
        pack_text(text)


@pytest.mark.parametrize(
    ("limit", "changes"),
    [
        ("MOST_SOURCES", {"sources": ["a", "b", "c"]}),
        ("MOST_NAMES", {"names": ["a", "b", "c"]}),
        ("MOST_SECTIONS", {"sections": [{"offset": {"line": 0, "column": 0}}] * 3}),
    ],
)
def test_limits_hold_at_the_limit_and_one_past_it(limit, changes):
    """As many as allowed are read, one more is refused."""
    with patch.object(packing, limit, 3):
        pack_map(source_map(**changes))
    with patch.object(packing, limit, 2), pytest.raises(OversizedInput, match="more than 2"):
        pack_map(source_map(**changes))


def test_hostile_maps_are_read_or_refused():
    """Maps that nest, count or number without end are refused; long ones are read."""
    for name in ("map-deep.map", "map-vlq.map"):
        with pytest.raises(MalformedInput):
            pack_text(read_debug_sample(f"hostile/{name}"))
    packed, _ = pack_text(read_debug_sample("hostile/map-lines.map"))
    assert find(packed, 1_000_001, 1) == ("a", 1, 1)
    packed, _ = pack_text(read_debug_sample("hostile/map-sections.map"))
    assert locate(packed, 1, 1).source == "http://169.254.169.254/x"


@given(data=st.binary(max_size=40), at=st.integers(0, 400), is_cut=st.booleans())
def test_damaged_maps_give_a_value_or_a_refusal(data, at, is_cut):
    """Whatever is overwritten or cut, nothing else is raised, also by look-ups."""
    whole = json.dumps(
        source_map(x_facebook_sources=[[{"names": ["a"], "mappings": "AAA"}]], ignoreList=[0])
    ).encode()
    broken = whole[:at] + data + (b"" if is_cut else whole[at + len(data) :])
    try:
        packed, _ = pack_text(broken)
    except RequestRefused:
        return
    position = packed.find_position(1, 11)
    assert position is None or isinstance(position.source, str)


@pytest.mark.parametrize(
    ("limit", "member"), [("MOST_SOURCES", "sources"), ("MOST_NAMES", "names")]
)
def test_limits_hold_for_all_sections_together(limit, member):
    """An indexed map has no more sources and names than a plain one."""
    part = source_map(**{member: ["a", "b"]})
    sections = [{"offset": {"line": line, "column": 0}, "map": part} for line in (0, 1)]
    with patch.object(packing, limit, 4):
        pack_map({"version": 3, "sections": sections})
    with patch.object(packing, limit, 3), pytest.raises(OversizedInput, match="more than 3"):
        pack_map({"version": 3, "sections": sections})
