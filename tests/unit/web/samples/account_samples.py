"""Values of the pages of signing in, and of a person's own account."""

from dataclasses import replace

from app.web.account import page as account
from tests.unit.web.samples.made_up import NOW
from tests.unit.web.samples.server_samples import SIGN_IN

_ACCOUNT = account.AccountPage(
    "Ana Silva", "ana@example.com", 12, has_password=True,
    name_href="/account/name", password_href="/account/password",
    sign_ins=(SIGN_IN, replace(SIGN_IN, is_this=False)),
    problem="The current one is wrong.",
)  # fmt: skip
OUTSIDE: dict[str, tuple[str, object]] = {
    "sign in": (
        "account/sign_in.html",
        account.SignInPage("a@b.example", "Wrong.", "/replays"),
    ),
    "link": ("account/link.html", account.LinkPage("/link/x", "a@b.example", NOW)),
    "set password": ("account/set_password.html", account.SetPasswordPage("a@b.example", 12)),
}
"""Samples for somebody who is not signed in."""
PAGES: dict[str, tuple[str, object]] = {
    "account": ("account/page.html", _ACCOUNT),
    "account, no password": (
        "account/page.html",
        replace(_ACCOUNT, has_password=False, problem=None),
    ),
}
