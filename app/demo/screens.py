"""Every screen of the made-up app, by the state that it shows."""

from typing import assert_never

from app.demo import screens_buy, screens_shop
from app.demo.hierarchy import Screen
from app.demo.screens_buy import Bag, Checkout
from app.demo.screens_shop import Gallery, Home, ProductPage, Splash
from app.demo.theme import Phone

Scene = Splash | Home | ProductPage | Gallery | Bag | Checkout


def lay_out(scene: Scene, phone: Phone) -> Screen:
    """Turn a state of the app into the controls that show it."""
    match scene:
        case Splash():
            return screens_shop.splash(scene, phone)
        case Home():
            return screens_shop.home(scene, phone)
        case ProductPage():
            return screens_shop.product_page(scene, phone)
        case Gallery():
            return screens_shop.gallery(scene, phone)
        case Bag():
            return screens_buy.bag(scene, phone)
        case Checkout():
            return screens_buy.checkout(scene, phone)
        case _:
            assert_never(scene)
