"""Judges whether a key, header, query parameter or variable of some name holds a secret.

The same judge serves JSON keys, `key=value` in text, URL queries and headers, so that all agree.
Names that merely contain `auth`, such as `author` and `isAuthenticated`, are not sensitive.
"""

from enum import IntEnum
from typing import Final

from app.scrub.matching import folding, patterns
from app.scrub.matching.answer_cache import AnswerCache
from app.scrub.rules import ScrubRules

SEP: Final = r"[-_. ]?"
WORDS: Final = (
    rf"pass{SEP}w(?:or)?d", "passwort", rf"pass{SEP}phrase", rf"pass{SEP}(?:code|key)", "secret",
    rf"api{SEP}key", "auth", "credential", "mysql_pwd", rf"priv(?:ate)?{SEP}key", "token",
    rf"access{SEP}key", rf"(?:encryption|signing){SEP}key", rf"(?:card|cc){SEP}(?:num|no\b)",
    rf"credit{SEP}card", "kreditkarte", "phpsessid", "jsessionid", "sessionid", "csrf", "xsrf",
    "_vercel_jwt", "sentrysid", rf"x{SEP}amz{SEP}(?:signature|credential)", r"connect\.sid",
    "mnemonic", rf"seed{SEP}phrase", rf"(?:recovery|backup){SEP}(?:code|phrase|key)",
    rf"security{SEP}(?:code|answer)", rf"social{SEP}security", rf"two{SEP}factor",
    rf"(?:account|app|licen[cs]e|master|server|service|session|shared|ssh|subscription){SEP}key",
    rf"x{SEP}goog{SEP}(?:signature|credential)", "wachtwoord",
    rf"(?:mfa|otp|sms|verification){SEP}code", rf"pin{SEP}(?:code|number)",
    "contrase", "senha", "kennwort", "mot_?de_?passe",
    rf"saml{SEP}(?:response|assertion)",
    *("пароль", "密码", "密碼", "口令", "パスワード", "暗証番号", "비밀번호"),
    *("كلمة المرور", "كلمة السر", "סיסמה", "पासवर्ड", "รหัสผ่าน", "hasło", "lösenord", "salasana"),
    *("şifre", "mật khẩu", "jelszó", "κωδικός πρόσβασης"),
)  # fmt: skip
"""Words that are sensitive anywhere in a name."""
HEADERS: Final = ("dpop", rf"x{SEP}session{SEP}id", rf"x{SEP}firebase{SEP}app{SEP}check")
"""Headers whose last word is not sensitive by itself."""
WHOLE_WORDS: Final = (
    *("pwd", "cvv2?", "cvc2?", "ssn", "iban", "otp", "totp", "jwt", "bearer"),
    *HEADERS,
)
"""Words that are sensitive only by themselves: `otp` must not match `hotplug`."""
LAST_WORDS: Final = (
    r"(?:admin|auth|db|database|email|ftp|http|login|mail|mongo|mysql|pg|postgres|proxy|redis|root"
    r"|smtp|ssh|user|wifi)[-_.]?pass"
)
"""Words that are sensitive at the end of a name; `pass` alone may be the result of a test."""
PIN: Final = r"(?:(?:user|card|account|sim|new|old|current|login|my|atm)_)?pin"
ANY_WORD: Final = (*WORDS, *WHOLE_WORDS, LAST_WORDS, "pin", "cookie")
"""Every name that is sensitive by the built-in words contains one of these."""
_COOKIE: Final = r"(?:.*[-_. ])?(?:set[-_]?)?cookies?2?"
_COOKIE_NAMES: Final = (
    r"su|sudo|session|__session|session_?id|user_session|symfony|mysession|fasthttpsessionid"
    r"|irissessionid|sid|connect\.sid|.*[-_.](?:session|sess|sid)|.*session[-_]?id"
    r"|\.aspnetcore\.(?:identity\..*|cookies.*|antiforgery\..*|correlation\..*)"
    r"|wordpress_(?:logged_in|sec)_.*|remember[-_]?(?:me|user).*|cf_clearance"
    r"|keycloak_(?:identity|session)(?:_legacy)?|[hls]sid|s?apisid|__secure-[0-9]p[a-z]*sid[a-z]*"
)
_GUESSED: Final = r"session|magic|invite|invitation"
QUERY_NAMES: Final = (
    r"code|sig|signature|key|sid|session_?id|nonce|hmac|hash|ticket|assertion|" + _GUESSED
)
_INNOCENT: Final = (
    r"(?:^|[^a-z])(?:(?:co[-_]?)?authors?|authored|authorship|authoring|authority|authorities"
    r"|authenticated)(?:$|[^a-z])"
)
_COUNT: Final = (
    r"(?:.*[-_.])?tokens|.*tokens?[-_.](?:count|limit|usage|used|total|index|length|position)"
)
_TAILS: Final = frozenset(
    {"value", "val", "id", "key", "code", "hash", "header", "string", "text", "field"}
    | {"new", "old", "confirm", "confirmation", "again", "number", "num", "no"}
)
"""Words that may follow a secret word without changing its meaning: `token value: x`."""


class NameVerdict(IntEnum):
    """Judgement of a value by its name."""

    PLAIN = 0
    SECRET = 1
    COOKIE = 2
    """Cookies, which are secret as text; in a map of cookies only some names are secret."""
    COUNT = 3
    """A name like `max_tokens`, whose value is secret as text and harmless as a number."""


class NameJudge:
    """Judges names by the built-in words and those of one project."""

    def __init__(self, rules: ScrubRules) -> None:
        own_words = [
            patterns.escape_text(word) for word in sorted(rules.sensitive_keys) if word.strip()
        ]
        whole_words = [
            rf"(?:^|[^a-z])(?:{'|'.join(WHOLE_WORDS)})(?:$|[^a-z])",
            rf"(?:^|[^a-z]){LAST_WORDS}$",
            rf"^{PIN}$",
        ]
        self._secret = patterns.compile_text("|".join([*WORDS, *whole_words]), any_case=True)
        self._own_words = (
            patterns.compile_text("|".join(own_words), any_case=True) if own_words else None
        )
        built_in = [word.replace(SEP, r"[-_.]?") for word in ANY_WORD]
        own_single_words = [
            patterns.escape_text(word) for word in rules.sensitive_keys if word.split() == [word]
        ]
        self.words = "|".join([*built_in, *sorted(own_single_words)])
        """Pattern that matches somewhere in every sensitive name of one word."""
        self._safe = frozenset(key.lower() for key in rules.safe_keys)
        self._verdicts: AnswerCache[NameVerdict] = AnswerCache()

    def judge_name(self, name: str) -> NameVerdict:
        """Judge a name; the verdicts on short names are cached."""
        verdict = self._verdicts.get(name)
        return (
            self._verdicts.remember(name, self._find_verdict(name)) if verdict is None else verdict
        )

    def is_secret(self, name: str) -> bool:
        """Tell whether a text under this name has to be removed."""
        return self.judge_name(name) is not NameVerdict.PLAIN

    def ends_in_secret_word(self, name: str) -> bool:
        """Tell whether the last word of a name is secret: `accessToken`, not `TokenRefresher`.

        This is for `name: value` in prose and logs, where the name often is a class or a file.
        """
        if not self.is_secret(name):
            return False
        if self._own_words is not None and self._own_words.search(folding.fold_text(name)):
            return True
        if _IS_HEADER.fullmatch(folding.fold_text(name)):
            return True
        words = _WORD.findall(_to_snake_case(name))
        if self._last_is_secret(words):
            return True
        while len(words) > 1 and (words[-1] in _TAILS or words[-1].isdigit()):
            words.pop()
        return self._last_is_secret(words)

    def _last_is_secret(self, words: list[str]) -> bool:
        """Tell whether the last word is secret, alone or with the one before it: `api key`."""
        if not words or self.is_secret(words[-1]):
            return bool(words)
        pair = "_".join(words[-2:])
        return self.is_secret(pair) and not self.is_secret(words[-2])

    def _find_verdict(self, name: str) -> NameVerdict:
        if name.lower() in self._safe:
            return NameVerdict.PLAIN
        if self._own_words is not None and self._own_words.search(folding.fold_text(name)):
            return NameVerdict.SECRET
        snake = _HARMLESS.sub("", _to_snake_case(name))
        if "cookie" in snake and _IS_COOKIE.fullmatch(snake):
            return NameVerdict.COOKIE
        # Capitals may stand anywhere (`passWd`). Only `auth` is judged word by word, because of
        # `author`.
        plain = _HARMLESS.sub("", folding.fold_text(name).lower()).replace("auth", "")
        if not self._secret.search(plain):
            words = _INNOCENTS.sub(" ", snake) if "auth" in snake else snake
            if not self._secret.search(words):
                return NameVerdict.PLAIN
        is_count = "token" in snake and _IS_COUNT.fullmatch(snake)
        return NameVerdict.COUNT if is_count else NameVerdict.SECRET


def is_cookie_secret(name: str) -> bool:
    """Tell whether a cookie of this name opens a session."""
    return _IS_COOKIE_NAME.fullmatch(folding.fold_text(name)) is not None


def is_query_secret(name: str) -> bool:
    """Tell whether a long value of this URL parameter may be a code, signature or key."""
    return _IS_QUERY_NAME.fullmatch(_to_snake_case(name)) is not None


def is_query_guess(name: str) -> bool:
    """Tell whether this URL parameter may be a word or a number as well as a token."""
    return _IS_GUESSED.fullmatch(_to_snake_case(name)) is not None


def _to_snake_case(name: str) -> str:
    """Return a name in lower case with an underscore where camelCase has a capital."""
    return _CAMEL.sub(r"\1_\2", folding.fold_text(name)).lower()


_IS_COOKIE: Final = patterns.compile_text(_COOKIE, any_case=True)
_IS_COOKIE_NAME: Final = patterns.compile_text(_COOKIE_NAMES, any_case=True)
_IS_QUERY_NAME: Final = patterns.compile_text(QUERY_NAMES, any_case=True)
_IS_GUESSED: Final = patterns.compile_text(_GUESSED, any_case=True)
_IS_HEADER: Final = patterns.compile_text("|".join(HEADERS), any_case=True)
_IS_COUNT: Final = patterns.compile_text(_COUNT, any_case=True)
_INNOCENTS: Final = patterns.compile_text(_INNOCENT, any_case=True)
_CAMEL: Final = patterns.compile_forward(r"([a-z0-9])([A-Z])")
_HARMLESS: Final = patterns.compile_forward(
    r"tokeni[sz](?:e[drs]?|ing|ation)|secretar(?:y|ies|iat)|key(?:board|chain|frame|stroke|word)"
)
"""Parts of names that contain a secret word by chance; `auth` is judged word by word."""
_WORD: Final = patterns.compile_forward(r"[a-z0-9]++")
