"""Finds secrets by their shape: keys, tokens, accounts, addresses, telephone numbers."""

import base64
import binascii
import ipaddress
from collections.abc import Iterator
from typing import Final

from app.scrub.finders import check_digits
from app.scrub.matching import patterns
from app.scrub.matching.redactions import Redaction
from app.scrub.rules import EMAIL, FILTERED, IMEI, IP, MAC, MARKS, PERSON, PHONE

_PEM_BEGIN: Final = patterns.compile_text(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_USERINFO: Final = patterns.compile_text(r"/\\?/[^/\s?#\"'<>\\]+@")
_SCHEMED: Final = patterns.compile_text(
    r"\b(?:[Bb]earer|BEARER)(?:\s|%20|\+|,){1,3}([A-Za-z0-9\-._~+/=|:]{6,})"
    r"|\b[Bb](?:asic|ASIC)(?:\s|%20|\+){1,3}([A-Za-z0-9+/_\-]{6,}={0,2})"
)
_NO_TOKENS: Final = frozenset(
    {"token", "tokens", "authentication", "authorization", "header", "headers", "scheme"}
    | {"missing", "required", "invalid", "expired", "realm", "challenge", "error", "format"}
)
_SHORT_TOKEN_CHARS: Final = 20
_JWT: Final = patterns.compile_text(r"eyJ[A-Za-z0-9_\-]{10,}(?:\.[A-Za-z0-9_\-]*){0,4}")
VENDOR_KEYS: Final = (
    r"(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_\-]{20,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|glpat-[A-Za-z0-9_\-]{16,}|xox[abeoprs]-[A-Za-z0-9\-]{10,}|AIza[0-9A-Za-z_\-]{30,}"
    r"|ya29\.[0-9A-Za-z_\-]{20,}|SG\.[0-9A-Za-z_\-]{16,}\.[0-9A-Za-z_\-]{16,}"
    r"|xapp-[0-9]-[A-Za-z0-9\-]{10,}|hf_[A-Za-z0-9]{30,}|GOCSPX-[A-Za-z0-9_\-]{20,}"
    r"|dckr_pat_[A-Za-z0-9_\-]{16,}|pypi-AgE[A-Za-z0-9_\-]{16,}|AGE-SECRET-KEY-1[A-Z0-9]{16,}"
    r"|hooks\.slack\.com\\?/services\\?/[A-Za-z0-9/\\]{16,}"
    r"|npm_[A-Za-z0-9]{30,}|sntry[su]_[A-Za-z0-9+/=_\\]{20,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{30,}"
)
_HINTED_KEYS: Final = {
    r"do[opr]_v1_": r"do[opr]_v1_[a-f0-9]{32,}",
    r"dapi[a-f0-9]{8}": r"\bdapi[a-f0-9]{32}",
    r"SK[a-f0-9]{8}": r"\bSK[a-f0-9]{32}\b",
    r"[0-9]:AA[A-Za-z0-9_\-]{8}": r"\b[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,35}",
    r":APA91b": r"[A-Za-z0-9_\-]{11,}:APA91b[A-Za-z0-9_\-]{20,}",
    r"[MNO][A-Za-z0-9_\-]{22,26}\.[A-Za-z0-9_\-]{6}\.": (
        r"\b[MNO][A-Za-z0-9_\-]{22,26}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,}"
    ),
    r"discord(?:app)?\.com\\?/api": (
        r"discord(?:app)?\.com\\?/api\\?/webhooks\\?/[0-9]+\\?/[A-Za-z0-9_\-]{30,}"
    ),
    r"gl(?:sa|c)_[A-Za-z0-9]": r"\bgl(?:sa|c)_[A-Za-z0-9_=]{30,}",
    r"hvs\.[A-Za-z0-9]": r"\bhvs\.[A-Za-z0-9_\-]{20,}",
    r"lin_api_|NRAK-": r"lin_api_[A-Za-z0-9]{30,}|NRAK-[A-Z0-9]{20,}",
    r"rubygems_|ATATT3x": r"rubygems_[a-f0-9]{40,}|ATATT3x[A-Za-z0-9_\-=]{20,}",
    r"sbp_[a-f0-9]|gsk_[A-Za-z0-9]": r"\bsbp_[a-f0-9]{30,}|\bgsk_[A-Za-z0-9]{40,}",
}
"""Keys by a hint: their whole patterns, tried at every byte, would slow down clean text."""
VENDOR_HINTS: Final = "|".join([VENDOR_KEYS, *_HINTED_KEYS])
_VENDOR_KEY: Final = patterns.compile_text("|".join([VENDOR_KEYS, *_HINTED_KEYS.values()]))
_IBAN_RUN: Final = patterns.compile_text(
    r"\b[A-Z]{2}[0-9]{2}(?:[A-Z0-9]{11,30}|(?:[ \-][A-Z0-9]{4}){2,7}(?:[ \-][A-Z0-9]{1,4})?)\b"
)
_SSN: Final = patterns.compile_text(r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b")
_EMAIL: Final = patterns.compile_text(
    r"[\pL\pN_][\pL\pN._+\-'!#$*^~%]*@(?:[\pL\pN_\-]+\.)+[\pL][\pL\pN\-]+"
)
_IMAGE_SUFFIXES: Final = frozenset({"png", "jpg", "jpeg", "webp", "gif", "svg", "pdf"})
_USER_PATH: Final = patterns.compile_text(
    r"/Users/[^/\s\"'<>:;,?&\\]+"
    r"|[A-Za-z]:[\\/]{1,4}(?:Users|Documents and Settings)[\\/]{1,4}[^/\\\s\"'<>:;,?&]+"
    r"|/home/[^/\s\"'<>:;,?&\\]+/"
)
_NO_PEOPLE: Final = frozenset(
    {"shared", "public", "default", "all users", "feed", "profile", "settings", "tab", "tabs"}
    | {"index", "search", "details", "dashboard", "main", "runner", "user", "home", "screen"}
)
_MAC: Final = patterns.compile_text(r"[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5,}")
_NO_STATIONS: Final = frozenset({"000000000000", "020000000000", "ffffffffffff"})
_MAC_CHARS: Final = 17
_OWNER: Final = patterns.compile_text(
    r"(?i)(?:^.{1,60}?['\x{2019}]s? .*|.{1,60}? (?:von|de|di|van|av|da|do|d['\x{2019}]) .*)"
)
_IP_RUN: Final = patterns.compile_text(r"[0-9A-Fa-f:.]*[:.][0-9A-Fa-f:.]+")
_ADDRESS_CHARS: Final = 45
_DOTS: Final = 3
_IMEI_RUN: Final = patterns.compile_text(r"\b[0-9]{15}\b")
_PHONE: Final = patterns.compile_text(r"\+[1-9](?:[ \-./()]{0,2}[0-9]){7,14}\b")


def find_private_keys(text: str) -> Iterator[Redaction]:
    """Find the content of PEM private keys; a key that is cut goes to the end of the text."""
    done = 0
    for match in _PEM_BEGIN.finditer(text):
        start = match.end()
        if start < done:
            continue
        end = text.find("-----END", start)
        done = len(text) if end < 0 else end
        if text[start:done].strip("\r\n\\nr ") not in {"", FILTERED}:
            yield start, done, f"\n{FILTERED}\n"


def find_url_logins(text: str) -> Iterator[Redaction]:
    """Find names and passwords in URLs: `//user:password@`."""
    for start, end in _USERINFO.find_ranges(text):
        begin = text.index("/", start + 1) + 1
        if text[begin : end - 1] not in MARKS:
            yield begin, end - 1, FILTERED


def find_http_credentials(text: str) -> Iterator[Redaction]:
    """Find the credentials after `Bearer` and `Basic`."""
    for match in _SCHEMED.finditer(text):
        group = 1 if match.group(1) else 2
        if (_is_bearer if group == 1 else _is_basic)(match.group(group), match.group()):
            yield match.start(group), match.end(group), FILTERED


def find_web_tokens(text: str) -> Iterator[Redaction]:
    """Find JSON web tokens, whole or cut."""
    return _find_matches(_JWT, text, FILTERED)


def find_vendor_keys(text: str) -> Iterator[Redaction]:
    """Find keys that are known by their prefix."""
    return _find_matches(_VENDOR_KEY, text, FILTERED)


def find_ibans(text: str) -> Iterator[Redaction]:
    """Find account numbers, in one piece or in groups of four."""
    for match in _IBAN_RUN.finditer(text):
        run = match.group()
        if check_digits.is_iban(run, grouped=False):
            yield match.start(), match.end(), FILTERED
            continue
        pieces = run.replace("-", " ").split(" ")
        for count in range(len(pieces), 2, -1):
            if check_digits.is_iban("".join(pieces[:count]), grouped=True):
                yield match.start(), match.start() + len(" ".join(pieces[:count])), FILTERED
                break


def find_social_security_numbers(text: str) -> Iterator[Redaction]:
    """Find numbers in the form of US social security numbers."""
    return _find_matches(_SSN, text, FILTERED)


def find_emails(text: str) -> Iterator[Redaction]:
    """Find e-mail addresses, but not `git@host`, `icon@2x.png` or `app@1.0.beta`."""
    for start, end in _EMAIL.find_ranges(text):
        name, _, host = text[start:end].rpartition("@")
        *labels, last = host.lower().split(".")
        is_density = last in _IMAGE_SUFFIXES and labels[-1].rstrip("x").isdigit()
        is_version = "".join(labels).isdigit()
        if name != "git" and not is_density and not is_version:
            yield start, end, EMAIL


def find_user_names_in_paths(text: str) -> Iterator[Redaction]:
    """Find the names of people in file paths, but not in URLs or common routes."""
    done = 0
    for start, end in _USER_PATH.find_ranges(text):
        behind = end - text.endswith("/", start, end)
        begin = max(text.rfind("/", start, behind), text.rfind("\\", start, behind)) + 1
        name = text[begin:behind]
        if name in MARKS or name.lower() in _NO_PEOPLE:
            continue
        if start == done or not _character_before(text, start).isalnum():
            yield begin, behind, PERSON
            done = behind


def find_device_owner(text: str) -> Iterator[Redaction]:
    """Find names of devices that name the owner: `Jo's iPhone`, `iPad von Jo`."""
    if text not in MARKS and _OWNER.fullmatch(text):
        yield 0, len(text), PERSON


def find_macs(text: str) -> Iterator[Redaction]:
    """Find addresses of network interfaces, but not fingerprints, dates, or the zero address."""
    for match in _MAC.finditer(text):
        address = match.group().lower()
        bare = address.replace(":", "").replace("-", "")
        is_one = len(address) == _MAC_CHARS and not bare.isdigit()
        beside = _character_before(text, match.start()) + text[match.end() : match.end() + 1]
        if (
            is_one
            and bare not in _NO_STATIONS
            and not any(c.isalnum() or c in ":-" for c in beside)
        ):
            yield match.start(), match.end(), MAC


def find_ip_addresses(text: str) -> Iterator[Redaction]:
    """Find IP addresses of both versions."""
    for match in _IP_RUN.finditer(text):
        start, end = match.start(), match.end()
        while end > start and text[end - 1] in ".:" and not text.startswith("::", end - 2):
            end -= 1
        port = text.rfind(":", start, end)
        if text.count(".", start, end) == _DOTS and port > 0:
            end = port
        beside = _character_before(text, start) + text[end : end + 1]
        if _is_address(text[start:end]) and not any(c.isalnum() or c == "_" for c in beside):
            yield start, end, IP


def find_imeis(text: str) -> Iterator[Redaction]:
    """Find IMEIs, the numbers of devices: 15 digits, of which the last is a check digit."""
    for match in _IMEI_RUN.finditer(text):
        if check_digits.has_luhn_digit(match.group()):
            yield match.start(), match.end(), IMEI


def find_phone_numbers(text: str) -> Iterator[Redaction]:
    """Find telephone numbers that begin with + and the code of a country."""
    return _find_matches(_PHONE, text, PHONE)


def _find_matches(pattern: patterns.TextPattern, text: str, mark: str) -> Iterator[Redaction]:
    for start, end in pattern.find_ranges(text):
        yield start, end, mark


def _is_bearer(token: str, whole: str) -> bool:
    """Tell whether this is a token, and not the next word of a sentence about bearer tokens."""
    if token.lower().rstrip(".:=") in _NO_TOKENS:
        return False
    is_long = len(token) >= _SHORT_TOKEN_CHARS or any(c.isdigit() for c in token)
    return is_long or (whole[0] == "B" and "," not in whole[: -len(token)])


def _is_basic(token: str, _whole: str) -> bool:
    """Tell whether this is `name:password` in base64."""
    try:
        plain = base64.b64decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return False
    return b":" in plain


def _character_before(text: str, place: int) -> str:
    """Return the character before a position, or nothing at the beginning."""
    return text[max(0, place - 1) : place]


def _is_address(text: str) -> bool:
    if len(text) > _ADDRESS_CHARS or text == "::":
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
