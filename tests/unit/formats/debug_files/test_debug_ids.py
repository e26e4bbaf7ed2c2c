"""Debug ids in every form in which tools write them."""

import pytest

from app.formats.debug_files.debug_ids import derive_elf_debug_id, normalize_debug_id

PLAIN = "dfb8e43a-f242-3d73-a453-aeb6a777ef75"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PLAIN, PLAIN),
        (PLAIN.upper(), PLAIN),
        ("DFB8E43AF2423D73A453AEB6A777EF75", PLAIN),
        (f" {{{PLAIN}}} ", PLAIN),
        ("DFB8E43AF2423D73A453AEB6A777EF75a", f"{PLAIN}-a"),
        (f"{PLAIN}-A", f"{PLAIN}-a"),
        (f"{PLAIN}-0", PLAIN),
        (f"{PLAIN}-feedface", f"{PLAIN}-feedface"),
    ],
)
def test_forms_of_one_id_become_the_same(text, expected):
    """Case, dashes and braces do not matter; an age matters unless it is 0."""
    assert normalize_debug_id(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "app.js", PLAIN[:-1], f"{PLAIN}-123456789", "0" * 32, None, 7, f"{PLAIN}\n{PLAIN}"],
)
def test_other_texts_are_no_debug_ids(text):
    """Any other text gives None, as does the id that stands for none."""
    assert normalize_debug_id(text) is None


def test_the_debug_id_of_an_elf_file_comes_from_its_build_id():
    """The build id is a GUID in little-endian order; what is longer than that is cut."""
    assert derive_elf_debug_id("907c96cecd1cc8756d9b5eecbe286c9a") == (
        "ce967c90-1ccd-75c8-6d9b-5eecbe286c9a"
    )
    assert derive_elf_debug_id("907c96cecd1cc8756d9b5eecbe286c9affffffff") == (
        "ce967c90-1ccd-75c8-6d9b-5eecbe286c9a"
    )


def test_a_short_build_id_is_filled_up():
    """Build ids of 8 bytes, as some linkers write them, give an id as well."""
    assert derive_elf_debug_id("0123456789abcdef") == "67452301-ab89-efcd-0000-000000000000"


@pytest.mark.parametrize("code_id", ["", "xyz", "123", None, 5])
def test_other_texts_are_no_build_ids(code_id):
    """Text that is not hex gives None."""
    assert derive_elf_debug_id(code_id) is None
