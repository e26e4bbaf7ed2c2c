"""Tests of finding the image in which a native frame lies."""

import pytest
from hypothesis import given, strategies as st

from app.symbolication.native.images import NativeImages, parse_address

FIRST = "f8da01d5-9310-740f-7bd8-047945a69039"
SECOND = "3c0f8992-49ee-951d-1511-994d4172e4c1"
SHOP = {"type": "elf", "debug_id": FIRST, "code_file": "/data/app/x/libshop.so",
        "image_addr": "0x7a1c4e2000", "image_size": 16384, "arch": "arm64"}  # fmt: skip
OTHER = {"type": "macho", "debug_id": SECOND.upper(), "image_addr": "0x7b00000000",
         "code_file": "C:\\app\\other.dll"}  # fmt: skip
PROGUARD = {"type": "proguard", "uuid": SECOND}


@pytest.mark.parametrize(
    ("address", "debug_id"),
    [
        (0x7A1C4E1FFF, None),
        (0x7A1C4E2000, FIRST),
        (0x7A1C4E5FFF, FIRST),
        (0x7A1C4E6000, None),
        # An image without a size reaches to the next one, or to the end.
        (0x7B00000000, SECOND),
        (2**64 - 1, SECOND),
    ],
)
def test_an_address_lies_in_one_image(address, debug_id):
    """An image holds the addresses from its beginning to its end, in whatever order images come."""
    image = NativeImages([OTHER, PROGUARD, SHOP]).find_image(address)
    assert (image and image.debug_id) == debug_id


@pytest.mark.parametrize(
    ("mode", "debug_id"),
    [
        (f"rel:{FIRST}", FIRST),
        (f"rel:{FIRST.upper()}", FIRST),
        ("rel:0", SECOND),
        ("rel:1", None),
        ("rel:2", FIRST),
        ("rel:3", None),
        ("rel:-1", None),
        ("rel:", None),
        ("rel:" + "9" * 5000, None),
        ("rel:٣", None),
        ("rel:00000000-0000-0000-0000-000000000001", None),
    ],
)
def test_a_frame_may_name_its_image(mode, debug_id):
    """A frame names an image by its debug id, or by its number among images of all kinds."""
    image = NativeImages([OTHER, PROGUARD, SHOP]).find_named_image(mode)
    assert (image and image.debug_id) == debug_id


def test_names_of_images():
    """The name of an image is the last part of its path, on every system."""
    images = NativeImages([OTHER, SHOP])
    first, second = images.find_named_image("rel:0"), images.find_named_image("rel:1")
    assert first is not None
    assert second is not None
    assert [first.name, second.name] == ["other.dll", "libshop.so"]


@pytest.mark.parametrize(
    ("changes", "debug_id"),
    [
        ({"debug_id": None, "code_id": "d501daf810930f747bd8047945a690398ab89900"}, FIRST),
        ({"debug_id": None, "id": FIRST}, FIRST),
        ({"debug_id": None, "uuid": FIRST}, FIRST),
        ({"debug_id": None}, None),
        ({"debug_id": "00000000-0000-0000-0000-000000000000"}, None),
        ({"debug_id": ["x"], "code_id": {"x": 1}}, None),
        ({"type": "wasm"}, None),
        ({"type": 5}, None),
        ({"type": "pe", "debug_id": f"{FIRST}-a"}, f"{FIRST}-a"),
        ({"type": "macho", "debug_id": None, "code_id": "ab" * 16}, None),
    ],
)
def test_where_an_image_has_its_id(changes, debug_id):
    """An ELF image without a debug id has the one that follows from its build id."""
    image = NativeImages([{**SHOP, **changes}]).find_image(0x7A1C4E2000)
    assert (image and image.debug_id) == debug_id


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("0x10", 16),
        ("0X1F", 31),
        ("0x00000001b3c0f2d4", 0x1B3C0F2D4),
        ("16", 16),
        (16, 16),
        (0, 0),
        ("0xffffffffffffffff", 2**64 - 1),
        ("0x10000000000000000", None),
        (2**64, None),
        (-1, None),
        ("-1", None),
        ("0x", None),
        ("", None),
        ("٣", None),
        ("9" * 5000, None),
        (True, None),
        (1.0, None),
        (None, None),
        (["0x10"], None),
    ],
)
def test_addresses(value, address):
    """An address is a number of 64 bits, in hex, in decimals or as JSON has it."""
    assert parse_address(value) == address


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["elf", "macho", "pe"]) | json_values},
            optional={
                name: json_values | st.sampled_from([FIRST, SECOND, "0x1000", 4096])
                for name in ("debug_id", "code_id", "code_file", "image_addr", "image_size", "arch")
            },
        ),
        max_size=5,
    ),
    st.integers(0, 2**64 - 1),
    st.text(max_size=50),
)
def test_any_images_can_be_read(images, address, mode):
    """Whatever an event says of its images, each address has an image or none."""
    read = NativeImages(images)
    image = read.find_image(address)
    assert image is None or (image.start is not None and image.start <= address)
    read.find_named_image(mode)
