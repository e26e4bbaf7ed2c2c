"""The products and customers of the made-up shop, read from `shop.toml`."""

import tomllib
from pathlib import Path
from typing import Final, NamedTuple

_DATA: Final = tomllib.loads(Path(__file__).with_name("shop.toml").read_text())


class Product(NamedTuple):
    """A plant in the catalogue."""

    sku: str
    name: str
    kind: str
    plant: str
    tint: str
    price_cents: int


class Customer(NamedTuple):
    """A made-up person who uses the app."""

    user_id: str
    name: str
    email: str
    street: str
    city: str
    phone: str


PRODUCTS: Final = tuple(Product(*row) for row in _DATA["products"])
PEOPLE: Final = tuple(Customer(*row) for row in _DATA["people"])
ORDER: Final[int] = _DATA["order"]
DELIVERY_CENTS: Final[int] = _DATA["delivery_cents"]
ICONS: Final[dict[str, str]] = _DATA["icons"]
PLANTS: Final[dict[str, tuple[str, float, float, float, float, list[str], list[int]]]] = _DATA[
    "plants"
]


def format_price(cents: int) -> str:
    """Write a price for people."""
    return f"$ {cents // 100}.{cents % 100:02}"
