"""`GET /api/0/`: which rights a token has; `sentry-cli info` shows them."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from app.api_tokens.model import Scope
from app.rest import access, answers

router = APIRouter()

_API_VERSION: Final = "0"
_SENTRY_NAMES: Final = {Scope.UPLOAD: "org:ci"}
"""Sentry's names for the scopes that have another name here."""


@router.get("/")
async def show_token(caller: access.AnyCaller) -> Response:
    """Tell the scopes of the token."""
    names = sorted(_SENTRY_NAMES.get(scope, str(scope)) for scope in caller.scopes)
    # `user` would need an id and an address: a token is not a person.
    return answers.write_json({"version": _API_VERSION, "auth": {"scopes": names}, "user": None})
