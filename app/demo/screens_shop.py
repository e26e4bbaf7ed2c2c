"""The screens on which a person looks around: splash, home, product, gallery."""

from dataclasses import dataclass
from typing import Final

from app.demo import goods, theme
from app.demo.goods import PRODUCTS, Product
from app.demo.hierarchy import Box, Control, Icon, Photo, Rect, Screen
from app.demo.theme import MARGIN_PX, NAV_PX, STATUS_PX, Phone, label, text, text_in, text_right

_TABS: Final = (("home", "Shop"), ("search", "Explore"), ("bag", "Bag"), ("person", "You"))
_CHIPS: Final = ("All", "Indoor", "Succulent", "Hanging", "Pots")
_CARD_PX: Final = 244
_GAP_PX: Final = 14
_GALLERY_TINTS: Final = ("#DCE9DD", "#EFD9C9", "#CFE0E6", "#E6DCC8")


@dataclass(frozen=True, slots=True)
class Splash:
    """The first second: the brand on dark green."""


@dataclass(frozen=True, slots=True)
class Home:
    """The catalogue; `scroll_px` is how far the list is pushed up."""

    first_name: str
    is_loading: bool = False
    scroll_px: int = 0
    chip: str = "All"
    in_bag: int = 0
    toast: str = ""


@dataclass(frozen=True, slots=True)
class ProductPage:
    """One product; `size` is the pot chosen, `added` turns the heart."""

    product: Product
    scroll_px: int = 0
    size: str = "M"
    in_bag: int = 0
    toast: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """One product's photos, full screen and dark; works in both orientations."""

    product: Product
    page: int = 0


def splash(_: Splash, phone: Phone) -> Screen:
    """Lay out the splash screen."""
    middle = phone.width // 2
    disc = Rect(middle - 52, phone.height // 2 - 110, 104, 104)
    word = Rect(0, disc.bottom + 22, phone.width, 40)
    return Screen(
        phone.width, phone.height, theme.GREEN_DARK,
        (
            theme.status_bar(phone, "#CFE3D8"),
            Box(disc, (theme.icon_in(disc, "leaf", 58, "#F7F6F1"),), fill=theme.GREEN,
                radius_px=52),
            text_in(word, "Verdant", 34, "#F7F6F1", bold=True, unmask=True),
            text_in(Rect(0, word.bottom + 6, phone.width, 20), "Plants for every corner", 15,
                    "#9DBDAE", unmask=True),
            theme.handle(phone, "#CFE3D8"),
        ),
    )  # fmt: skip


def home(state: Home, phone: Phone) -> Screen:
    """Lay out the catalogue."""
    head = STATUS_PX + 124
    view = Rect(0, head, phone.width, phone.height - head - NAV_PX - theme.HANDLE_PX + 8)
    top = head + 8 - state.scroll_px
    children: list[Control] = [_banner(phone, top)]
    top += 152
    children += _chips(state, top)
    top += 58
    children.append(label(MARGIN_PX, top, "Popular now", 18, bold=True))
    children.append(
        text_right(phone.width - MARGIN_PX, top + 3, "See all", 14, theme.GREEN, unmask=True)
    )
    top += 34
    shown = [p for p in PRODUCTS if state.chip in ("All", p.kind.split(",")[0])]
    width = (phone.width - 2 * MARGIN_PX - _GAP_PX) // 2
    for at, product in enumerate(shown):
        left = MARGIN_PX + (at % 2) * (width + _GAP_PX)
        rect = Rect(left, top + at // 2 * (_CARD_PX + _GAP_PX), width, _CARD_PX)
        children.append(_skeleton(rect) if state.is_loading else _card(rect, product))
    visible = tuple(c for c in children if c.rect.bottom > view.top and c.rect.top < view.bottom)
    controls: list[Control] = [
        Box(view, visible, clips=True, view_id="product_list", view_class=theme.LIST),
        _home_head(state, phone, head),
        bottom_bar(phone, "Shop", state.in_bag),
    ]
    if state.toast:
        controls.append(theme.toast(phone, state.toast, bottom=view.bottom))
    return Screen(phone.width, phone.height, theme.PAPER, tuple(controls))


def _home_head(state: Home, phone: Phone, height: int) -> Box:
    top = STATUS_PX
    field = Rect(MARGIN_PX, top + 70, phone.width - 2 * MARGIN_PX - 58, 46)
    return Box(
        Rect(0, 0, phone.width, height),
        (
            theme.status_bar(phone),
            text(MARGIN_PX, top + 10, f"Good to see you, {state.first_name}", 13, theme.INK_SOFT),
            label(MARGIN_PX, top + 34, "Find your green", 23, bold=True),
            theme.icon_button(phone.width - MARGIN_PX - 42, top + 10, "person", "profile",
                              colour=theme.GREEN, fill=theme.GREEN_SOFT, side_px=42),
            Box(field, (
                theme.icon_in(Rect(field.left + 10, field.top, 30, 46), "search", 20,
                              theme.INK_SOFT),
                label(field.left + 46, field.top + 16, "Search plants", 15, theme.INK_SOFT),
            ), fill=theme.SURFACE, border=theme.LINE, radius_px=14, view_id="search_field"),
            Box(Rect(field.right + 12, field.top, 46, 46), (
                theme.icon_in(Rect(field.right + 12, field.top, 46, 46), "tune", 22, "#FFFFFF"),
            ), fill=theme.GREEN, radius_px=14, view_id="filter"),
        ),
        fill=theme.PAPER,
    )  # fmt: skip


def _banner(phone: Phone, top: int) -> Box:
    rect = Rect(MARGIN_PX, top, phone.width - 2 * MARGIN_PX, 136)
    pill = Rect(rect.left + 20, rect.top + 88, 104, 32)
    art = Rect(rect.right - 152, rect.top - 6, 146, 146)
    return Box(
        rect,
        (
            label(rect.left + 20, rect.top + 22, "Spring greens", 22, "#FFFFFF", bold=True),
            label(rect.left + 20, rect.top + 54, "New in, fresh from the nursery", 13, "#CFE3D8"),
            Box(pill, (text_in(pill, "Shop now", 13, theme.GREEN_DARK, bold=True, unmask=True),),
                fill="#F4E3BF", radius_px=16, view_id="banner_shop", view_class=theme.BUTTON),
            Photo(art, "palm", None, unmask=True),
        ),
        fill=theme.GREEN, radius_px=20, view_id="banner",
    )  # fmt: skip


def _chips(state: Home, top: int) -> list[Control]:
    chips: list[Control] = []
    left = MARGIN_PX
    for name in _CHIPS:
        word = text(0, 0, name, 14, bold=True, unmask=True)
        rect = Rect(left, top, word.rect.width + 30, 36)
        on = name == state.chip
        shown = text_in(rect, name, 14, "#FFFFFF" if on else theme.INK, bold=True, unmask=True)
        chips.append(
            Box(rect, (shown,), fill=theme.INK if on else theme.SURFACE,
                border=None if on else theme.LINE, radius_px=18,
                view_id=f"chip_{name.lower()}", view_class=theme.CHIP)
        )  # fmt: skip
        left = rect.right + 8
    return chips


def _card(rect: Rect, product: Product) -> Box:
    photo = Rect(rect.left + 8, rect.top + 8, rect.width - 16, 146)
    heart = Rect(photo.right - 38, photo.top + 8, 30, 30)
    add = Rect(rect.right - 46, rect.bottom - 46, 36, 36)
    return Box(
        rect,
        (
            Photo(photo, product.plant, product.tint, radius_px=12),
            Box(heart, (theme.icon_in(heart, "heart", 17, theme.INK),), fill="#FFFFFF",
                radius_px=15),
            text(rect.left + 14, photo.bottom + 13, product.name, 15, bold=True),
            text(rect.left + 14, photo.bottom + 35, product.kind, 12, theme.INK_SOFT),
            text(rect.left + 14, rect.bottom - 27, goods.money(product.price_cents), 16,
                 theme.GREEN, bold=True),
            Box(add, (theme.icon_in(add, "plus", 19, "#FFFFFF"),), fill=theme.GREEN, radius_px=12,
                view_id="quick_add", view_class=theme.IMAGE_BUTTON, view_tag=product.sku),
        ),
        fill=theme.SURFACE, radius_px=18, shadow_px=6, view_id="product_card",
        view_class=theme.CARD, view_tag=product.sku,
    )  # fmt: skip


def _skeleton(rect: Rect) -> Box:
    grey = "#ECECE6"
    return Box(
        rect,
        (
            Box(Rect(rect.left + 8, rect.top + 8, rect.width - 16, 146), fill=grey, radius_px=12),
            Box(Rect(rect.left + 14, rect.top + 168, 116, 14), fill=grey, radius_px=7),
            Box(Rect(rect.left + 14, rect.top + 190, 78, 11), fill=grey, radius_px=6),
            Box(Rect(rect.left + 14, rect.bottom - 28, 60, 15), fill=grey, radius_px=7),
        ),
        fill=theme.SURFACE, radius_px=18,
    )  # fmt: skip


def bottom_bar(phone: Phone, current: str, in_bag: int) -> Box:
    """Place the four tabs, with the number of things in the bag."""
    rect = Rect(0, phone.height - NAV_PX - 12, phone.width, NAV_PX + 12)
    width = phone.width // len(_TABS)
    children: list[Control] = [Box(Rect(0, rect.top, phone.width, 1), fill=theme.LINE)]
    for at, (icon, name) in enumerate(_TABS):
        tab = Rect(at * width, rect.top + 4, width, 60)
        on = name == current
        ink = theme.GREEN if on else theme.INK_SOFT
        pill = Rect(tab.left + (width - 58) // 2, tab.top + 4, 58, 30)
        parts: list[Control] = [Box(pill, fill=theme.GREEN_SOFT, radius_px=15)] if on else []
        parts.append(theme.icon_in(pill, icon, 22, ink))
        parts.append(text_in(Rect(tab.left, pill.bottom + 3, width, 18), name, 12, ink,
                             bold=on, unmask=True))  # fmt: skip
        if name == "Bag" and in_bag:
            badge = Rect(pill.left + 32, pill.top - 1, 17, 17)
            count = text_in(badge, str(in_bag), 11, "#FFFFFF", bold=True, unmask=True)
            parts.append(Box(badge, (count,), fill=theme.CLAY, radius_px=9))
        children.append(
            Box(
                tab, tuple(parts), radius_px=20, view_id=f"tab_{name.lower()}", view_class=theme.TAB
            )
        )
    children.append(theme.handle(phone))
    return Box(rect, tuple(children), fill=theme.SURFACE)


def product_page(state: ProductPage, phone: Phone) -> Screen:
    """Lay out one product."""
    hero = Rect(0, 0 - state.scroll_px // 2, phone.width, 400)
    sheet_top = 372 - state.scroll_px
    foot = Rect(0, phone.height - 98, phone.width, 98)
    body = Box(
        Rect(0, sheet_top, phone.width, phone.height),
        tuple(_product_facts(state, phone, sheet_top)),
        fill=theme.PAPER, radius_px=26, view_id="product_facts",
        view_class="androidx.core.widget.NestedScrollView",
    )  # fmt: skip
    controls: list[Control] = [
        Box(hero, (Photo(hero, state.product.plant, state.product.tint),), view_id="product_photo",
            view_class=theme.IMAGE),
        body,
        *_product_head(phone, state),
        _product_foot(state, phone, foot),
    ]  # fmt: skip
    if state.toast:
        controls.append(theme.toast(phone, state.toast, bottom=foot.top))
    return Screen(phone.width, phone.height, theme.PAPER, tuple(controls))


def _product_head(phone: Phone, state: ProductPage) -> list[Control]:
    top, right = STATUS_PX + 10, phone.width - MARGIN_PX
    controls: list[Control] = [
        theme.status_bar(phone),
        theme.icon_button(MARGIN_PX, top, "back", "navigate_up", fill="#FFFFFF", side_px=42),
        theme.icon_button(right - 92, top, "heart", "favourite", fill="#FFFFFF", side_px=42),
        theme.icon_button(right - 42, top, "bag", "open_bag", fill="#FFFFFF", side_px=42),
    ]
    if state.in_bag:
        badge = Rect(right - 14, top - 4, 19, 19)
        count = text_in(badge, str(state.in_bag), 11, "#FFFFFF", bold=True, unmask=True)
        controls.append(Box(badge, (count,), fill=theme.CLAY, radius_px=10))
    return controls


def _product_facts(state: ProductPage, phone: Phone, top: int) -> list[Control]:
    left, right = MARGIN_PX, phone.width - MARGIN_PX
    controls: list[Control] = [
        Box(Rect(phone.width // 2 - 20, top + 10, 40, 4), fill="#D5D8D0", radius_px=2),
        text(left, top + 34, state.product.name, 25, bold=True),
        text(left, top + 70, state.product.kind, 14, theme.INK_SOFT),
    ]
    controls += [Icon(Rect(right - 150 + at * 19, top + 66, 17, 17), "star", theme.SUN)
                 for at in range(5)]  # fmt: skip
    controls.append(text_right(right, top + 70, "4.8 (212)", 12, theme.INK_SOFT))
    controls.append(label(left, top + 108, "Pot size", 16, bold=True))
    for at, size in enumerate(("S", "M", "L")):
        rect = Rect(right - 162 + at * 56, top + 98, 50, 38)
        on = size == state.size
        ink = "#FFFFFF" if on else theme.INK
        controls.append(
            Box(rect, (text_in(rect, size, 15, ink, bold=True, unmask=True),),
                fill=theme.INK if on else theme.SURFACE, border=None if on else theme.LINE,
                radius_px=12, view_id=f"size_{size.lower()}", view_class=theme.CHIP)
        )  # fmt: skip
    controls += _care(phone, top + 156)
    controls.append(label(left, top + 266, "About", 16, bold=True))
    controls += [text(left, top + 294 + at * 23, line, 14, "#5C6A63")
                 for at, line in enumerate(state.product.about)]  # fmt: skip
    controls.append(label(left, top + 384, "Goes well with", 16, bold=True))
    for at, other in enumerate(PRODUCTS[2:5]):
        rect = Rect(left + at * 128, top + 412, 118, 118)
        controls.append(Photo(rect, other.plant, other.tint, radius_px=16))
    return controls


def _care(phone: Phone, top: int) -> list[Control]:
    width = (phone.width - 2 * MARGIN_PX - 2 * 10) // 3
    facts = (("sun", "Light", "Half shade"), ("drop", "Water", "Weekly"), ("ruler", "Grows", "2 m"))
    cards: list[Control] = []
    for at, (icon, name, value) in enumerate(facts):
        rect = Rect(MARGIN_PX + at * (width + 10), top, width, 88)
        cards.append(
            Box(rect, (
                theme.icon_in(Rect(rect.left + 10, rect.top + 10, 26, 26), icon, 22, theme.GREEN),
                label(rect.left + 12, rect.top + 44, name, 12, theme.INK_SOFT),
                text(rect.left + 12, rect.top + 63, value, 14, bold=True),
            ), fill=theme.SURFACE, radius_px=16, border=theme.LINE)
        )  # fmt: skip
    return cards


def _product_foot(state: ProductPage, phone: Phone, rect: Rect) -> Box:
    buy = Rect(rect.left + 150, rect.top + 14, phone.width - 150 - MARGIN_PX, 54)
    return Box(
        rect,
        (
            Box(Rect(0, rect.top, phone.width, 1), fill=theme.LINE),
            label(MARGIN_PX, rect.top + 20, "Price", 12, theme.INK_SOFT),
            text(MARGIN_PX, rect.top + 40, goods.money(state.product.price_cents), 22, bold=True),
            theme.button(buy, "Add to bag", "add_to_bag", icon="bag"),
            theme.handle(phone),
        ),
        fill=theme.SURFACE,
    )


def gallery(state: Gallery, phone: Phone) -> Screen:
    """Lay out one photo in the dark."""
    is_wide = phone.width > phone.height
    photo = (
        Rect(120, 20, phone.width - 240, phone.height - 64)
        if is_wide
        else Rect(0, 190, phone.width, 480)
    )
    tint = _GALLERY_TINTS[state.page % len(_GALLERY_TINTS)]
    top = 16 if is_wide else STATUS_PX + 12
    count = len(_GALLERY_TINTS)
    controls: list[Control] = [
        Box(photo, (Photo(photo, state.product.plant, tint, radius_px=14 if is_wide else 0),),
            view_id="photo_pager", view_class="androidx.viewpager2.widget.ViewPager2"),
        theme.icon_button(MARGIN_PX, top, "close", "gallery_close", colour="#FFFFFF",
                          fill="#2A322E", side_px=44),
        text_right(phone.width - MARGIN_PX, top + 15, f"{state.page + 1} / {count}", 15, "#FFFFFF",
                   bold=True, unmask=True),
    ]  # fmt: skip
    if not is_wide:
        controls.insert(0, theme.status_bar(phone, "#E8ECE9"))
    dots = phone.width // 2 - count * 9
    for at in range(count):
        on = at == state.page
        rect = Rect(dots + at * 18, phone.height - 30, 14 if on else 8, 8)
        controls.append(Box(rect, fill="#FFFFFF" if on else "#58625D", radius_px=4))
    return Screen(phone.width, phone.height, theme.NIGHT, tuple(controls))
