"""Bundles of sources, scripts and maps: what their manifest says, and what is refused."""

import io
import json
import zipfile
from contextlib import suppress
from unittest.mock import patch

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput, RequestRefused
from app.formats.debug_files import bundles, zip_reader
from app.formats.debug_files.bundles import BundleFileType, BundleManifest, open_bundle
from tests.support.builders.source_maps import MAP_ID, bundle, describe_entry
from tests.support.recorded.debug_samples import hostile_cases, read_debug_sample

APP = "files/_/_/app.js"


def read_manifest(data: bytes) -> BundleManifest:
    """Open a bundle and return its manifest."""
    with open_bundle(io.BytesIO(data)) as opened:
        return opened.manifest


def test_a_manifest_of_sentry_cli_is_read():
    """The bundle that sentry-cli made of a React Native app names its script and its map."""
    manifest = read_manifest(read_debug_sample("hermes/uploaded/artifact-bundle.zip"))
    assert (manifest.release, manifest.dist) == ("com.acme.shop@2.4.0+240", "240")
    assert manifest.debug_id == "a311649d-c65d-5a2b-9a6f-90946048edf1"
    script = manifest.files["files/_/_/index.android.bundle"]
    assert script.type is BundleFileType.MINIFIED_SOURCE
    assert script.url == "~/index.android.bundle"
    assert script.debug_id == "8ad3141f-51c4-4c79-acd0-f3a0318ac699"
    assert script.source_map_url == "index.android.bundle.map"


def test_names_of_headers_may_be_written_in_any_case():
    """Old versions of sentry-cli write `Sourcemap` and `Debug-Id`."""
    files = {APP: {"type": "source", "url": "~/app.js", "headers": {"Debug-Id": MAP_ID.upper(), "Sourcemap": "m"}}}  # fmt: skip  # noqa: E501 - one entry as it stands in a manifest
    file = read_manifest(bundle({APP: "1"}, files)).files[APP]
    assert (file.debug_id, file.source_map_url) == (MAP_ID, "m")


def test_a_plain_zip_is_a_bundle_as_well():
    """People pack bundles with other tools, which do not write the eight bytes before the ZIP."""
    assert read_manifest(bundle({APP: "1"})[8:]).files[APP].url == "~/app.js"


def test_entries_that_are_not_there_are_left_out():
    """A manifest that names files of the machine, or entries that are gone, names nothing."""
    manifest = read_manifest(read_debug_sample("hostile/bundle-lies.zip"))
    assert list(manifest.files) == ["files/_/_/a.js"]


def test_descriptions_of_other_kinds_are_left_out():
    """An entry of an unknown type, or without a description, is not read."""
    files = {APP: {"type": "poem", "url": "~/app.js"}, "files/_/_/b.js": 7}
    assert not read_manifest(bundle({APP: "1", "files/_/_/b.js": "2"}, files)).files


def test_an_entry_that_is_not_there_cannot_be_read():
    """Names of entries are keys: a path of the machine is an unknown key."""
    with open_bundle(io.BytesIO(bundle({APP: "1"}))) as opened:
        assert opened.read_entry(APP) == b"1"
        with pytest.raises(MalformedInput, match="no entry"):
            opened.read_entry("../../etc/passwd")


@pytest.mark.parametrize(
    "case", [case for case in hostile_cases() if "bundle" in case["file"]], ids=lambda c: c["file"]
)
def test_hostile_bundles_are_read_or_refused(case):
    """A bundle that lies or bursts is refused with a sentence, or read without what is wrong."""
    data = read_debug_sample(f"hostile/{case['file']}")
    try:
        with open_bundle(io.BytesIO(data)) as opened:
            for entry in opened.manifest.files:
                opened.read_entry(entry)
    except RequestRefused:
        assert case["expect"].startswith("error")
    else:
        assert not case["expect"].startswith("error")


def test_more_entries_than_allowed_are_refused():
    """The limit is the highest number of entries with the manifest."""
    data = bundle({f"files/_/_/{number}.js": "" for number in range(4)})
    with patch.object(zip_reader, "MOST_ENTRIES", 5):
        assert len(read_manifest(data).files) == 4
    with (
        patch.object(zip_reader, "MOST_ENTRIES", 4),
        pytest.raises(OversizedInput, match="entries"),
    ):
        read_manifest(data)


def test_entries_larger_than_allowed_are_refused():
    """An entry may have as many bytes as the limit, and not one more."""
    with open_bundle(io.BytesIO(bundle({APP: "12345"}))) as opened:
        with patch.object(bundles, "ENTRY_BYTES", 5):
            assert opened.read_entry(APP) == b"12345"
        with patch.object(bundles, "ENTRY_BYTES", 4), pytest.raises(OversizedInput, match="4"):
            opened.read_entry(APP)


def test_all_entries_together_are_bounded():
    """All inflated bytes count, also if the same entry is read again."""
    with open_bundle(io.BytesIO(bundle({APP: "12345"}))) as opened:
        with patch.object(zip_reader, "TOTAL_BYTES", 10_000):
            opened.read_entry(APP)
        with patch.object(zip_reader, "TOTAL_BYTES", 10), pytest.raises(OversizedInput, match="10"):
            opened.read_entry(APP)


def test_what_shrinks_too_much_is_refused():
    """Zeros shrink a thousandfold, sources never two hundredfold."""
    data = bundle({APP: bytes(2 * 1024 * 1024)})
    with open_bundle(io.BytesIO(data)) as opened, pytest.raises(OversizedInput, match="200 times"):
        opened.read_entry(APP)


def test_encrypted_entries_are_refused():
    """Nobody could read them."""
    data = bytearray(bundle({APP: "12345"}))
    data[data.rindex(b"PK\x01\x02", 0, data.rindex(b"PK\x01\x02")) + 8] |= 1
    with open_bundle(io.BytesIO(data)) as opened, pytest.raises(MalformedInput, match="encrypted"):
        opened.read_entry(APP)


def test_other_kinds_of_packing_are_refused():
    """sentry-cli packs with deflate; LZMA could take much memory."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("manifest.json", json.dumps({"files": {APP: describe_entry(APP)}}))
    with pytest.raises(MalformedInput, match="unknown way"):
        read_manifest(target.getvalue())


@given(data=st.binary(max_size=300), at=st.integers(0, 800), is_cut=st.booleans())
def test_damaged_bundles_give_a_value_or_a_refusal(data, at, is_cut):
    """Whatever is overwritten or cut, nothing else is raised."""
    whole = bundle({APP: "console.log(1)" * 20, "files/_/_/app.js.map": "{}"})
    broken = whole[:at] + data + (b"" if is_cut else whole[at + len(data) :])
    with suppress(RequestRefused), open_bundle(io.BytesIO(broken)) as opened:
        for entry in opened.manifest.files:
            assert len(opened.read_entry(entry)) < len(whole)
