"""Lays out a screen of the made-up app: fills `screens.xml` and places the controls it declares."""

from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, fromstring

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.demo.drawing.ui import Box, Control, Icon, Photo, Rect, Text, measure_text, place_controls
from app.demo.shop import DELIVERY_CENTS, PRODUCTS, Product, format_price
from app.demo.usage_log import ScreenState

_COLOURS: Final = {
    "ink": "#22302A", "soft": "#7C8983", "grey": "#5C6A63", "line": "#E4E6DF", "paper": "#F7F6F1",
    "white": "#FFFFFF", "green": "#1F6B4F", "mint": "#E2EFE6", "dark": "#123B2E",
}  # fmt: skip
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)
_TEMPLATES.globals |= {
    "products": PRODUCTS, "delivery_cents": DELIVERY_CENTS, "price": format_price,
    "measure_text": measure_text,
}  # fmt: skip


def lay_out(state: ScreenState, clock: str) -> Box:
    """Place all controls of a screen; `clock` is the time in the phone's status bar."""
    template = _TEMPLATES.get_template("screens.xml")
    xml = template.render(state=state, clock=clock, total_cents=total_cents(state.bag))
    element = fromstring(xml)  # noqa: S314 - our own file, and no entities in it
    return place_controls(_read_box(element), Rect(0, 0, *state.size))


def total_cents(bag: tuple[Product, ...]) -> int:
    """Add up the things in a bag and their delivery."""
    return sum(product.price_cents for product in bag) + DELIVERY_CENTS


def _read_box(element: Element) -> Box:
    children = [_read_control(child) for child in element]
    if name := element.get("icon"):
        children.append(
            _read_control(Element("icon", {**element.attrib, "at": "0 0", "name": name}))
        )
    if words := element.get("label"):
        label = Element("label", {**element.attrib, "at": "0 0", "align": "centre"})
        label.text = words
        children.append(_read_control(label))
    return Box(
        _read_area(element), tuple(children), _read_colour(element, "fill"),
        _read_int(element, "radius"), _read_colour(element, "border"), _read_int(element, "shadow"),
        _read_int(element, "scroll"), bool(element.get("clips")), element.get("id", ""),
        element.get("class", ""), element.get("tag", ""),
    )  # fmt: skip


def _read_control(element: Element) -> Control:
    area, size_px = _read_area(element), _read_int(element, "size")
    colour = _read_colour(element, "colour") or _COLOURS["ink"]
    match element.tag:
        case "text" | "label":
            bold, align = bool(element.get("bold")), element.get("align", "left")
            unmask, words = element.tag == "label", element.text or ""
            return Text(area, words, size_px, colour, bold, unmask, align)
        case "icon":
            return Icon(area, element.attrib["name"], colour, size_px, _read_int(element, "turn"))
        case "photo":
            plant, tint = element.attrib["plant"], element.get("tint")
            radius_px, unmask = _read_int(element, "radius"), bool(element.get("unmask"))
            return Photo(area, plant, tint, radius_px, unmask)
        case _:
            return _read_box(element)


def _read_area(element: Element) -> Rect:
    return Rect(*(int(number) for number in element.attrib["at"].split()))


def _read_int(element: Element, name: str) -> int:
    return int(element.get(name) or 0)


def _read_colour(element: Element, name: str) -> str | None:
    colour = element.get(name) or None
    return _COLOURS.get(colour, colour) if colour else None
