"""What the made-up shop sells and who buys there, read from `shop.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_DATA: Final = tomllib.loads(Path(__file__).with_name("shop.toml").read_text())


@dataclass(frozen=True, slots=True)
class Product:
    """A plant in the catalogue."""

    sku: str
    name: str
    kind: str
    plant: str
    tint: str
    price_cents: int


@dataclass(frozen=True, slots=True)
class Person:
    """A person who uses the app; made up."""

    user_id: str
    name: str
    email: str
    street: str
    city: str
    phone: str

    @property
    def first_name(self) -> str:
        return self.name.split()[0]


@dataclass(frozen=True, slots=True)
class Plant:
    """The shape and the colours of a plant in its pot, in the units that `shop.toml` names."""

    pot_colour: str
    pot_width: float
    leaf_length: float
    leaf_width: float
    stem: float
    colours: list[str]
    turns: list[int]


PRODUCTS: Final = tuple(Product(*row) for row in _DATA["products"])
PEOPLE: Final = tuple(Person(*row) for row in _DATA["people"])
PLANTS: Final = {name: Plant(*row) for name, row in _DATA["plants"].items()}
ICONS: Final[dict[str, str]] = _DATA["icons"]
ORDER: Final[int] = _DATA["order"]
DELIVERY_CENTS: Final[int] = _DATA["delivery_cents"]


def format_price(cents: int) -> str:
    """Write a price for people."""
    return f"$ {cents // 100}.{cents % 100:02}"
