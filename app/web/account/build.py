"""Builds the page of a person's own account."""

from collections.abc import Sequence

from app.accounts import passwords
from app.accounts.model import SignIn
from app.accounts.sign_ins import MOST_LISTED
from app.web.account.browsers import name_browser
from app.web.account.page import AccountPage, SignInRow
from app.web.frame.access import Visitor
from app.web.urls import account_urls


def build_account_page(
    visitor: Visitor, sign_ins: Sequence[SignIn], *, problem: str | None = None
) -> AccountPage:
    """Build the page of an account; `problem` says what to correct in a form."""
    person = visitor.person
    return AccountPage(
        name=person.name,
        email=person.email,
        min_characters=passwords.SHORTEST_CHARS,
        has_password=person.has_password,
        name_href=account_urls.CHANGE_NAME,
        password_href=account_urls.SET_PASSWORD,
        sign_ins=tuple(_build_row(sign_in, visitor) for sign_in in sign_ins),
        is_list_full=len(sign_ins) >= MOST_LISTED,
        problem=problem,
    )


def _build_row(sign_in: SignIn, visitor: Visitor) -> SignInRow:
    return SignInRow(
        started_at=sign_in.created_at,
        seen_at=sign_in.last_seen_at,
        browser=name_browser(sign_in.user_agent),
        is_this=sign_in.handle == visitor.sign_in.handle,
        end_href=account_urls.end_sign_in(sign_in.handle),
    )
