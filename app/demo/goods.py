"""What the made-up shop sells, as data."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Product:
    """One plant in the catalogue; the price is in cents."""

    sku: str
    name: str
    kind: str
    plant: str
    tint: str
    price_cents: int
    about: tuple[str, ...]


def money(cents: int) -> str:
    """Write a price for people."""
    return f"$ {cents // 100}.{cents % 100:02}"


_ABOUT: Final = (
    "A calm plant for a bright corner. It grows",
    "a new leaf every few weeks and forgives a",
    "forgotten watering or two.",
)

PRODUCTS: Final = (
    Product("VD-118", "Monstera Deliciosa", "Indoor, 60 cm", "monstera", "#DCE9DD", 3490, _ABOUT),
    Product("VD-204", "Snake Plant", "Indoor, 45 cm", "snake", "#F2E3D0", 2250, _ABOUT),
    Product("VD-087", "Boston Fern", "Hanging, 35 cm", "fern", "#D9E7EC", 1890, _ABOUT),
    Product("VD-311", "Aloe Vera", "Succulent, 20 cm", "aloe", "#F3DDD3", 1250, _ABOUT),
    Product("VD-152", "Rubber Tree Ruby", "Indoor, 70 cm", "rubber", "#E8E0EE", 4190, _ABOUT),
    Product("VD-276", "Kentia Palm", "Indoor, 110 cm", "palm", "#EDEBCF", 6990, _ABOUT),
)
DELIVERY_CENTS: Final = 490
