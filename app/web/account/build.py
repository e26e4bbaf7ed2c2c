"""Builds the page of a person's own account."""

from collections.abc import Sequence

from app.accounts import passwords
from app.accounts.model import SignIn
from app.accounts.sign_ins import MOST_LISTED
from app.web.account.page import AccountPage
from app.web.frame.access import Visitor
from app.web.urls import account_urls
from app.web.words.sign_in_rows import sign_in_rows


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
        sign_ins=sign_in_rows(
            sign_ins, this_handle=visitor.sign_in.handle, end_href=account_urls.end_sign_in
        ),
        is_list_full=len(sign_ins) >= MOST_LISTED,
        problem=problem,
    )
