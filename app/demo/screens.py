"""Lays out the screens of the made-up app: bag and checkout here, the others in `screens_shop`."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from app.demo import screens_shop, ui
from app.demo.shop import DELIVERY_CENTS, Product, format_price
from app.demo.take import AppState, Shot

_FIELD: Final = "com.google.android.material.textfield.TextInputEditText"
_GREY: Final = "#D9DDD5"
_SCRIM: Final = "#10181499"
_FIELDS: Final = (("full_name", "Full name"), ("street", "Street and number"), ("city", "City"),
                  ("phone", "Phone"))  # fmt: skip
_KEYS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def lay_out(shot: Shot, clock: str) -> ui.Box:
    """Turn what a phone shows into a box with all controls.

    Args:
        shot: What the app shows, and how the phone is held.
        clock: The time in the status bar.
    """
    screen = ui.Rect(0, 0, *shot.size)
    draw, background, bar_colour = _SCREENS[shot.state.screen]
    status_bar = _status_bar(screen, shot, clock, bar_colour)
    return ui.Box(screen, tuple(draw(screen, shot.state, status_bar)), background)


def total_cents(bag: tuple[Product, ...]) -> int:
    """Add up the things in a bag and their delivery."""
    return sum(product.price_cents for product in bag) + DELIVERY_CENTS


def _status_bar(screen: ui.Rect, shot: Shot, clock: str, colour: str) -> ui.Box:
    network = "wifi" if shot.network == "wifi" else "signal"
    battery = f"{shot.battery_percent}%"
    return ui.Box(screen.pin(0, 0, 0, 32), (
        ui.label(screen.pin(20, 12), clock, 13, colour, bold=True),
        ui.Icon(screen.pin(-84, 9, 16, 16), network, colour),
        ui.Icon(screen.pin(-66, 9, 16, 16), "battery", colour),
        ui.label(screen.pin(0, 12, -20), battery, 12, colour, align="right"),
    ))  # fmt: skip


def _app_bar(screen: ui.Rect, title: str, status_bar: ui.Control) -> ui.Box:
    back = screen.pin(10, 40, 40, 40)
    return ui.Box(screen.pin(0, 0, 0, 88), (
        status_bar,
        ui.icon_box(back, "back", 22, radius_px=20, view_id="navigate_up"),
        ui.label(screen.pin(60, 52), title, 20, bold=True),
    ), ui.PAPER)  # fmt: skip


def _draw_bag(screen: ui.Rect, state: AppState, status_bar: ui.Control) -> Iterator[ui.Control]:
    yield _app_bar(screen, "Your bag", status_bar)
    page = screen.pin(20, 92, -20)
    quantities = Counter(state.bag)
    for product, quantity in quantities.items():
        yield _bag_row(page.pin(0, 0, 0, 112), product, quantity)
        page = page.pin(0, 124)
    promo, summary = page.pin(0, 4, 0, 54), page.pin(0, 76, 0, 142)
    apply = promo.pin(-86, 8, 78, 38)
    yield ui.Box(promo, (
        ui.label(promo.pin(18, 20), "Promo code", 15, ui.INK_SOFT),
        ui.label_box(apply, "Apply", 14, ui.GREEN, ui.GREEN_SOFT, radius_px=11),
    ), ui.SURFACE, 16, ui.LINE)  # fmt: skip
    total = total_cents(state.bag)
    yield ui.Box(summary, (
        ui.label(summary.pin(18, 20), "Subtotal", 15, ui.INK_SOFT),
        ui.text(summary.pin(0, 20, -18), format_price(total - DELIVERY_CENTS), 15, align="right"),
        ui.label(summary.pin(18, 50), "Delivery", 15, ui.INK_SOFT),
        ui.text(summary.pin(0, 50, -18), format_price(DELIVERY_CENTS), 15, align="right"),
        ui.Box(summary.pin(18, 84, -18, 1), fill=ui.LINE),
        ui.label(summary.pin(18, 102), "Total", 18, bold=True),
        ui.text(summary.pin(0, 101, -18), format_price(total), 20, bold=True, align="right"),
    ), ui.SURFACE, 18)  # fmt: skip
    yield ui.button(screen.pin(20, -156, -20, 56), "Checkout", "checkout")
    yield screens_shop.bottom_bar(screen, "Bag", len(state.bag))


def _bag_row(row: ui.Rect, product: Product, quantity: int) -> ui.Box:
    less, more = row.pin(-118, -44, 34, 34), row.pin(-44, -44, 34, 34)
    return ui.Box(row, (
        ui.Photo(row.pin(10, 10, 92, 92), product.plant, product.tint, 14),
        ui.text(row.pin(116, 18), product.name, 16, bold=True),
        ui.text(row.pin(116, 41), product.kind, 12, ui.INK_SOFT),
        ui.text(row.pin(116, -33), format_price(product.price_cents), 17, ui.GREEN, bold=True),
        ui.icon(row.pin(-42, 8, 34, 34), "trash", 18, ui.INK_SOFT),
        ui.icon_box(less, "minus", 16, fill=ui.PAPER, radius_px=11),
        ui.text(row.pin(-84, -44, 40, 34), str(quantity), 16, bold=True, align="centre"),
        ui.icon_box(more, "plus", 16, fill=ui.GREEN_SOFT, radius_px=11, view_id="more",
                 view_tag=product.sku),
    ), ui.SURFACE, 18, shadow_px=5, view_class=screens_shop.CARD)  # fmt: skip


def _draw_checkout(
    screen: ui.Rect, state: AppState, status_bar: ui.Control
) -> Iterator[ui.Control]:
    """Show the form, and over it keyboard, spinner or dialog."""
    page = screen.pin(20, 88, -20)
    yield _app_bar(screen, "Checkout", status_bar)
    yield from _steps(page.pin(0, 6, 0, 34))
    yield ui.label(page.pin(0, 66), "Delivery address", 18, bold=True)
    wide, (left, right) = page.pin(0, 98, 0, 62), page.pin(0, 246, 0, 62).columns(2, 12)
    rects = (wide, wide.pin(0, 74, 0, 62), left, right)
    for rect, (view_id, name), typed in zip(rects, _FIELDS, state.typed, strict=True):
        yield _field(rect, view_id, name, typed, has_focus=state.focus == view_id)
    yield ui.label(page.pin(0, 334), "Payment", 18, bold=True)
    card = page.pin(0, 366, 0, 76)
    logo, mark = card.pin(14, 14, 48, 48), card.pin(-40, 26, 24, 24)
    yield ui.Box(card, (
        ui.icon_box(logo, "card", 26, ui.GREEN, fill=ui.GREEN_SOFT, radius_px=14),
        ui.text(card.pin(76, 19), "Visa ending 4242", 15, bold=True),
        ui.text(card.pin(76, 43), f"{state.person.name}, 08/29", 13, ui.INK_SOFT),
        ui.icon_box(mark, "check", 15, ui.SURFACE, fill=ui.GREEN, radius_px=12),
    ), ui.SURFACE, 18, ui.LINE)  # fmt: skip
    foot = screen.pin(0, -158)
    total = format_price(total_cents(state.bag))
    yield ui.Box(foot, (
        ui.Box(foot.pin(0, 0, 0, 1), fill=ui.LINE),
        ui.label(foot.pin(20, 24), "To pay", 16, ui.INK_SOFT),
        ui.text(foot.pin(0, 21, -20), total, 22, bold=True, align="right"),
        ui.button(foot.pin(20, 62, -20, 56), "Pay now", "pay_now", icon_name="lock"),
        screens_shop.handle(foot),
    ), ui.SURFACE)  # fmt: skip
    if state.focus:
        yield _keyboard(screen.pin(0, -268))
    if state.spinner_turn is not None:
        yield ui.Box(screen, fill=_SCRIM)
        yield _spinner(screen, state.progress, state.spinner_turn)
    if state.has_failed:
        yield ui.Box(screen, fill=_SCRIM)
        yield _dialog(screen)


def _steps(row: ui.Rect) -> Iterator[ui.Control]:
    bag, delivery, payment = row.columns(3)
    yield ui.icon_box(bag.pin(0, 4, 26, 26), "check", 15, ui.SURFACE, fill=ui.GREEN, radius_px=13)
    yield ui.label_box(delivery.pin(0, 4, 26, 26), "2", 13, ui.SURFACE, ui.GREEN, radius_px=13)
    yield ui.label_box(payment.pin(0, 4, 26, 26), "3", 13, ui.SURFACE, _GREY, radius_px=13)
    done = ui.label(bag.pin(34, 11), "Bag", 13)
    current = ui.label(delivery.pin(34, 11), "Delivery", 13, bold=True)
    yield from (done, current, ui.label(payment.pin(34, 11), "Payment", 13, ui.INK_SOFT))
    for step, words, fill in ((bag, done, ui.GREEN), (delivery, current, _GREY)):
        yield ui.Box(step.pin(42 + words.rect.width, 17, -8, 2), fill=fill)


def _field(rect: ui.Rect, view_id: str, name: str, typed: str, *, has_focus: bool) -> ui.Box:
    top, size_px = (11, 12) if typed or has_focus else (24, 15)
    ink = ui.GREEN if has_focus else ui.INK_SOFT
    children: list[ui.Control] = [ui.label(rect.pin(16, top), name, size_px, ink)]
    caret = 16
    if typed:
        children.append(ui.text(rect.pin(16, 33), typed, 16))
        caret = children[-1].rect.width + 19
    if has_focus:
        children.append(ui.Box(rect.pin(caret, 31, 2, 20), fill=ui.GREEN))
    inner = ui.Box(
        rect.outset(-1), tuple(children), ui.SURFACE, 14, ui.GREEN if has_focus else ui.LINE
    )
    outline = ui.GREEN if has_focus else ui.PAPER
    return ui.Box(rect, (inner,), outline, 15, view_id=view_id, view_class=_FIELD)


def _keyboard(rect: ui.Rect) -> ui.Box:
    keys: list[ui.Control] = []
    width = (rect.width - 8) // 10
    for row, letters in enumerate(_KEYS):
        line = rect.pin((rect.width - len(letters) * width) // 2, 12 + row * 54, 0, 46)
        keys += [_key(line.pin(at * width + 3, 0, width - 6), letter, 19)
                 for at, letter in enumerate(letters)]  # fmt: skip
    line, bottom = rect.pin(7, 120, -7, 46), rect.pin(7, 174, -7, 44)
    keys.append(ui.icon_box(line.pin(0, 0, 58), "shift", 20, fill=ui.SURFACE, radius_px=8))
    keys.append(ui.icon_box(line.pin(-58, 0, 58), "erase", 20, fill=ui.SURFACE, radius_px=8))
    keys.append(
        ui.label_box(
            bottom.pin(0, 0, 54), "?123", 13, ui.SURFACE, ui.GREEN, radius_px=8, bold=False
        )
    )
    keys.append(_key(bottom.pin(60, 0, -66), "English", 13))
    keys.append(
        ui.icon_box(bottom.pin(-60, 0, 60), "check", 20, ui.SURFACE, fill=ui.GREEN, radius_px=8)
    )
    return ui.Box(rect, (*keys, screens_shop.handle(rect)), "#E3E7E1")


def _key(rect: ui.Rect, words: str, size_px: int) -> ui.Box:
    return ui.label_box(rect, words, size_px, ui.INK, ui.SURFACE, radius_px=8, bold=False)


def _spinner(screen: ui.Rect, progress: str, turn: int) -> ui.Box:
    card = screen.pin(screen.width // 2 - 116, screen.height // 2 - 92, 232, 164)
    return ui.Box(card, (
        ui.icon(card.pin(0, 28, 0, 60), "spinner", 56, ui.GREEN, turn=turn),
        ui.label(card.pin(0, 110, 0, 24), progress, 15, bold=True, align="centre"),
    ), ui.SURFACE, 24, shadow_px=10, view_id="payment_progress")  # fmt: skip


def _dialog(screen: ui.Rect) -> ui.Box:
    card = screen.pin(32, screen.height // 2 - 158, -32, 296)
    disc = card.pin(card.width // 2 - 32, 28, 64, 64)
    cancel, retry = card.pin(20, -72, -20, 52).columns(2, 12)
    lines = ("Something went wrong on our side.", "Your card was not charged.")
    return ui.Box(card, (
        ui.icon_box(disc, "alert", 36, "#B93A32", fill="#F9E4E1", radius_px=32),
        ui.label(card.pin(0, 108, 0, 28), "Payment failed", 21, bold=True, align="centre"),
        ui.label(card.pin(0, 144, 0, 22), lines[0], 15, "#5C6A63", align="centre"),
        ui.label(card.pin(0, 168, 0, 22), lines[1], 15, "#5C6A63", align="centre"),
        ui.button(cancel, "Cancel", "dialog_cancel", is_quiet=True),
        ui.button(retry, "Try again", "dialog_retry"),
    ), ui.SURFACE, 26, shadow_px=12)  # fmt: skip


_Screen = tuple[Callable[[ui.Rect, AppState, ui.Control], Iterator[ui.Control]], str, str]
_SCREENS: Final[dict[str, _Screen]] = {
    "splash": (screens_shop.draw_splash, "#123B2E", "#CFE3D8"),
    "home": (screens_shop.draw_home, ui.PAPER, ui.INK),
    "product": (screens_shop.draw_product, ui.PAPER, ui.INK),
    "gallery": (screens_shop.draw_gallery, "#111614", "#E8ECE9"),
    "bag": (_draw_bag, ui.PAPER, ui.INK),
    "checkout": (_draw_checkout, ui.PAPER, ui.INK),
}
"""How each screen is drawn, its background, and the colour of its status bar."""
