"""The screens on which a person pays: bag and checkout, with keyboard, spinner and dialog."""

from dataclasses import dataclass
from typing import Final

from app.demo import theme
from app.demo.goods import DELIVERY_CENTS, Product, money
from app.demo.hierarchy import Box, Control, Photo, Rect, Screen
from app.demo.screens_shop import bottom_bar
from app.demo.theme import MARGIN_PX, NAV_PX, STATUS_PX, Phone, label, text, text_in, text_right

_ROW_PX: Final = 112
_KEYS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_KEYBOARD_PX: Final = 268
_SCRIM: Final = "#10181499"
_FIELDS: Final = (
    ("full_name", "Full name"),
    ("street", "Street and number"),
    ("city", "City"),
    ("phone", "Phone"),
)
_STEPS: Final = ("Bag", "Delivery", "Payment")


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one product."""

    product: Product
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Bag:
    """What is to be bought."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Checkout:
    """The form; `typed` holds what stands in the fields, `focus` opens the keyboard."""

    total_cents: int
    card_holder: str
    typed: tuple[str, str, str, str] = ("", "", "", "")
    focus: str = ""
    is_paying: bool = False
    spinner_turn: int = 0
    progress: str = "Processing payment"
    has_failed: bool = False


def total_cents(lines: tuple[Line, ...]) -> int:
    """Add up the lines and the delivery."""
    return sum(line.product.price_cents * line.quantity for line in lines) + DELIVERY_CENTS


def bag(state: Bag, phone: Phone) -> Screen:
    """Lay out the bag."""
    top = STATUS_PX + theme.BAR_PX + 4
    controls: list[Control] = [theme.app_bar(phone, "Your bag")]
    for at, line in enumerate(state.lines):
        rect = Rect(MARGIN_PX, top + at * (_ROW_PX + 12), phone.width - 2 * MARGIN_PX, _ROW_PX)
        controls.append(_bag_line(rect, line))
    promo_top = top + len(state.lines) * (_ROW_PX + 12) + 4
    controls.append(_promo(Rect(MARGIN_PX, promo_top, phone.width - 2 * MARGIN_PX, 54)))
    controls.append(_summary(state, phone, promo_top + 72))
    go = Rect(MARGIN_PX, phone.height - NAV_PX - 84, phone.width - 2 * MARGIN_PX, 56)
    controls.append(theme.button(go, "Checkout", "checkout"))
    controls.append(bottom_bar(phone, "Bag", sum(line.quantity for line in state.lines)))
    return Screen(phone.width, phone.height, theme.PAPER, tuple(controls))


def _bag_line(rect: Rect, line: Line) -> Box:
    product = line.product
    photo = Rect(rect.left + 10, rect.top + 10, 92, 92)
    left = photo.right + 14
    less = Rect(rect.right - 118, rect.bottom - 44, 34, 34)
    more = Rect(rect.right - 44, rect.bottom - 44, 34, 34)
    between = Rect(less.right, less.top, more.left - less.right, 34)
    return Box(
        rect,
        (
            Photo(photo, product.plant, product.tint, radius_px=14),
            text(left, rect.top + 18, product.name, 16, bold=True),
            text(left, rect.top + 41, product.kind, 12, theme.INK_SOFT),
            text(left, rect.bottom - 33, money(product.price_cents), 17, theme.GREEN, bold=True),
            theme.icon_button(rect.right - 42, rect.top + 8, "trash", "remove",
                              colour=theme.INK_SOFT, side_px=34),
            Box(less, (theme.icon_in(less, "minus", 16),), fill=theme.PAPER, radius_px=11,
                view_id="less", view_class=theme.IMAGE_BUTTON, view_tag=product.sku),
            text_in(between, str(line.quantity), 16, bold=True),
            Box(more, (theme.icon_in(more, "plus", 16),), fill=theme.GREEN_SOFT, radius_px=11,
                view_id="more", view_class=theme.IMAGE_BUTTON,
                view_tag=product.sku),
        ),
        fill=theme.SURFACE, radius_px=18, shadow_px=5, view_id="bag_line",
        view_class=theme.CARD, view_tag=product.sku,
    )  # fmt: skip


def _promo(rect: Rect) -> Box:
    apply = Rect(rect.right - 86, rect.top + 8, 78, 38)
    return Box(
        rect,
        (
            label(rect.left + 18, rect.top + 20, "Promo code", 15, theme.INK_SOFT),
            Box(apply, (text_in(apply, "Apply", 14, theme.GREEN, bold=True, unmask=True),),
                fill=theme.GREEN_SOFT, radius_px=11, view_id="apply", view_class=theme.BUTTON),
        ),
        fill=theme.SURFACE, border=theme.LINE, radius_px=16, view_id="promo",
    )  # fmt: skip


def _summary(state: Bag, phone: Phone, top: int) -> Box:
    rect = Rect(MARGIN_PX, top, phone.width - 2 * MARGIN_PX, 142)
    total = total_cents(state.lines)
    rows = (("Subtotal", total - DELIVERY_CENTS), ("Delivery", DELIVERY_CENTS))
    children: list[Control] = []
    for at, (name, cents) in enumerate(rows):
        line_top = rect.top + 20 + at * 30
        children.append(label(rect.left + 18, line_top, name, 15, theme.INK_SOFT))
        children.append(text_right(rect.right - 18, line_top, money(cents), 15))
    children.append(Box(Rect(rect.left + 18, rect.top + 84, rect.width - 36, 1), fill=theme.LINE))
    children.append(label(rect.left + 18, rect.top + 102, "Total", 18, bold=True))
    children.append(text_right(rect.right - 18, rect.top + 101, money(total), 20, bold=True))
    return Box(rect, tuple(children), fill=theme.SURFACE, radius_px=18)


def checkout(state: Checkout, phone: Phone) -> Screen:
    """Lay out the form, and over it keyboard, spinner or dialog."""
    top = STATUS_PX + theme.BAR_PX
    controls: list[Control] = [theme.app_bar(phone, "Checkout"), *_steps(phone, top + 6)]
    controls.append(label(MARGIN_PX, top + 66, "Delivery address", 18, bold=True))
    top += 98
    for at, (view_id, name) in enumerate(_FIELDS):
        half = (phone.width - 2 * MARGIN_PX - 12) // 2
        is_half = at >= 2  # noqa: PLR2004 - the last two share a row
        left = MARGIN_PX + (half + 12 if view_id == "phone" else 0)
        width = half if is_half else phone.width - 2 * MARGIN_PX
        rect = Rect(left, top + min(at, 2) * 74, width, 62)
        controls.append(_field(rect, view_id, name, state.typed[at], on=state.focus == view_id))
    controls += _payment(state, phone, top + 236)
    controls.append(_foot(state, phone))
    if state.focus:
        controls.append(_keyboard(phone))
    if state.is_paying:
        controls += _spinner(state, phone)
    if state.has_failed:
        controls += _dialog(phone)
    return Screen(phone.width, phone.height, theme.PAPER, tuple(controls))


def _steps(phone: Phone, top: int) -> list[Control]:
    width = (phone.width - 2 * MARGIN_PX) // len(_STEPS)
    controls: list[Control] = []
    for at, name in enumerate(_STEPS):
        left = MARGIN_PX + at * width
        dot = Rect(left, top + 4, 26, 26)
        done, now = at == 0, at == 1
        colour = theme.GREEN if done or now else "#D9DDD5"
        mark: Control = (
            theme.icon_in(dot, "check", 15, "#FFFFFF")
            if done
            else text_in(dot, str(at + 1), 13, "#FFFFFF", bold=True, unmask=True)
        )
        controls.append(Box(dot, (mark,), fill=colour, radius_px=13))
        ink = theme.INK if done or now else theme.INK_SOFT
        shown = label(dot.right + 8, top + 11, name, 13, ink, bold=now)
        controls.append(shown)
        if at < len(_STEPS) - 1:
            line = Rect(shown.rect.right + 8, top + 17, left + width - shown.rect.right - 16, 2)
            controls.append(Box(line, fill=theme.GREEN if done else "#D9DDD5"))
    return controls


def _field(rect: Rect, view_id: str, name: str, typed: str, *, on: bool) -> Box:
    border = theme.GREEN if on else theme.LINE
    children: list[Control] = []
    if typed or on:
        ink = theme.GREEN if on else theme.INK_SOFT
        children.append(label(rect.left + 16, rect.top + 11, name, 12, ink))
    else:
        children.append(label(rect.left + 16, rect.top + 24, name, 15, theme.INK_SOFT))
    caret = rect.left + 16
    if typed:
        shown = text(rect.left + 16, rect.top + 33, typed, 16)
        children.append(shown)
        caret = shown.rect.right + 3
    if on:
        children.append(Box(Rect(caret, rect.top + 31, 2, 20), fill=theme.GREEN))
    inner = Box(rect.inset(1), tuple(children), fill=theme.SURFACE, border=border, radius_px=14)
    return Box(
        rect, (inner,), fill=border if on else theme.PAPER, radius_px=15, view_id=view_id,
        view_class=theme.FIELD,
    )  # fmt: skip


def _payment(state: Checkout, phone: Phone, top: int) -> list[Control]:
    rect = Rect(MARGIN_PX, top + 32, phone.width - 2 * MARGIN_PX, 76)
    icon = Rect(rect.left + 14, rect.top + 14, 48, 48)
    ring = Rect(rect.right - 40, rect.top + 26, 24, 24)
    return [
        label(MARGIN_PX, top, "Payment", 18, bold=True),
        Box(
            rect,
            (
                Box(icon, (theme.icon_in(icon, "card", 26, theme.GREEN),), fill=theme.GREEN_SOFT,
                    radius_px=14),
                text(icon.right + 14, rect.top + 19, "Visa ending 4242", 15, bold=True),
                text(icon.right + 14, rect.top + 43, f"{state.card_holder}, 08/29", 13,
                     theme.INK_SOFT),
                Box(ring, (theme.icon_in(ring, "check", 15, "#FFFFFF"),), fill=theme.GREEN,
                    radius_px=12),
            ),
            fill=theme.SURFACE, border=theme.LINE, radius_px=18, view_id="card_row",
        ),
    ]  # fmt: skip


def _foot(state: Checkout, phone: Phone) -> Box:
    rect = Rect(0, phone.height - 158, phone.width, 158)
    pay = Rect(MARGIN_PX, rect.top + 62, phone.width - 2 * MARGIN_PX, 56)
    return Box(
        rect,
        (
            Box(Rect(0, rect.top, phone.width, 1), fill=theme.LINE),
            label(MARGIN_PX, rect.top + 24, "To pay", 16, theme.INK_SOFT),
            text_right(phone.width - MARGIN_PX, rect.top + 21, money(state.total_cents), 22,
                       bold=True),
            theme.button(pay, "Pay now", "pay_now", icon="lock"),
            theme.handle(phone),
        ),
        fill=theme.SURFACE,
    )  # fmt: skip


def _keyboard(phone: Phone) -> Box:
    rect = Rect(0, phone.height - _KEYBOARD_PX, phone.width, _KEYBOARD_PX)
    width = (phone.width - 8) // 10
    keys: list[Control] = []
    for at, letters in enumerate(_KEYS):
        top = rect.top + 12 + at * 54
        left = (phone.width - len(letters) * width) // 2
        for number, letter in enumerate(letters):
            keys.append(_key(Rect(left + number * width + 3, top, width - 6, 46), letter))
        if at == len(_KEYS) - 1:
            keys.append(_key(Rect(7, top, left - 10, 46), icon="shift"))
            keys.append(_key(Rect(phone.width - left + 3, top, left - 10, 46), icon="erase"))
    top = rect.top + 12 + len(_KEYS) * 54
    keys.append(_key(Rect(7, top, 54, 44), "?123", dark=True))
    keys.append(_key(Rect(67, top, phone.width - 67 - 73, 44), "English"))
    keys.append(_key(Rect(phone.width - 67, top, 60, 44), icon="check", dark=True))
    keys.append(theme.handle(phone))
    return Box(rect, tuple(keys), fill="#E3E7E1")


def _key(rect: Rect, letter: str = "", *, icon: str = "", dark: bool = False) -> Box:
    if icon:
        shown: Control = theme.icon_in(rect, icon, 20, "#FFFFFF" if dark else theme.INK)
    else:
        small = len(letter) > 1
        shown = text_in(rect, letter, 13 if small else 19,
                        "#FFFFFF" if dark else theme.INK, unmask=True)  # fmt: skip
    return Box(rect, (shown,), fill=theme.GREEN if dark else "#FFFFFF", radius_px=8)


def _spinner(state: Checkout, phone: Phone) -> list[Control]:
    card = Rect((phone.width - 232) // 2, phone.height // 2 - 92, 232, 164)
    ring = Rect(card.left, card.top + 28, card.width, 60)
    words = Rect(card.left, card.top + 110, card.width, 24)
    spinning = theme.icon_in(ring, "spinner", 56, theme.GREEN, turn=state.spinner_turn)
    note = text_in(words, state.progress, 15, bold=True, unmask=True)
    return [
        Box(Rect(0, 0, phone.width, phone.height), fill=_SCRIM),
        Box(card, (spinning, note), fill=theme.SURFACE, radius_px=24, shadow_px=10,
            view_id="payment_progress"),
    ]  # fmt: skip


def _dialog(phone: Phone) -> list[Control]:
    card = Rect(32, phone.height // 2 - 158, phone.width - 64, 296)
    disc = Rect(card.left + (card.width - 64) // 2, card.top + 28, 64, 64)
    half = (card.width - 2 * 20 - 12) // 2
    cancel = Rect(card.left + 20, card.bottom - 72, half, 52)
    retry = Rect(cancel.right + 12, cancel.top, half, 52)
    lines = ("Something went wrong on our side.", "Your card was not charged.")
    words = [
        text_in(Rect(card.left, disc.bottom + 52 + at * 24, card.width, 22), line, 15, "#5C6A63",
                unmask=True)
        for at, line in enumerate(lines)
    ]  # fmt: skip
    return [
        Box(Rect(0, 0, phone.width, phone.height), fill=_SCRIM),
        Box(
            card,
            (
                Box(disc, (theme.icon_in(disc, "alert", 36, theme.RED),), fill="#F9E4E1",
                    radius_px=32),
                text_in(Rect(card.left, disc.bottom + 16, card.width, 28), "Payment failed", 21,
                        bold=True, unmask=True),
                *words,
                theme.button(cancel, "Cancel", "dialog_cancel", quiet=True),
                theme.button(retry, "Try again", "dialog_retry"),
            ),
            fill=theme.SURFACE, radius_px=26, shadow_px=12, view_id="dialog",
        ),
    ]  # fmt: skip
