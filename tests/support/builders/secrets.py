"""Makes secrets, each different from all others, in the forms in which people write them."""

import base64
import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

_DIGITS: Final = 10
_ODD_DOUBLE: Final = 9
_LETTER_VALUES: Final = {"D": "13", "E": "14", "G": "16", "B": "11", "F": "15", "R": "27"}
_IBAN_MODULUS: Final = 97


class Secret(NamedTuple):
    """A text with a secret, and every part of it that may not be stored."""

    text: str
    needles: tuple[str, ...]


def make_word(number: int) -> str:
    """Make a random-looking word of 14 letters and digits, which no other number has."""
    digest = hashlib.sha256(f"secret {number}".encode()).hexdigest()
    return f"q{digest[:12]}z"


def make_card(number: int) -> str:
    """Make a card number of 16 digits with a right check digit."""
    body = f"4{number:05d}{int(make_word(number)[1:10], 16) % 10**9:09d}"
    total = 0
    for place, char in enumerate(reversed(body)):
        digit = int(char) * (2 - place % 2)
        total += digit - _ODD_DOUBLE if digit > _ODD_DOUBLE else digit
    return body + str(-total % _DIGITS)


def make_iban(number: int) -> str:
    """Make a German account number with right check digits."""
    account = f"{37040044:08d}{number:010d}"
    check = 98 - int(account + _LETTER_VALUES["D"] + _LETTER_VALUES["E"] + "00") % _IBAN_MODULUS
    return f"DE{check:02d}{account}"


def _grouped(number: int, sign: str) -> Secret:
    card = make_card(number)
    groups = sign.join(card[at : at + 4] for at in range(0, 16, 4))
    return Secret(f"paid with {groups} today", (groups, card))


def _named(form: str) -> Callable[[int], Secret]:
    def make(number: int) -> Secret:
        word = make_word(number)
        return Secret(form.format(word), (word,))

    return make


def _jwt(number: int) -> Secret:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(f'{{"sub":"{make_word(number)}"}}'.encode()).decode()
    return Secret(f"got {head}.{body.rstrip('=')}.sig back", (body.rstrip("="),))


def _basic(number: int) -> Secret:
    credentials = base64.b64encode(f"jo:{make_word(number)}".encode()).decode()
    return Secret(f"sent Basic {credentials} with it", (credentials,))


def _iban(number: int) -> Secret:
    iban = make_iban(number)
    return Secret(f"transfer to {iban} now", (iban,))


def _ssn(number: int) -> Secret:
    ssn = f"{100 + number % 800:03d}-{10 + number % 89:02d}-{1000 + number:04d}"
    return Secret(f"ssn of jo is {ssn}", (ssn,))


def _email(number: int) -> Secret:
    name = f"jo.{make_word(number)}"
    return Secret(f"mail {name}@mail.example.org please", (name,))


def _path(number: int) -> Secret:
    name = f"jo{make_word(number)}"
    return Secret(f"open /Users/{name}/Library/x.plist", (name,))


def _mac(number: int) -> Secret:
    digits = make_word(number)[1:7]
    mac = f"a4:5e:60:{digits[:2]}:{digits[2:4]}:{digits[4:]}"
    return Secret(f"wifi {mac} joined", (mac,))


NAME_FORMS: Final = tuple(
    map(
        _named,
        (
            "password={}",
            "Authorization: Bearer {}",
            'token: Optional("{}")',
            "https://jo:{}@shop.example/a",
            "X-Session-Id: {}",
            "accessToken => {}",
            '{{"client_secret":"{}"}}',
            "Cookie: theme=dark; sid={}",
            "api key: {}",
            "Server=db;Pwd={};Port=1",
            "otp={}",
            "user[password]={}&x=1",
        ),
    )
)
"""Forms that are removed from names of users, labels and texts."""
TEXT_FORMS: Final = (
    *NAME_FORMS,
    *map(
        _named,
        (
            "GET https://api.example.net/pay?token={}&page=2",
            "https://shop.example/reset-password/{}",
            "INSERT INTO users (name, password) VALUES ('jo', '{}')",
            "ALTER USER jo WITH PASSWORD '{}'",
            "curl -u jo:{} https://shop.example",
            "login --password {}",
            "<soap:Password type='x'>{}</soap:Password>",
            'form-data; name="password"\r\n\r\n{}\r\n--b',
            "the password is {}",
            "secret={{a: {}, c: 2}} left",
            "q=password%3D{}%26x",
            "pass%77ord={}",
            'cut {{"a":1,"private_key":"{}',
            '{{\\"pin_code\\":\\"{}\\"}} was sent',
            "{{user=jo, credentials={}, page=3}}",
            "X-Amz-Signature={}",
            "postgres://app:{}@db/x",
            "stripe sk_" + "live_{}",
            "hub ghp_" + "16C7e42F292c{}",
            "key -----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY----- end",
            "back?code={}&state=1",
            "csrf_token: {}",
        ),
    ),
    lambda number: _grouped(number, ""),
    lambda number: _grouped(number, " "),
    lambda number: _grouped(number, "-"),
    lambda number: _grouped(number, "."),
    lambda number: _grouped(number, "\u00a0"),
    _jwt,
    _basic,
    _iban,
    _ssn,
    _email,
    _path,
    _mac,
)
"""Forms that are removed from texts."""
