"""Hints: byte patterns that match wherever a rule could, so that clean text costs one pass.

A hint is matched against text in UTF-8 and against JSON, either as an SDK sent it or as we wrote
it. So it must also match if a quote, a slash or a line end is written as an escape, and if a space
or a dash is a typographic one. A hint that matches too often costs time. It must never match too
rarely.
"""

from typing import Final

from app.scrub import sensitive_names
from app.scrub.finders import commands, shapes, url_paths
from app.scrub.matching import folding
from app.scrub.rules import ScrubRules

_WIDE: Final = rb"[\x80-\xff]{2,3}"
"""Bytes of a character that folds to a space or a dash."""
_COLON: Final = rb"\xef\xbc\x9a"
_DASH: Final = rb"(?:[-:]|" + _WIDE + rb")"
_SPACE: Final = rb"(?:[ \-]|" + _WIDE + rb")"
_GAP: Final = rb"(?:[\s\-._/+]|\\+[/bfnrt]|\\+u00[01][0-9a-fA-F]|%20|%2[dD]|" + _WIDE + rb"){0,3}"

ESCAPES: Final = rb"\\u(?:00[2-9a-fA-F]|0[1-9a-fA-F]|[1-9a-fA-F])[0-9a-fA-F]"
"""A character written as `\\u…`, which could be any letter of a secret word."""
PRIVATE_KEY: Final = rb"PRIVATE.{1,3}KEY"
USERINFO: Final = rb"/[^/\s?#\"'<>]+@"
SCHEMED: Final = rb"(?:[Bb]earer|BEARER|[Bb]asic|BASIC)(?:[\s+%,\\]|[\x80-\xff])"
WEB_TOKEN: Final = rb"eyJ[A-Za-z0-9_\-]{10}"
VENDOR_KEY: Final = shapes.VENDOR_HINTS.encode()
CARD: Final = rb"(?:^|[^0-9]|\\u00[01][0-9a-fA-F])[2-9](?:" + _GAP + rb"[0-9]){11}"
IBAN: Final = rb"[A-Z]{2}[0-9]{2}(?:" + _SPACE + rb"?[A-Z0-9]){11}"
SSN: Final = rb"[0-9]{3}" + _DASH + rb"[0-9]{2}" + _DASH + rb"[0-9]{4}"
EMAIL: Final = rb"@[\w\-\x80-\xff]+(?:\.[\w\-\x80-\xff]+)*\.[A-Za-z\x80-\xff][A-Za-z0-9\-\x80-\xff]"
USER_PATH: Final = rb"[/\\](?:Users|home|Documents.{1,3}and.{1,3}Settings)[/\\]"
MAC: Final = rb"[0-9A-Fa-f]{2}(?:(?:" + _DASH + rb"|" + _COLON + rb")[0-9A-Fa-f]{2}){5}"
_ANY_COLON: Final = rb"(?::|" + _COLON + rb")"
_HEX: Final = rb"[0-9A-Fa-f]{0,4}"
ADDRESS: Final = rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|" + _HEX + _ANY_COLON + _HEX + _ANY_COLON
IMEI: Final = rb"[0-9]{15}"
PHONE: Final = rb"\+[1-9](?:(?:[\-./() ]|\\/|" + _WIDE + rb"){0,2}[0-9]){7}"
ENCODED: Final = rb"%(?:40|3[0-9aAdD]|[46][1-9a-fA-F]|[57][0-9aA]|25)"
OWNER: Final = (
    rb"(?i)\"name\"\s*:\s*\"(?:[^\"\\]|\\.)*(?:'|\xe2\x80\x99| (?:von|de|di|van|av|da|do) )"
)
ADDRESS_FIELD: Final = rb"\"(?:ip_address|REMOTE_ADDR|client_ip)\""


_BLANKS: Final = rb"(?:\s|\\+[nrtf]|" + _WIDE + rb")+"
ACCOUNT: Final = (
    rb"(?i)(?:create|alter)" + _BLANKS + rb"(?:user|role|login|group)"
    rb"|set" + _BLANKS + rb"password|identified[^;]*by"
)  # fmt: skip
LOGIN: Final = (
    rb"(?:curl|mysql[a-z]*|mariadb[a-z\-]*|sshpass|redis-cli|docker" + _BLANKS + rb"login)"
    + _BLANKS + rb"(?:[^|;]*[\s\\\x80-\xff])?-"
    rb"|[\"/\\]" + commands.PROGRAMS.encode() + rb"(?:\.exe)?\"\s*,"
)  # fmt: skip
PATH_TOKEN: Final = (
    rb"(?i)(?:" + url_paths.ROUTES.encode() + rb"|reset|tokens?)" + url_paths.SLASH.encode()
    + rb"[a-z0-9_\-.~=+]"
)  # fmt: skip


def make_exotic_hint() -> bytes:
    """Make the hint for characters that fold to digits, letters or signs."""
    return folding.make_exotic_pattern()


def make_named_hint(rules: ScrubRules) -> bytes:
    """Make the hint for a sensitive name in front of a value, in JSON or in text."""
    words = _words(rules)
    inside = rb"(?:[^\"\\]|\\.)*"
    signs = rb"[=:\\>]|\"[\s\"'`]*(?:[=:]|" + _COLON + rb")|\"[\r\n]|" + _COLON
    says = rb"[ \x80-\xff](?:is|was|ist|lautet)[ \x80-\xff]"
    query = sensitive_names.QUERY_NAMES.encode()
    return (
        rb"(?i)" + words + rb"[^\"=:\\>]*(?:" + signs + rb"|" + says + rb")"
        rb"|\[\s*\"" + inside + words + rb"|\"(?:name|key)\"\s*:\s*\"" + inside + words +
        rb"|\"(?:rawH|h)eaders\"\s*:\s*\[\s*\""
        rb"|-[\w.\-]*" + words + rb"[\w.\-]*[ \"\x80-\xff]"
        rb"|(?:[?&#]|\xef\xbc\x9f)(?:" + query + rb")="
    )  # fmt: skip


def make_insert_hint(rules: ScrubRules) -> bytes:
    """Make the hint for a sensitive name among the columns of an INSERT."""
    return rb"(?i)" + _words(rules) + rb"[^()]*\)[^()]*values?[^()a-z]*\("


def make_secret_like_hint() -> bytes:
    """Make the hint for a single word such as `secret-1`."""
    return rb"(?i)(?:pass|secret|key|credential)[A-Za-z_.\-:\x80-\xff]*[0-9]"


def _words(rules: ScrubRules) -> bytes:
    """Return the pattern of all sensitive words, in bytes, which allows typographic dashes."""
    # Bytes have no case beyond ASCII, so words in other alphabets stand there in each case.
    words = dict.fromkeys(
        cased
        for word in sensitive_names.ANY_WORD
        for cased in ((word,) if word.isascii() else (word, word.upper(), word.capitalize()))
    )
    built_in = "|".join(words).encode()
    wide = built_in.replace(sensitive_names.SEP.encode(), rb"(?:[-_. ]|" + _WIDE + rb")?")
    own = [_own_word(word) for word in sorted(rules.sensitive_keys) if word.strip()]
    return rb"(?:" + b"|".join([wide, *own]) + rb")"


def _own_word(word: str) -> bytes:
    """Return a pattern for a project's own word; any byte may stand for its other characters."""
    return b"".join(
        char.encode() if char.isascii() and char.isalnum() else rb"[^\x00]{1,12}" for char in word
    )
