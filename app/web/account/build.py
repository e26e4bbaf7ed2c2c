"""Builds the page of a person's own account."""

from collections.abc import Sequence

from app.accounts import passwords
from app.accounts.model import SignIn
from app.accounts.sign_ins import MOST_LISTED
from app.administration.people.sign_in_provider import SignInProvider, may_use_password
from app.web.account.page import AccountPage
from app.web.frame.access import Visitor
from app.web.urls import account_urls
from app.web.words.people.sign_in_rows import sign_in_rows


def build_account_page(
    visitor: Visitor,
    sign_ins: Sequence[SignIn],
    *,
    problem: str | None = None,
    provider: SignInProvider | None = None,
) -> AccountPage:
    """Build the page of an account.

    Args:
        visitor: The person.
        sign_ins: Where they are signed in.
        problem: The mistake to correct in a form, if any.
        provider: The sign-in provider that is set up beside passwords, if any.
    """
    has_no_password = provider is not None and not may_use_password(visitor.person, provider)
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
        provider_label=provider.label if provider and has_no_password else None,
        is_list_full=len(sign_ins) >= MOST_LISTED,
        problem=problem,
    )
