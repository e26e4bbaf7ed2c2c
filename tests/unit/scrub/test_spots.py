"""Tests of each place where SDKs send text: secrets are removed, and the rest stays.

`spots.jsonl` holds payloads with what must go and what must stay; `innocent.jsonl` some in which
nothing may change.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from app.formats import json_members
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.quick import try_scrub_members
from app.scrub.rules import DEFAULT_RULES, FILTERED
from app.scrub.sensitive_names import NameJudge

HERE: Final = Path(__file__).parent


def rows(name: str) -> list[dict[str, Any]]:
    """Read a table: a JSON object in each line."""
    return [json.loads(line) for line in (HERE / name).read_text().splitlines()]


SECRET_NAMES: Final = (
    *("password", "passwd", "pass_word", "user_password", "PASSWORD", "passWORD", "pass.word"),
    *("password1", "pwd", "pwd2", "passphrase", "pass_phrase", "passcode", "passkey", "db_pass"),
    *("userpass", "smtpPass", "passwort", "contraseña", "senha", "motdepasse", "wachtwoord"),
    *("secret", "SECRET_KEY", "client_secret", "clientsecret", "webhookSecret", "hmac_secret"),
    *("api_key", "apikey", "apiKey", "API-KEY", "XApiKey", "api key", "Ocp-Apim-Subscription-Key"),
    *(
        "auth",
        "Authorization",
        "authHeader",
        "basicAuth",
        "oauth_token",
        "bearer",
        "jwt",
        "userJwt",
    ),
    *("credentials", "credential", "mysql_pwd", "privatekey", "private_key", "privKey", "token"),
    *(
        "access_token",
        "accessTOKEN",
        "refreshToken",
        "id_token",
        "fcm_token",
        "pushToken",
        "token2",
    ),
    *("csrf", "_csrf", "csrfmiddlewaretoken", "XSRF-TOKEN", "otp", "otp_code", "OTPCode", "totp"),
    *("two-factor", "two_factor", "mfaCode", "recoveryCodes", "backup_codes", "security_answer"),
    *("ssn", "userSSN", "socialSecurityNumber", "iban", "accountIban", "cvv", "cardCVV", "cvc"),
    *(
        "card_number",
        "cardNo",
        "ccNumber",
        "creditCardNumber",
        "pin",
        "userPIN",
        "atmPin",
        "pinCode",
    ),
    *("encryption_key", "secretAccessKey", "aws_access_key_id", "accountKey", "service_key"),
    *("seedPhrase", "mnemonic", "sentrysid", "PHPSESSID", "sessionid", "Set-Cookie", "cookie"),
    *("user[password]", "spring.datasource.password", "'password'", "$password", "x-password"),
)
INNOCENT_NAMES: Final = (
    *("author", "authors", "authority", "authorities", "authorName", "coauthor", "authenticated"),
    *("isAuthenticated", "tokenizer", "tokenize", "jsonTokenizer", "tokenization", "secretary"),
    *("keyboard", "appKeyboard", "appKeyword", "keychainItem", "key", "keyCode", "primaryKey"),
    *("monkey", "compass", "bypass", "passenger", "passed", "pass", "boarding_pass", "passport"),
    *("pinned", "pinch", "spinner", "shipping", "map_pin", "opinion", "hotplug", "session"),
    *("session_id", "sid", "session_count", "cardinality", "card_type", "cookie_consent", "hash"),
    *("signature", "nonce", "code", "state", "uuid", "etag", "version", "screen", "view.id"),
)


def texts(value: Any) -> str:
    """Return a value as JSON that can be searched for a text."""
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("spot", rows("spots.jsonl"), ids=lambda spot: texts(spot["value"])[:60])
def test_secrets_go_from_what_sdks_send(spot: dict[str, Any]):
    """Secrets are removed from maps, pairs, flat lists and nested text of every SDK."""
    left = texts(walk.scrub_json(spot["value"], kind=PayloadKind(spot["kind"])).value)
    assert [secret for secret in spot["secrets"] if secret in left] == []
    assert [text for text in spot["kept"] if text not in left] == []


@pytest.mark.parametrize("spot", rows("innocent.jsonl"), ids=lambda spot: texts(spot)[:60])
def test_other_data_stays(spot: dict[str, Any]):
    """Ids, times, versions, names of screens, placeholders and messages about secrets do."""
    out = walk.scrub_json(spot["value"], kind=PayloadKind(spot["kind"]))
    assert out.remarks == ()
    assert out.value is spot["value"]


@pytest.mark.parametrize("spot", rows("spots.jsonl"), ids=lambda spot: texts(spot["value"])[:60])
def test_secrets_go_from_undecoded_objects(spot: dict[str, Any]):
    """The quick scrubber removes what the walk removes."""
    if not isinstance(spot["value"], dict):
        return
    split = json_members.split_members(texts(spot["value"]).encode())
    assert split is not None
    out = try_scrub_members(split, kind=PayloadKind(spot["kind"]))
    assert out is not None
    walked = walk.scrub_json(spot["value"], kind=PayloadKind(spot["kind"])).value
    assert {name: json.loads(text) for name, text in out.items()} == walked


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_values_of_secret_names_go(name: str):
    """The value of a secret name is removed under a key, in a header and in text."""
    event = {"extra": {name: "V4lu3zz"}, "request": {"headers": [[name, "V4lu3zz"]]}}
    assert "V4lu3zz" not in texts(walk.scrub_json(event, kind=PayloadKind.EVENT).value)


@pytest.mark.parametrize("name", INNOCENT_NAMES)
def test_values_of_other_names_stay(name: str):
    """A word of the name may look secret; `session` is secret among cookies only."""
    event = {"extra": {name: "some text", "note": f"{name}: some text, {name}=some"}}
    assert walk.scrub_json(event, kind=PayloadKind.EVENT).value is event


def test_names_of_arguments_have_no_blanks():
    """The second argument of a log goes if the first is a secret name, not if it is a sentence."""
    event = {"extra": {"a": ["token", "x1"], "b": ["token refreshed", {"user": 1}]}}
    assert walk.scrub_json(event, kind=PayloadKind.EVENT).value == {
        "extra": {"a": ["token", FILTERED], "b": ["token refreshed", {"user": 1}]}
    }


def test_every_secret_name_has_a_word_that_is_looked_for():
    """A name of one word without such a part would be missed in text."""
    judge = NameJudge(DEFAULT_RULES)
    for name in SECRET_NAMES:
        text = f"x=1 {name}=V4lu3zz y=2"
        assert judge.is_secret(name)
        assert "V4lu3zz" not in texts(
            walk.scrub_json({"message": text}, kind=PayloadKind.EVENT).value
        )
