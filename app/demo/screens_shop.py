"""The screens on which a person looks around: splash, home, product, gallery."""

from collections.abc import Iterator
from typing import Final

from app.demo import ui
from app.demo.shop import PRODUCTS, Product, format_price
from app.demo.take import AppState

CARD: Final = "com.google.android.material.card.MaterialCardView"
_CHIP: Final = "com.google.android.material.chip.Chip"
_TAB: Final = "com.google.android.material.bottomnavigation.BottomNavigationItemView"
_LIST: Final = "androidx.recyclerview.widget.RecyclerView"
_SCROLL_VIEW: Final = "androidx.core.widget.NestedScrollView"
_PAGER: Final = "androidx.viewpager2.widget.ViewPager2"
_IMAGE: Final = "android.widget.ImageView"
_GREY: Final = "#ECECE6"
_CLAY: Final = "#D4724A"
_TOAST_GREEN: Final = "#9FD8B8"
_TABS: Final = (("home", "Shop"), ("search", "Explore"), ("bag", "Bag"), ("person", "You"))
_CHIPS: Final = ("All", "Indoor", "Succulent", "Hanging", "Pots")
_GALLERY_TINTS: Final = ("#DCE9DD", "#EFD9C9", "#CFE0E6", "#E6DCC8")
_CARE: Final = (
    ("sun", "Light", "Half shade"), ("drop", "Water", "Weekly"), ("ruler", "Grows", "2 m")
)  # fmt: skip
_ABOUT: Final = (
    "A calm plant for a bright corner. It grows",
    "a new leaf every few weeks and forgives a",
    "forgotten watering or two.",
)


def handle(screen: ui.Rect, colour: str = ui.INK) -> ui.Box:
    """Place the system's gesture handle at the bottom edge."""
    return ui.Box(screen.pin(screen.width // 2 - 60, -10, 120, 4), fill=colour, radius_px=2)


def bottom_bar(screen: ui.Rect, current: str, in_bag: int) -> ui.Box:
    """Place the four tabs, with the number of things in the bag."""
    bar = screen.pin(0, -84)
    children: list[ui.Control] = [ui.Box(bar.pin(0, 0, 0, 1), fill=ui.LINE)]
    for column, (icon_name, name) in zip(bar.columns(len(_TABS)), _TABS, strict=True):
        is_current = name == current
        ink = ui.GREEN if is_current else ui.INK_SOFT
        tab = column.pin(0, 4, 0, 60)
        pill = tab.pin(23, 4, 58, 30)
        parts: list[ui.Control] = (
            [ui.Box(pill, fill=ui.GREEN_SOFT, radius_px=15)] if is_current else []
        )
        parts.append(ui.icon(pill, icon_name, 22, ink))
        parts.append(
            ui.label(tab.pin(0, 37, 0, 18), name, 12, ink, bold=is_current, align="centre")
        )
        if name == "Bag" and in_bag:
            parts.append(_badge(tab.pin(55, 3, 17, 17), in_bag))
        view_id = f"tab_{name.lower()}"
        children.append(ui.Box(tab, tuple(parts), None, 20, view_id=view_id, view_class=_TAB))
    return ui.Box(bar, (*children, handle(bar)), ui.SURFACE)


def _badge(rect: ui.Rect, count: int) -> ui.Box:
    return ui.label_box(rect, str(count), 11, ui.SURFACE, _CLAY, radius_px=(rect.width + 1) // 2)


def _toast(rect: ui.Rect, words: str) -> ui.Box:
    return ui.Box(rect, (
        ui.icon(rect.pin(14, 0, 22), "check", 20, _TOAST_GREEN),
        ui.label(rect.pin(48, 17), words, 15, ui.SURFACE),
        ui.label(rect.pin(0, 17, -18), "View", 15, _TOAST_GREEN, bold=True, align="right"),
    ), "#23332C", 14, shadow_px=8)  # fmt: skip


def _choice(
    rect: ui.Rect, words: str, size_px: int, view_id: str, *, radius_px: int, is_on: bool
) -> ui.Box:
    ink, fill, border = (ui.SURFACE, ui.INK, None) if is_on else (ui.INK, ui.SURFACE, ui.LINE)
    shown = ui.label(rect, words, size_px, ink, bold=True, align="centre")
    return ui.Box(rect, (shown,), fill, radius_px, border, view_id=view_id, view_class=_CHIP)


def draw_splash(screen: ui.Rect, _: AppState, status_bar: ui.Control) -> Iterator[ui.Control]:
    """Show the brand on dark green."""
    middle = screen.pin(0, screen.height // 2 - 110)
    disc = middle.pin(screen.width // 2 - 52, 0, 104, 104)
    yield status_bar
    yield ui.icon_box(disc, "leaf", 58, ui.PAPER, fill=ui.GREEN, radius_px=52)
    yield ui.label(middle.pin(0, 126, 0, 40), "Verdant", 34, ui.PAPER, bold=True, align="centre")
    slogan = middle.pin(0, 172, 0, 20)
    yield ui.label(slogan, "Plants for every corner", 15, "#9DBDAE", align="centre")
    yield handle(screen, "#CFE3D8")


def draw_home(screen: ui.Rect, state: AppState, status_bar: ui.Control) -> Iterator[ui.Control]:
    """Show the catalogue."""
    view = screen.pin(0, 156, 0, -84)
    content = ui.Rect(20, view.top + 8 - state.scroll_px, screen.width - 40, screen.height)
    children: tuple[ui.Control, ...] = (
        _banner(content.pin(0, 0, 0, 136)),
        *_chips(content.pin(0, 152, 0, 36), state.chip),
        ui.label(content.pin(0, 210), "Popular now", 18, bold=True),
        ui.label(content.pin(0, 213), "See all", 14, ui.GREEN, align="right"),
        *_cards(content.pin(0, 244), state),
    )
    yield ui.Box(view, children, clips=True, view_id="product_list", view_class=_LIST)
    head = screen.pin(0, 0, 0, view.top)
    person = head.pin(-62, 42, 42, 42)
    field, filters = head.pin(20, 102, -78, 46), head.pin(-66, 102, 46, 46)
    yield ui.Box(head, (
        status_bar,
        ui.text(head.pin(20, 42), f"Good to see you, {state.person.first_name}", 13, ui.INK_SOFT),
        ui.label(head.pin(20, 66), "Find your green", 23, bold=True),
        ui.icon_box(person, "person", 23, ui.GREEN, fill=ui.GREEN_SOFT, radius_px=21),
        ui.Box(field, (
            ui.icon(field.pin(10, 0, 30), "search", 20, ui.INK_SOFT),
            ui.label(field.pin(46, 16), "Search plants", 15, ui.INK_SOFT),
        ), ui.SURFACE, 14, ui.LINE),
        ui.icon_box(filters, "tune", 22, ui.SURFACE, fill=ui.GREEN, radius_px=14),
    ), ui.PAPER)  # fmt: skip
    yield bottom_bar(screen, "Shop", len(state.bag))
    if state.toast:
        yield _toast(screen.pin(16, -140, -16, 48), state.toast)


def _banner(rect: ui.Rect) -> ui.Box:
    pill = rect.pin(20, 88, 104, 32)
    return ui.Box(rect, (
        ui.label(rect.pin(20, 22), "Spring greens", 22, ui.SURFACE, bold=True),
        ui.label(rect.pin(20, 54), "New in, fresh from the nursery", 13, "#CFE3D8"),
        ui.label_box(pill, "Shop now", 13, "#123B2E", "#F4E3BF", radius_px=16),
        ui.Photo(rect.pin(-152, -142, 146, 146), "palm", None, unmask=True),
    ), ui.GREEN, 20)  # fmt: skip


def _chips(row: ui.Rect, chosen: str) -> Iterator[ui.Box]:
    left = 0
    for name in _CHIPS:
        width = ui.label(row, name, 14, bold=True).rect.width + 30
        view_id = f"chip_{name.lower()}"
        yield _choice(
            row.pin(left, 0, width), name, 14, view_id, radius_px=18, is_on=name == chosen
        )
        left += width + 8


def _cards(area: ui.Rect, state: AppState) -> Iterator[ui.Box]:
    products = [p for p in PRODUCTS if state.chip in ("All", p.kind.split(",")[0])]
    columns = area.columns(2, 14)
    for at, product in enumerate(products):
        card = columns[at % 2].pin(0, at // 2 * 258, 0, 244)
        yield _skeleton(card) if state.is_loading else _card(card, product)


def _card(card: ui.Rect, product: Product) -> ui.Box:
    add, heart = card.pin(-46, -46, 36, 36), card.pin(-46, 16, 30, 30)
    return ui.Box(card, (
        ui.Photo(card.pin(8, 8, -8, 146), product.plant, product.tint, 12),
        ui.icon_box(heart, "heart", 17, fill=ui.SURFACE, radius_px=15),
        ui.text(card.pin(14, 167), product.name, 15, bold=True),
        ui.text(card.pin(14, 189), product.kind, 12, ui.INK_SOFT),
        ui.text(card.pin(14, -27), format_price(product.price_cents), 16, ui.GREEN, bold=True),
        ui.icon_box(add, "plus", 19, ui.SURFACE, fill=ui.GREEN, radius_px=12, view_id="quick_add",
                 view_tag=product.sku),
    ), ui.SURFACE, 18, shadow_px=6, view_id="product_card", view_class=CARD,
        view_tag=product.sku)  # fmt: skip


def _skeleton(card: ui.Rect) -> ui.Box:
    photo = ui.Box(card.pin(8, 8, -8, 146), fill=_GREY, radius_px=12)
    bars = (card.pin(14, 168, 116, 14), card.pin(14, 190, 78, 11), card.pin(14, -28, 60, 15))
    lines = (ui.Box(bar, fill=_GREY, radius_px=7) for bar in bars)
    return ui.Box(card, (photo, *lines), ui.SURFACE, 18)


def draw_product(screen: ui.Rect, state: AppState, status_bar: ui.Control) -> Iterator[ui.Control]:
    """Show one product; the sheet with its facts is pushed up over its photo."""
    product = PRODUCTS[0]
    hero = ui.Rect(0, -(state.scroll_px // 2), screen.width, 400)
    yield ui.Box(hero, (ui.Photo(hero, product.plant, product.tint),), view_id="product_photo",
              view_class=_IMAGE)  # fmt: skip
    sheet = ui.Rect(0, 372 - state.scroll_px, screen.width, screen.height)
    facts = tuple(_product_facts(sheet, product, state.pot_size))
    yield ui.Box(sheet, facts, ui.PAPER, 26, view_id="product_facts", view_class=_SCROLL_VIEW)
    yield status_bar
    for left, name, view_id in ((20, "back", "navigate_up"), (-112, "heart", ""), (-62, "bag", "")):
        rect = screen.pin(left, 42, 42, 42)
        yield ui.icon_box(rect, name, 23, fill=ui.SURFACE, radius_px=21, view_id=view_id)
    if state.bag:
        yield _badge(screen.pin(-34, 38, 19, 19), len(state.bag))
    foot = screen.pin(0, -98)
    yield ui.Box(foot, (
        ui.Box(foot.pin(0, 0, 0, 1), fill=ui.LINE),
        ui.label(foot.pin(20, 20), "Price", 12, ui.INK_SOFT),
        ui.text(foot.pin(20, 40), format_price(product.price_cents), 22, bold=True),
        ui.button(foot.pin(150, 14, -20, 54), "Add to bag", "add_to_bag", icon_name="bag"),
        handle(foot),
    ), ui.SURFACE)  # fmt: skip
    if state.toast:
        yield _toast(screen.pin(16, -154, -16, 48), state.toast)


def _product_facts(sheet: ui.Rect, product: Product, pot_size: str) -> Iterator[ui.Control]:
    page = sheet.pin(20, 0, -20)
    yield ui.Box(sheet.pin(sheet.width // 2 - 20, 10, 40, 4), fill="#D5D8D0", radius_px=2)
    yield ui.text(page.pin(0, 34), product.name, 25, bold=True)
    yield ui.text(page.pin(0, 70), product.kind, 14, ui.INK_SOFT)
    for at in range(5):
        yield ui.Icon(page.pin(-150 + at * 19, 66, 17, 17), "star", "#E8B04A")
    yield ui.text(page.pin(0, 70), "4.8 (212)", 12, ui.INK_SOFT, align="right")
    yield ui.label(page.pin(0, 108), "Pot size", 16, bold=True)
    for at, size in enumerate(("S", "M", "L")):
        rect = page.pin(-162 + at * 56, 98, 50, 38)
        view_id = f"size_{size.lower()}"
        yield _choice(rect, size, 15, view_id, radius_px=12, is_on=size == pot_size)
    for rect, (icon_name, name, value) in zip(page.columns(3, 10), _CARE, strict=True):
        card = rect.pin(0, 156, 0, 88)
        yield ui.Box(card, (
            ui.icon(card.pin(10, 10, 26, 26), icon_name, 22, ui.GREEN),
            ui.label(card.pin(12, 44), name, 12, ui.INK_SOFT),
            ui.text(card.pin(12, 63), value, 14, bold=True),
        ), ui.SURFACE, 16, ui.LINE)  # fmt: skip
    yield ui.label(page.pin(0, 266), "About", 16, bold=True)
    for at, line in enumerate(_ABOUT):
        yield ui.text(page.pin(0, 294 + at * 23), line, 14, "#5C6A63")
    yield ui.label(page.pin(0, 384), "Goes well with", 16, bold=True)
    for rect, other in zip(page.columns(3, 10), PRODUCTS[2:5], strict=True):
        yield ui.Photo(rect.pin(0, 412, 0, 118), other.plant, other.tint, 16)


def draw_gallery(screen: ui.Rect, state: AppState, status_bar: ui.Control) -> Iterator[ui.Control]:
    """Show one photo in the dark, in either orientation."""
    is_wide = screen.width > screen.height
    if not is_wide:
        yield status_bar
    pager = screen.pin(120, 20, -120, -44) if is_wide else screen.pin(0, 190, 0, 480)
    photo = ui.Photo(pager, PRODUCTS[0].plant, _GALLERY_TINTS[state.photo], 14 if is_wide else 0)
    yield ui.Box(pager, (photo,), view_id="photo_pager", view_class=_PAGER)
    top = 16 if is_wide else 44
    yield ui.icon_box(screen.pin(20, top, 44, 44), "close", 24, ui.SURFACE, fill="#2A322E",
                   radius_px=22, view_id="gallery_close")  # fmt: skip
    count = len(_GALLERY_TINTS)
    position = f"{state.photo + 1} / {count}"
    yield ui.label(screen.pin(0, top + 15, -20), position, 15, ui.SURFACE, bold=True, align="right")
    for at in range(count):
        width, fill = (14, ui.SURFACE) if at == state.photo else (8, "#58625D")
        dot = screen.pin(screen.width // 2 + (at - 2) * 18, -30, width, 8)
        yield ui.Box(dot, fill=fill, radius_px=4)
