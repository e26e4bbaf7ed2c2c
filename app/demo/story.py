"""The story that the demo tells: a person looks for plants, and the app dies when they pay twice.

The first payment fails on the backend (the card gateway gives no answer in time, HTTP 500). The
second is accepted as pending, without a receipt, and the app reads the receipt that is not there.
"""

from app.demo.drawing.screens import total_cents
from app.demo.phone import Dice, SimulatedPhone
from app.demo.shop import ORDER, PRODUCTS, Customer
from app.demo.usage_log import ScreenState, UsageLog
from app.formats.jsonish import JsonObject

_MONSTERA, _ALOE = PRODUCTS[0], PRODUCTS[3]


def play_story(dice: Dice, person: Customer) -> UsageLog:
    """Play the whole story and return its log."""
    phone = SimulatedPhone(dice, ScreenState(0, person))
    _browse_catalogue(phone)
    _look_at_product(phone)
    _fill_bag(phone)
    _check_out(phone, person)
    _pay_twice(phone)
    return phone.usage


def _browse_catalogue(phone: SimulatedPhone) -> None:
    phone.until(150).open("HomeActivity")
    phone.until(900).show(screen="home", is_loading=True)
    phone.request("GET", "/v1/catalogue", 200, 850, got_bytes=18_204)
    phone.until(1_960).show(is_loading=False)
    for product in PRODUCTS[:3]:
        phone.request("GET", f"/p/{product.sku}.webp", 200, 240, got_bytes=41_310)
    phone.until(3_400).swipe("product_list", (0, -260), 620, scroll_px=(60, 130, 190, 220))
    phone.until(5_450).swipe("product_list", (0, -220), 650, scroll_px=(270, 310, 340, 354))
    phone.until(7_300).swipe("product_list", (0, 280), 580, scroll_px=(280, 190, 120))
    phone.until(8_950).tap("chip_indoor")
    phone.show(chip="Indoor", is_loading=True)
    phone.until(9_400).request("GET", "/v1/catalogue?kind=indoor", 200, 700, got_bytes=9_118)
    phone.until(10_250).show(is_loading=False)


def _look_at_product(phone: SimulatedPhone) -> None:
    phone.until(12_920).tap("product_card", _MONSTERA.sku)
    phone.until(13_300).open("ProductActivity", screen="product", scroll_px=0)
    phone.request("GET", f"/v1/products/{_MONSTERA.sku}", 200, 380, got_bytes=3_872)
    phone.until(13_900)
    phone.request("GET", f"/full/{_MONSTERA.sku}.webp", 200, 420, got_bytes=182_440)
    phone.until(15_300).swipe("product_facts", (0, -230), 600, scroll_px=(60, 130, 180))
    phone.until(17_950).tap("size_l")
    phone.show(pot_size="L")
    phone.until(19_100).swipe("product_facts", (0, 240), 420, scroll_px=(110, 40, 0))
    phone.until(20_940).tap("product_photo")
    phone.until(21_250).open("GalleryActivity", screen="gallery")
    phone.until(23_600).turn("landscape")
    # The last photo is lost.
    for at_ms, number, status in ((25_200, 1, 200), (27_300, 2, 200), (29_450, 3, 404)):
        phone.until(at_ms).swipe("photo_pager", (-420, 6), 260, photo=(number,))
        path = f"/full/{_MONSTERA.sku}-{number}.webp"
        phone.request("GET", path, status, 310, got_bytes=96_100)
    phone.until(31_500).turn("portrait")
    phone.until(32_940).tap("gallery_close")
    phone.until(33_250).open("ProductActivity", screen="product")


def _fill_bag(phone: SimulatedPhone) -> None:
    phone.until(34_930).tap("add_to_bag")
    sent: JsonObject = {"sku": _MONSTERA.sku, "size": "L", "quantity": 1}
    answered_ms = phone.request("POST", "/v1/bag", 201, 340, sent=sent, got={"lines": 1})
    phone.until(answered_ms + 60).show(bag=(_MONSTERA,), toast="Added to your bag")
    phone.until(38_300).show(toast="")
    phone.until(38_940).tap("navigate_up")
    phone.until(39_200).open("HomeActivity", screen="home", scroll_px=120, chip="All")
    phone.until(40_930).tap("quick_add", _ALOE.sku)
    sent = {"sku": _ALOE.sku, "quantity": 1}
    answered_ms = phone.request("POST", "/v1/bag", 201, 290, sent=sent, got={"lines": 2})
    phone.until(answered_ms + 50).show(bag=(_MONSTERA, _ALOE), toast="Added to your bag")
    phone.until(42_600).go_away(20_000)
    phone.show(toast="")
    phone.until(62_900).set_network("cellular")
    phone.until(63_300).set_battery(76)


def _check_out(phone: SimulatedPhone, person: Customer) -> None:
    phone.until(64_540).tap("tab_bag")
    phone.until(64_850).open("BagActivity", screen="bag")
    phone.request("GET", "/v1/bag", 200, 420, got_bytes=1_204)
    phone.until(66_540).tap("more", _MONSTERA.sku)
    phone.show(bag=(_MONSTERA, _MONSTERA, _ALOE))
    path, sent = f"/v1/bag/{_MONSTERA.sku}", {"quantity": 2}
    phone.request("PATCH", path, 200, 310, sent=sent, got={"lines": 2})
    phone.until(68_540).tap("checkout")
    phone.until(68_900).open("CheckoutActivity", screen="checkout")
    phone.request("GET", "/v1/checkout/options", 200, 460, got_bytes=2_310)
    entries = (
        ("full_name", person.name, 70_550, 1_600),
        ("street", person.street, 72_700, 1_900),
        ("city", person.city, 75_100, 800),
        ("phone", person.phone, 76_500, 1_200),
    )
    for field, (view_id, words, at_ms, took_ms) in enumerate(entries):
        phone.until(at_ms).tap(view_id)
        phone.show(focus=view_id)
        phone.type(field, words, took_ms)
    phone.until(78_350).show(focus="")


def _pay_twice(phone: SimulatedPhone) -> None:
    amount = f"{total_cents(phone.state.bag) / 100:.2f}"
    sent = {"order": ORDER, "amount": amount, "currency": "USD", "card_token": "tok_9f2c77a1e0",
            "save_card": True}  # fmt: skip
    failure = {"error": "internal_error", "message": "Payment could not be processed",
               "request_id": "req_5c1d90"}  # fmt: skip
    phone.until(79_550).tap("pay_now")
    answered_ms = phone.request("POST", "/v1/payments", 500, 2_300, sent=sent, got=failure)
    phone.spin(answered_ms + 70)
    phone.report_failure()
    phone.show(spinner_turn=None, has_failed=True)
    phone.until(84_540).tap("dialog_retry")
    pending = {"status": "pending", "order": ORDER, "receipt": None}
    answered_ms = phone.request("POST", "/v1/payments", 200, 9_300, sent=sent, got=pending)
    phone.spin(89_000, has_failed=False)
    for _ in range(4):
        phone.tap("payment_progress", is_dead=True)
        phone.spin(phone.now_ms + 190)
    phone.spin(answered_ms + 40, progress="This takes a little longer")
    phone.crash()
