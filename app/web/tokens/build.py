"""Turns the API tokens of a project into the values of their pages."""

from datetime import datetime, timedelta
from typing import Final

from app.administration.api_tokens.change_tokens import ListedToken, MadeToken
from app.api_tokens.model import SCOPE_GROUPS, ApiToken, Scope, shorten_scopes
from app.api_tokens.secret import ORGANISATION
from app.core import clock
from app.memberships.model import ProjectAccess
from app.web.tokens.page import NewTokenPage, TokenCard, TokenForm, TokensPage
from app.web.urls import project_urls
from app.web.words import build_tools

_IN_USE: Final = timedelta(days=30)
_MAY_DO: Final = {
    SCOPE_GROUPS["upload"]: "upload",
    SCOPE_GROUPS["read"]: "read",
    SCOPE_GROUPS["upload"] | SCOPE_GROUPS["read"]: "upload and read",
}


def build_tokens_page(
    access: ProjectAccess,
    listed: list[ListedToken],
    form: TokenForm,
    *,
    problem: str | None = None,
) -> TokensPage:
    """Build the page of a project's tokens.

    Args:
        access: The project.
        listed: Its tokens, in the order in which they are shown.
        form: The form for a new one.
        problem: The mistake to correct in it, if any.
    """
    now = clock.now()
    cards = [_build_card(access, token, now=now) for token in listed]
    return TokensPage(
        project_id=access.project.id,
        name=access.project.name,
        tokens=tuple(card for card in cards if card.state == "on"),
        ended=tuple(card for card in cards if card.state != "on"),
        form=form,
        problem=problem,
    )


def build_new_token_page(access: ProjectAccess, made: MadeToken, address: str) -> NewTokenPage:
    """Build the page that shows a new token.

    Args:
        access: The project.
        made: The token with its secret.
        address: The address that it names.
    """
    token = made.token
    return NewTokenPage(
        project_id=access.project.id,
        name=access.project.name,
        token_name=token.name,
        secret=made.secret,
        environment=build_tools.write_environment(
            token=made.secret, project=access.project.slug, address=address, org=ORGANISATION
        ),
        address=address,
        may_do=_say_what_it_may(token.scopes),
        is_wide=token.project_id is None,
        expires_at=token.expires_at,
    )


def _build_card(access: ProjectAccess, listed: ListedToken, *, now: datetime) -> TokenCard:
    token = listed.token
    is_live = token.is_live(now)
    return TokenCard(
        name=token.name,
        ending=token.ending,
        state="on" if is_live else "revoked" if token.revoked_at else "expired",
        may_do=_say_what_it_may(token.scopes),
        is_wide=token.project_id is None,
        maker=_name_maker(listed),
        made_at=token.made_at,
        expires_at=token.expires_at,
        ended_at=token.revoked_at or (None if is_live else token.expires_at),
        last_used_at=token.last_used_at,
        last_address=token.last_address,
        is_in_use=_is_in_use(token, now),
        revoke_href=project_urls.revoke_token(access.project.id, token.id)
        if is_live and listed.may_revoke
        else None,
    )


def _is_in_use(token: ApiToken, now: datetime) -> bool:
    return token.last_used_at is not None and now - token.last_used_at < _IN_USE


def _name_maker(listed: ListedToken) -> str:
    if listed.maker is not None:
        return listed.maker.name
    return "the command line" if listed.token.made_by is None else "somebody who has left"


def _say_what_it_may(scopes: frozenset[Scope]) -> str:
    return _MAY_DO.get(scopes) or shorten_scopes(scopes)
