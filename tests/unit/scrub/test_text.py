"""Single rules: what exactly is left of a text."""

from typing import Any

import pytest

from app.scrub.finders import check_digits
from app.scrub.matching import patterns, redactions
from app.scrub.rules import DEFAULT_RULES, ScrubRules
from app.scrub.sensitive_names import NameJudge, NameVerdict, is_cookie_secret, is_query_secret
from app.scrub.text_scrubber import TextKind, get_scrubber


def clean(text: str, text_kind: TextKind = TextKind.FREE, **options: Any) -> str:
    """Return a text after scrubbing."""
    return get_scrubber(ScrubRules(**options)).scrub(text, text_kind)[0]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "https://a.example/pay?token=abc&page=2#x",
            "https://a.example/pay?token=[Filtered]&page=2#x",
        ),
        ("https://jo:pw@a.example/x", "https://[Filtered]@a.example/x"),
        ("https://a.example/@jo/x", "https://a.example/@jo/x"),
        ("?mail=jo%40example.org&x=a%20b", "?mail=[email]&x=a%20b"),
        ("?next=%2Flogin%3Fpassword%3Dx1%26y%3D2", "?next=/login%3Fpassword%3D[Filtered]%26y%3D2"),
        ("pass%77ord=x1&y=2", "pass%77ord=[Filtered]&y=2"),
        ("pass%77ord=[Filtered]", "pass%77ord=[Filtered]"),
        ("a%41=b%42", "a%41=b%42"),
        ("?code=12345678", "?code=[Filtered]"),
        ("error code=12345678", "error code=12345678"),
        ("password: x1, user: jo", "password: [Filtered], user: jo"),
        ('password="a b" left', 'password="[Filtered]" left'),
        ("password='a b", "password='[Filtered]"),
        ('{\\"token\\":\\"a b', '{\\"token\\":\\"[Filtered]'),
        ('{\\"token\\":\\"a b\\",\\"x\\":1}', '{\\"token\\":\\"[Filtered]\\",\\"x\\":1}'),
        ('cut "pin":12,"x":1', 'cut "pin":[Filtered],"x":1'),
        ("pin: 12", "pin: 12"),
        ("tokens: [a, [b]] left", "tokens: [Filtered] left"),
        ("tokens: {a", "tokens: [Filtered]"),
        ("tokens: []", "tokens: []"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: [Filtered]\nHost: x"),
        ("Authorization: Digest a=b, c=d\nx", "Authorization: [Filtered]\nx"),
        ("Authorization: Bearer abc def", "Authorization: [Filtered] def"),
        ("password=api key=x1", "password=[Filtered] key=[Filtered]"),
        ("jo@auth: x1", "jo@auth: x1"),
        ("access_token value: x1y2", "access_token value: x1y2"),
        ("token_value_2: x1y2", "token_value_2: [Filtered]"),
        (
            "<pin>  </pin><token>[Filtered]</token><a>x</a>",
            "<pin>  </pin><token>[Filtered]</token><a>x</a>",
        ),
        ("<a><b>x</b><pin>12</pin></a>", "<a><b>x</b><pin>[Filtered]</pin></a>"),
        ("Unexpected <token>", "Unexpected <token>"),
        ('<pin>1 name="pin"\r\n\r\nx1', '<pin>1 name="pin"\r\n\r\n[Filtered]'),
        ('name="page"\r\n\r\n12; pin=x1', 'name="page"\r\n\r\n12; pin=[Filtered]'),
        ("run --password x1 --token t1 -v", "run --password [Filtered] --token [Filtered] -v"),
        ("use --token to sign in, -author x1", "use --token to sign in, -author x1"),
        ("password = %s, token=$1, pwd=***", "password = %s, token=$1, pwd=***"),
        ("password = $1a", "password = [Filtered]"),
        ("Unexpected token: x1, token: x1", "Unexpected token: x1, token: [Filtered]"),
        ("token=Unexpected token: x1", "token=[Filtered] token: [Filtered]"),
        ("auth: state changed, auth: Bearer abc", "auth: state changed, auth: [Filtered]"),
        (
            'name="pin"\r\nContent-Type: text/plain\r\n\r\nx1\r\n--b',
            'name="pin"\r\nContent-Type: text/plain\r\n\r\n[Filtered]\r\n--b',
        ),
        ("4111.1111.1111.1111 10.0.0.1", "[Filtered] 10.0.0.1"),
        ("4111 / 1111 / 1111 / 1111", "[Filtered]"),
        ("649826436498_2643", "[Filtered]"),
        ("1.2.3.4 1.2.3.4 1.2.3.4 1.2.3.4", "1.2.3.4 1.2.3.4 1.2.3.4 1.2.3.4"),
        ("0.4111111111111111 0.4111111111111111", "0.4111111111111111 0.4111111111111111"),
        ("4111111111111111.5 s", "4111111111111111.5 s"),
        ("411.1111111111111", "411.1111111111111"),
        ("1.4111 1111 1111 1111", "1.[Filtered]"),
        ("4 9 2 8 1 7 3 5 2 4 6 6 1", "4 9 2 8 1 7 3 5 2 4 6 6 1"),
        ("4111 1111 1111 1111, 5500 0000 0000 0004", "[Filtered], [Filtered]"),
        ("a%40b.co&" * 70 + "ok", "[email]&" * 70 + "ok"),
        ("a%41&" * 70 + "x%3Fpassword%3Dx1", "a%41&" * 70 + "x%3Fpassword%3D[Filtered]"),
        ("/Users/jo/Users/mo/x", "/Users/[user]/Users/[user]/x"),
        ("bearer certificates everywhere", "bearer certificates everywhere"),
        ("bearer abcdefghijklmnopqrstuvwxyz", "bearer [Filtered]"),
        ("Bearer authentication failed", "Bearer authentication failed"),
        ("Basic abcdefghi is no login", "Basic abcdefghi is no login"),
        ("secret-1", "[Filtered]"),
        ("password123", "[Filtered]"),
        ("secret-1 and more", "secret-1 and more"),
        (
            "a -----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY----- b",
            "a -----BEGIN RSA PRIVATE KEY-----\n[Filtered]\n-----END RSA PRIVATE KEY----- b",
        ),
        ("/home/joanna", "/home/joanna"),
        ("file:///home/joanna/x", "file:///home/[user]/x"),
        ("/home/[user]/x", "/home/[user]/x"),
    ],
)
def test_the_rest_of_a_text_is_readable(text: str, left: str):
    """Names, hosts and paths stay, only values go, and a second time changes nothing."""
    assert clean(text) == left
    assert clean(left) == left


def test_a_long_value_goes_whole():
    """Values longer than the window are followed to their end."""
    value = "x" * 5_000
    assert clean(f"password={value} left") == "password=[Filtered] left"
    assert clean(f'password="{value}" left') == 'password="[Filtered]" left'


def test_names_of_users_keep_their_address():
    """An e-mail address of the user stays; so does any other if the project allows it."""
    assert clean("jo@example.org", TextKind.NAME) == "jo@example.org"
    assert clean("jo@example.org", TextKind.NAME, user_email=True) == "[email]"
    assert clean("jo@example.org", emails_in_text=False) == "jo@example.org"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("from 10.1.2.3:8080 ok", "from [ip]:8080 ok"),
        ("from 2001:db8::1.", "from [ip]."),
        ("from ::1 ok", "from [ip] ok"),
        ("at 21:20:12 in a::b::c", "at 21:20:12 in a::b::c"),
        ("10.1.2.3.4 and 300.1.2.3", "10.1.2.3.4 and 300.1.2.3"),
        ("v10.1.2.3", "v10.1.2.3"),
        ("std::vector :: x", "std::vector :: x"),
        ("1:" * 40, "1:" * 40),
    ],
)
def test_addresses_go_if_asked(text: str, left: str):
    """IPv4 and IPv6 addresses go, with or without a port; times, versions and scopes stay."""
    assert clean(text, scrub_ip=True) == left
    assert clean(text) == text


def test_numbers_of_phones_go_if_asked():
    """IMEIs and telephone numbers are options."""
    text = "imei 490154203237518 or 490154203237519, call +49 171 1234567"
    assert clean(text) == text
    assert clean(text, imeis=True, phones=True) == "imei [imei] or 490154203237519, call [phone]"


def test_macs_may_stay():
    """The rule for network addresses can be turned off."""
    assert clean("a4:5e:60:c1:22:0f", macs=False) == "a4:5e:60:c1:22:0f"


@pytest.mark.parametrize(
    ("name", "kind", "at_end"),
    [
        ("password", NameVerdict.SECRET, True),
        ("passWd", NameVerdict.SECRET, True),
        ("userPassword", NameVerdict.SECRET, True),
        ("X-Api-Key", NameVerdict.SECRET, True),
        ("seed phrase", NameVerdict.SECRET, True),
        ("social_security_number", NameVerdict.SECRET, True),
        ("TokenRefresher", NameVerdict.SECRET, False),
        ("auth-state", NameVerdict.SECRET, False),
        ("Set-Cookie", NameVerdict.COOKIE, True),
        ("max_tokens", NameVerdict.COUNT, True),
        ("author_name", NameVerdict.PLAIN, False),
        ("authority", NameVerdict.PLAIN, False),
        ("map-pin", NameVerdict.PLAIN, False),
        ("user_pin", NameVerdict.SECRET, True),
        ("", NameVerdict.PLAIN, False),
        ("token" * 60, NameVerdict.SECRET, True),
    ],
)
def test_names_are_judged_by_their_words(name: str, kind: NameVerdict, at_end: bool):
    """camelCase, dashes and capitals do not matter; `author` is not `auth`."""
    judge = NameJudge(DEFAULT_RULES)
    assert judge.judge_name(name) is kind
    assert judge.judge_name(name) is kind
    assert judge.ends_in_secret_word(name) is at_end


def test_the_cache_of_a_judge_is_bounded():
    """Hostile names do not fill the memory."""
    judge = NameJudge(ScrubRules(sensitive_keys=frozenset({"shoe"})))
    for number in range(5_000):
        judge.judge_name(f"k{number}")
    judge.judge_name("k" * 129)
    assert len(judge._verdicts) <= 4_096
    assert "k" * 129 not in judge._verdicts
    assert judge.ends_in_secret_word("shoe of k1")
    assert not judge.ends_in_secret_word("k1")


def test_the_cache_of_a_scrubber_is_bounded():
    """Texts that are all different do not fill the memory, and long ones are not cached."""
    text_scrubber = get_scrubber(ScrubRules(phones=True, imeis=True))
    for number in range(16_385):
        text_scrubber.remember_clean(f"text {number}", TextKind.FREE)
    text_scrubber.remember_clean("x" * 129, TextKind.FREE)
    assert text_scrubber.is_known_clean("text 16384", TextKind.FREE)
    assert not text_scrubber.is_known_clean("text 0", TextKind.FREE)
    assert not text_scrubber.is_known_clean("x" * 129, TextKind.FREE)


def test_a_pattern_that_matches_the_empty_text_is_refused():
    """A pattern that matches the empty text is refused, since it would match for ever."""
    with pytest.raises(ValueError, match="empty text"):
        patterns.compile_text("a*")


def test_names_that_matter_only_in_their_place():
    """`session` is a secret as a cookie, `code` as a parameter."""
    assert is_cookie_secret("session")
    assert not is_cookie_secret("theme")
    assert is_query_secret("sessionId")
    assert not is_query_secret("page")


def test_luhn_and_iban_check_digits():
    """Right numbers pass, and wrong ones do not."""
    assert check_digits.has_luhn_digit("4111111111111111")
    assert not check_digits.has_luhn_digit("4111111111111112")
    assert check_digits.is_iban("gb82west12345698765432", grouped=True)
    assert not check_digits.is_iban("gb82west12345698765433", grouped=True)
    assert check_digits.is_iban("gb82west12345698765433", grouped=False)
    assert not check_digits.is_iban("gb82", grouped=False)


def test_without_redactions_nothing_is_copied():
    """The same text is returned."""
    text = "abc"
    assert redactions.apply_redactions(text, ()) == ("abc", 0)
    assert redactions.apply_redactions(text, [(1, 2, "[x]")]) == ("a[x]c", 1)
