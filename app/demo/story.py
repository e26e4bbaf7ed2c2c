"""The story that the demo tells: a person looks for plants, and the app dies when they pay twice.

The first payment fails on the backend (the card gateway gives no answer in time, HTTP 500). The
second is accepted as pending, without a receipt, and the app reads the receipt that is not there.
"""

from dataclasses import dataclass, replace
from typing import Final

from app.demo.dice import Dice
from app.demo.goods import PRODUCTS
from app.demo.screens_buy import Bag, Checkout, Line, total_cents
from app.demo.screens_shop import Gallery, Home, ProductPage, Splash
from app.demo.stage import API, IMAGES, Stage, letters
from app.demo.take import Take

_MONSTERA, _ALOE = PRODUCTS[0], PRODUCTS[3]
ORDER: Final = 48213


@dataclass(frozen=True, slots=True)
class Person:
    """Who uses the app; made up."""

    user_id: str
    first_name: str
    name: str
    email: str
    street: str
    city: str
    phone: str


PEOPLE: Final = (
    Person("u-20417", "Ana", "Ana Duarte", "ana.duarte@mail.example", "Rua das Flores 18", "Porto",
           "912 044 318"),
    Person("u-18852", "Jonas", "Jonas Weber", "jonas.weber@mail.example", "Lindenweg 7", "Graz",
           "660 118 2240"),
    Person("u-23090", "Mira", "Mira Novak", "mira.novak@mail.example", "Trubarjeva 42",
           "Ljubljana", "31 204 778"),
    Person("u-19736", "Leila", "Leila Haddad", "leila.haddad@mail.example", "12 Rue du Parc",
           "Lyon", "6 12 48 90"),
)  # fmt: skip


def play(dice: Dice, person: Person) -> Take:
    """Play the whole story and return what the recorder noted."""
    stage = Stage(dice, Splash())
    home = _look_around(stage, Home(person.first_name))
    page = _open_product(stage, home)
    _turn_phone(stage, page)
    home = _fill_bag(stage, home, page)
    _be_called_away(stage, home)
    lines = _check_bag(stage)
    form = _fill_form(stage, person, lines)
    _pay_and_fail(stage, form)
    _pay_again_and_crash(stage, form)
    return stage.take


def _look_around(stage: Stage, home: Home) -> Home:
    stage.until(150)
    stage.open("HomeActivity", Splash())
    stage.until(900)
    stage.show(replace(home, is_loading=True))
    stage.request("GET", f"{API}/v1/catalogue", 200, 850, size_bytes=18_204, route="/v1/catalogue")
    stage.until(1_960)
    stage.show(home)
    for product in PRODUCTS[:3]:
        stage.request("GET", f"{IMAGES}/p/{product.sku}.webp", 200, 240, size_bytes=41_310)
    stage.until(3_400)
    stage.swipe("product_list", (0, -260), 620, *(replace(home, scroll_px=at)
                                                  for at in (60, 130, 190, 220)))  # fmt: skip
    stage.until(5_450)
    stage.swipe("product_list", (0, -220), 650, *(replace(home, scroll_px=at)
                                                  for at in (270, 310, 340, 354)))  # fmt: skip
    stage.until(7_300)
    stage.swipe("product_list", (0, 280), 580, *(replace(home, scroll_px=at)
                                                 for at in (280, 190, 120)))  # fmt: skip
    stage.until(8_950)
    stage.tap("chip_indoor")
    home = replace(home, scroll_px=120, chip="Indoor")
    stage.show(replace(home, is_loading=True))
    stage.until(9_400)
    url = f"{API}/v1/catalogue?kind=indoor"
    stage.request("GET", url, 200, 700, size_bytes=9_118, route="/v1/catalogue")
    stage.until(10_250)
    stage.show(home)
    return home


def _open_product(stage: Stage, home: Home) -> ProductPage:
    stage.until(12_920)
    stage.show(home)
    stage.tap("product_card", tag=_MONSTERA.sku)
    stage.until(13_300)
    page = ProductPage(_MONSTERA)
    stage.open("ProductActivity", page)
    url = f"{API}/v1/products/{_MONSTERA.sku}"
    stage.request("GET", url, 200, 380, size_bytes=3_872, route="/v1/products/{sku}")
    stage.until(13_900)
    stage.request("GET", f"{IMAGES}/full/{_MONSTERA.sku}.webp", 200, 420, size_bytes=182_440)
    stage.until(15_300)
    stage.swipe("product_facts", (0, -230), 600, *(replace(page, scroll_px=at)
                                                   for at in (60, 130, 180)))  # fmt: skip
    page = replace(page, scroll_px=180)
    stage.until(17_950)
    stage.tap("size_l")
    page = replace(page, size="L")
    stage.show(page)
    stage.until(19_100)
    stage.swipe("product_facts", (0, 240), 420, *(replace(page, scroll_px=at)
                                                  for at in (110, 40, 0)))  # fmt: skip
    return replace(page, scroll_px=0)


def _turn_phone(stage: Stage, page: ProductPage) -> None:
    stage.until(20_940)
    stage.tap("product_photo")
    stage.until(21_250)
    photos = Gallery(_MONSTERA)
    stage.open("GalleryActivity", photos)
    stage.until(23_600)
    stage.turn("landscape")
    for at_ms, number in ((25_200, 1), (27_300, 2), (29_450, 3)):
        stage.until(at_ms)
        stage.swipe("photo_pager", (-420, 6), 260, replace(photos, page=number))
        url = f"{IMAGES}/full/{_MONSTERA.sku}-{number}.webp"
        stage.request("GET", url, 200 if number < 3 else 404, 310, size_bytes=96_100)  # noqa: PLR2004 - the last photo is lost
    stage.until(31_500)
    stage.turn("portrait")
    stage.until(32_940)
    stage.tap("gallery_close")
    stage.until(33_250)
    stage.open("ProductActivity", page)


def _fill_bag(stage: Stage, home: Home, page: ProductPage) -> Home:
    stage.until(34_930)
    stage.tap("add_to_bag")
    sent = {"sku": _MONSTERA.sku, "size": "L", "quantity": 1}
    done = stage.request("POST", f"{API}/v1/bag", 201, 340, sent=sent, got={"lines": 1},
                         route="/v1/bag")  # fmt: skip
    stage.until(done + 60)
    stage.show(replace(page, size="L", in_bag=1, toast="Added to your bag"))
    stage.until(38_300)
    stage.show(replace(page, size="L", in_bag=1))
    stage.until(38_940)
    stage.tap("navigate_up")
    stage.until(39_200)
    home = replace(home, chip="All", in_bag=1)
    stage.open("HomeActivity", home)
    stage.until(40_930)
    stage.tap("quick_add", tag=_ALOE.sku)
    done = stage.request("POST", f"{API}/v1/bag", 201, 290, sent={"sku": _ALOE.sku, "quantity": 1},
                         got={"lines": 2}, route="/v1/bag")  # fmt: skip
    stage.until(done + 50)
    home = replace(home, in_bag=2)
    stage.show(replace(home, toast="Added to your bag"))
    return home


def _be_called_away(stage: Stage, home: Home) -> None:
    stage.until(42_600)
    stage.go_away(20_000)
    stage.show(home)
    stage.until(62_900)
    stage.set_network("cellular")
    stage.until(63_300)
    stage.set_power(76)


def _check_bag(stage: Stage) -> tuple[Line, ...]:
    lines = (Line(_MONSTERA), Line(_ALOE))
    stage.until(64_540)
    stage.tap("tab_bag")
    stage.until(64_850)
    stage.open("BagActivity", Bag(lines))
    stage.request("GET", f"{API}/v1/bag", 200, 420, size_bytes=1_204, route="/v1/bag")
    stage.until(66_540)
    stage.tap("more", tag=_MONSTERA.sku)
    lines = (Line(_MONSTERA, 2), Line(_ALOE))
    stage.show(Bag(lines))
    url = f"{API}/v1/bag/{_MONSTERA.sku}"
    stage.request("PATCH", url, 200, 310, sent={"quantity": 2}, got={"lines": 2},
                  route="/v1/bag/{sku}")  # fmt: skip
    stage.until(68_540)
    stage.tap("checkout")
    return lines


def _fill_form(stage: Stage, person: Person, lines: tuple[Line, ...]) -> Checkout:
    stage.until(68_900)
    form = Checkout(total_cents(lines), person.name)
    stage.open("CheckoutActivity", form)
    stage.request("GET", f"{API}/v1/checkout/options", 200, 460, size_bytes=2_310,
                  route="/v1/checkout/options")  # fmt: skip
    values = (person.name, person.street, person.city, person.phone)
    typed = ["", "", "", ""]
    fields = (("full_name", 70_550, 1_600), ("street", 72_700, 1_900), ("city", 75_100, 800),
              ("phone", 76_500, 1_200))  # fmt: skip
    for at, (view_id, at_ms, took_ms) in enumerate(fields):
        stage.until(at_ms)
        stage.tap(view_id)
        form = replace(form, focus=view_id)
        stage.show(form)
        steps = []
        for words in letters(values[at]):
            typed[at] = words
            form = replace(form, typed=(typed[0], typed[1], typed[2], typed[3]))
            steps.append(form)
        stage.type(steps, every_ms=took_ms // len(steps))
    stage.until(78_350)
    form = replace(form, focus="")
    stage.show(form)
    return form


def _spin(stage: Stage, form: Checkout, until_ms: int) -> None:
    turn = 40
    while stage.now_ms < until_ms:
        stage.show(replace(form, is_paying=True, spinner_turn=turn % 360))
        stage.until(min(stage.now_ms + 250, until_ms))
        turn += 75


def _payment(form: Checkout) -> dict[str, object]:
    return {
        "order": ORDER,
        "amount": f"{form.total_cents / 100:.2f}",
        "currency": "USD",
        "card_token": "tok_9f2c77a1e0",
        "save_card": True,
    }


def _pay_and_fail(stage: Stage, form: Checkout) -> None:
    stage.until(79_550)
    stage.tap("pay_now")
    answer = {"error": "internal_error", "message": "Payment could not be processed",
              "request_id": "req_5c1d90"}  # fmt: skip
    done = stage.request("POST", f"{API}/v1/payments", 500, 2_300, sent=_payment(form), got=answer,
                         route="/v1/payments")  # fmt: skip
    _spin(stage, form, done + 70)
    stage.report("payment_failed")
    stage.note("checkout", "payment failed, offering another try", "error")
    stage.show(replace(form, has_failed=True))


def _pay_again_and_crash(stage: Stage, form: Checkout) -> None:
    stage.until(84_540)
    stage.tap("dialog_retry")
    answer = {"status": "pending", "order": ORDER, "receipt": None}
    done = stage.request("POST", f"{API}/v1/payments", 200, 9_300, sent=_payment(form), got=answer,
                         route="/v1/payments")  # fmt: skip
    _spin(stage, form, 89_000)
    for _ in range(4):
        stage.tap("payment_progress", is_dead=True)
        _spin(stage, form, stage.now_ms + 190)
    _spin(stage, replace(form, progress="This takes a little longer"), done + 40)
    stage.crash("receipt_missing")
