"""Bundles as they are kept for look-ups."""

import base64
import io
import json
from typing import Any

import pytest

from app.core.errors import MalformedInput, OversizedInput
from app.formats.debug_files.packed import bundle_packing, packed_bundle
from app.formats.debug_files.packed.blocks import BlockWriter
from app.formats.debug_files.packed.bundle_packing import BundleFacts, BundleUrl, pack_bundle
from app.formats.debug_files.packed.packed_bundle import PackedBundle, PackedScript
from app.formats.debug_files.source_maps.packed_map import SourcePosition
from tests.support.builders.source_maps import MAP_ID, bundle, describe_entry, source_map
from tests.support.recorded.debug_samples import read_debug_sample

APP, MAP = "files/_/_/static/app.js", "files/_/_/static/app.js.map"
MAP_TEXT = json.dumps(source_map())
OTHER_ID = "0eba4e1f-8401-5a6d-aaa4-7c98872f25ec"


def pack(data: bytes) -> tuple[BundleFacts, PackedBundle]:
    """Pack a bundle and return what it says, and the reader."""
    target = io.BytesIO()
    facts = pack_bundle(io.BytesIO(data), target)
    assert facts.packed_bytes == len(target.getvalue())
    return facts, PackedBundle(target.getvalue())


def locate(script: PackedScript | None, line: int, column: int) -> SourcePosition:
    """Return where a position of a script with a map comes from."""
    assert script is not None
    assert script.source_map is not None
    position = script.source_map.find_position(line, column)
    assert position is not None
    return position


def has_map(script: PackedScript | None) -> bool:
    """Say whether a script has the map of `source_map`."""
    position = locate(script, 1, 11)
    return position.source.endswith("src/a.js")


def test_a_hermes_bundle_is_found_by_id_and_by_address():
    """The script is empty, its map answers for it under both names."""
    facts, packed = pack(read_debug_sample("hermes/uploaded/artifact-bundle.zip"))
    assert facts.kind == "artifact_bundle"
    assert facts.debug_ids == ("8ad3141f-51c4-4c79-acd0-f3a0318ac699",)
    assert (facts.release, facts.dist) == ("com.acme.shop@2.4.0+240", "240")
    assert BundleUrl("~/index.android.bundle", "files/_/_/index.android.bundle") in facts.urls
    by_id = packed.find_script_by_id("8ad3141f-51c4-4c79-acd0-f3a0318ac699")
    by_url = packed.find_script_by_url("~/index.android.bundle")
    for script in (by_id, by_url):
        assert locate(script, 1, 4472).function == "charge"
        assert script is not None
        assert script.map_url == "~/index.android.bundle.map"


def test_sources_of_a_jvm_app_are_found_by_address():
    """A bundle of `debug-files bundle-jvm` holds source code under the paths of packages."""
    facts, packed = pack(
        read_debug_sample("proguard/sources/7d0e0650-6104-56e8-a7fe-020b7f400ca5.zip")
    )
    assert (facts.kind, facts.files) == ("jvm_source_bundle", 4)
    assert facts.debug_id == "7d0e0650-6104-56e8-a7fe-020b7f400ca5"
    source = packed.find_source_by_url("~/com/acme/shop/cart/Cart.jvm")
    assert source is not None
    assert source.startswith("package com.acme.shop.cart;")
    assert packed.find_source_by_url("~/com/acme/shop/cart/Other.jvm") is None


def test_sources_of_native_code_are_found_by_path():
    """A bundle of `--include-sources` repeats the paths of the debug information."""
    files = {"files/home/ci/cart.cpp": {"type": "source", "path": "/home/ci/cart.cpp"}}
    facts, packed = pack(
        bundle(
            {"files/home/ci/cart.cpp": "int main()"},
            files,
            object_name="libshop.so",
            arch="arm64",
            code_id="abcd",
            debug_id=MAP_ID.upper(),
        )
    )
    assert (facts.kind, facts.debug_id) == ("source_bundle", MAP_ID)
    assert (facts.object_name, facts.arch, facts.code_id) == ("libshop.so", "arm64", "abcd")
    assert packed.find_source_by_path("/home/ci/cart.cpp") == "int main()"
    assert packed.find_source_by_path("/home/ci/pay.cpp") is None
    assert packed.find_script_by_id(MAP_ID) is None


@pytest.mark.parametrize(
    ("script", "headers", "map_entry"),
    [
        ("x", {"sourcemap": "app.js.map"}, MAP),
        ("x", {"sourcemap": "../maps/app.map"}, "files/_/_/maps/app.map"),
        ("x", {"sourcemap": "https://cdn.example/maps/app.map"}, "files/_/_/maps/app.map"),
        ("x\n//# sourceMappingURL=other.map\n", {}, "files/_/_/static/other.map"),
        ("x\n//@ sourceMappingURL=other.map", {}, "files/_/_/static/other.map"),
        ("//# sourceMappingURL=a.map\n//# sourceMappingURL=b.map", {}, "files/_/_/static/b.map"),
        ("x", {}, MAP),
    ],
)
def test_a_map_is_found_by_what_the_script_says(script, headers, map_entry):
    """The manifest says where the map is, or the end of the script, or it lies beside it."""
    _, packed = pack(
        bundle({APP: script, map_entry: MAP_TEXT}, {APP: describe_entry(APP, **headers)})
    )
    assert has_map(packed.find_script_by_url("~/static/app.js"))


def test_a_map_within_the_script_is_read():
    """Development builds carry their map as a data address."""
    data = base64.b64encode(MAP_TEXT.encode()).decode()
    comment = f"x\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,{data}\n"
    facts, packed = pack(bundle({APP: comment}))
    assert has_map(packed.find_script_by_url("~/static/app.js"))
    assert facts.source_maps == 1


@pytest.mark.parametrize("data", ["data:application/json,%7B", "data:x;base64,====="])
def test_a_data_address_that_cannot_be_read_is_no_map(data):
    """The script is kept without a map."""
    _, packed = pack(bundle({APP: f"x\n//# sourceMappingURL={data}"}))
    assert packed.find_script_by_url("~/static/app.js") == PackedScript(
        None, None, f"x\n//# sourceMappingURL={data}"
    )


@pytest.mark.parametrize(
    ("script_headers", "map_headers", "map_text", "script"),
    [
        ({"debug-id": MAP_ID}, {"debug-id": MAP_ID}, source_map(), "x"),
        ({"debug-id": MAP_ID}, {}, source_map(debugId=MAP_ID), "x"),
        ({}, {"debug-id": MAP_ID}, source_map(), f"x\n//# debugId={MAP_ID}\n"),
        ({}, {}, source_map(debug_id=MAP_ID), f"x\n//# debugId={MAP_ID}"),
    ],
)
def test_a_script_and_its_map_are_joined_by_their_id(script_headers, map_headers, map_text, script):
    """The id stands in the manifest, or in the files themselves."""
    other = "files/_/_/elsewhere.map"
    files = {APP: describe_entry(APP, **script_headers), other: describe_entry(other, **map_headers)}  # fmt: skip  # noqa: E501 - one value
    facts, packed = pack(bundle({APP: script, other: json.dumps(map_text)}, files))
    assert facts.debug_ids == (MAP_ID,)
    for found in (packed.find_script_by_id(MAP_ID), packed.find_script_by_url("~/static/app.js")):
        assert has_map(found)
        assert found is not None
        assert found.map_url == "~/elsewhere.map"


def test_functions_come_from_the_script_if_the_map_has_none():
    """Every function of a long script is found, in whichever block it is."""
    count = 3_000
    lines = [f"function f{number}(){{return}}" for number in range(count)]
    _, packed = pack(bundle({APP: "\n".join(lines), MAP: MAP_TEXT}))
    script = packed.find_script_by_url("~/static/app.js")
    assert script is not None
    assert script.functions is not None
    for number in (0, 511, 512, 1_023, 1_024, count - 1):
        column = lines[number].index("return")
        assert script.functions.find_function(number + 1, column) == f"f{number}"
        assert not script.functions.find_function(number + 1, 0)


def test_functions_of_the_map_are_enough():
    """A script whose map has functions is not looked through."""
    functions = [[{"names": ["pay"], "mappings": "AAA"}]]
    text = json.dumps(source_map(x_facebook_sources=functions))
    _, packed = pack(bundle({APP: "function f(){}", MAP: text}))
    script = packed.find_script_by_url("~/static/app.js")
    assert script is not None
    assert script.functions is None


def test_a_script_without_a_map_keeps_its_code():
    """Code that was not minified shows its own lines."""
    files = {APP: describe_entry(APP) | {"type": "source"}}
    _, packed = pack(bundle({APP: "first()\nsecond()\n"}, files))
    script = packed.find_script_by_url("~/static/app.js")
    assert script == PackedScript(None, None, "first()\nsecond()\n")


def test_two_scripts_of_a_bundle_have_maps_of_their_own():
    """Every part of a divided app is found by its id."""
    entries: dict[str, bytes | str] = {}
    files: dict[str, dict[str, Any]] = {}
    for name, debug_id in (("a", MAP_ID), ("b", OTHER_ID)):
        script, map_entry = f"files/_/_/{name}.js", f"files/_/_/{name}.js.map"
        entries |= {script: "x", map_entry: json.dumps(source_map(sources=[f"{name}/src/a.js"]))}
        files[script] = describe_entry(script, **{"debug-id": debug_id})
        files[map_entry] = describe_entry(map_entry, **{"debug-id": debug_id})
    facts, packed = pack(bundle(entries, files))
    assert facts.debug_ids == tuple(sorted([MAP_ID, OTHER_ID]))
    for name, debug_id in (("a", MAP_ID), ("b", OTHER_ID)):
        found = packed.find_script_by_id(debug_id)
        assert locate(found, 1, 11).source == f"{name}/src/a.js"


def test_a_broken_map_is_named():
    """The build log says which entry is broken."""
    with pytest.raises(MalformedInput, match=r"files/_/_/static/app\.js\.map: .*no mappings"):
        pack(bundle({APP: "x", MAP: "{}"}))


def test_a_file_of_another_kind_is_no_packed_bundle():
    """A mapping in the place of a bundle is refused."""
    target = io.BytesIO()
    BlockWriter(target).finish({"version": 99})
    with pytest.raises(MalformedInput, match="no packed bundle"):
        PackedBundle(target.getvalue())


def test_an_entry_that_is_too_large_is_named():
    """The build log says which map has too many parts."""
    section = {"offset": {"line": 0, "column": 0}, "map": {}}
    text = json.dumps({"sections": [section] * 20_001})
    with pytest.raises(OversizedInput, match=r"app\.js\.map: .*sections"):
        pack(bundle({APP: "x", MAP: text}))


@pytest.mark.parametrize("script", ["function f(){", "function f(){return}"])
def test_scripts_that_are_not_looked_through_have_their_map(script, monkeypatch):
    """One is not understood, and the other is past what is looked through of a bundle."""
    monkeypatch.setattr(bundle_packing, "_FUNCTIONS_BYTES", 15)
    _, packed = pack(bundle({APP: script, MAP: MAP_TEXT}))
    found = packed.find_script_by_url("~/static/app.js")
    assert has_map(found)
    assert found is not None
    assert found.functions is None


def test_more_maps_than_are_kept_open_are_read(monkeypatch):
    """An app in many parts is read part by part."""
    monkeypatch.setattr(packed_bundle, "_OPEN_MAPS", 2)
    entries = {f"files/_/_/{number}.js": "x" for number in range(5)}
    maps = {f"{name}.map": MAP_TEXT for name in entries}
    _, packed = pack(bundle(entries | maps))
    for number in (0, 1, 2, 3, 4, 0):
        assert has_map(packed.find_script_by_url(f"~/{number}.js"))
