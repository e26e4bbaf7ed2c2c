"""The cookies that hold what a browser must bring back from the sign-in provider.

There is one for each sign-in that has been begun, so that several tabs can sign in at once. A
callback is believed only in the browser that has the cookie of its `state`: nobody can sign
somebody else's browser in with a code of their own.

Source: RFC 6749, section 10.12; RFC 9700, section 4.7.
"""

import base64
import json
import secrets
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.openid.model import PendingSignIn
from app.web.frame.services import PageServices, services_of

GOOD_FOR_S: Final = 600
"""The time that a person has for signing in at the provider."""
BACK_CHARS: Final = 1_500
_NAME_CHARS: Final = 8
_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class PendingVisit:
    """A sign-in that has been begun, and the path of this server to go to afterwards."""

    sign_in: PendingSignIn
    back: str


def set_pending_cookie(response: Response, services: PageServices, visit: PendingVisit) -> None:
    """Let the browser keep what it must bring back."""
    pending = visit.sign_in
    parts = [pending.state, pending.nonce, pending.verifier, visit.back[:BACK_CHARS]]
    response.set_cookie(
        _cookie_name(services, pending.state),
        base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("="),
        max_age=GOOD_FOR_S,
        path="/",
        secure=services.is_https,
        httponly=True,
        samesite="lax",
    )


def read_pending_cookie(request: Request, state: str) -> PendingVisit | None:
    """Return the sign-in that a callback belongs to; None if this browser has not begun it."""
    value = request.cookies.get(_cookie_name(services_of(request), state), "")
    try:
        parts = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except ValueError:
        return None
    is_whole = isinstance(parts, list) and len(parts) == _PARTS
    if not is_whole or not all(isinstance(part, str) for part in parts):
        return None
    kept_state, nonce, verifier, back = parts
    if not secrets.compare_digest(kept_state.encode(), state.encode()):
        return None
    return PendingVisit(PendingSignIn(kept_state, nonce, verifier), back)


def delete_pending_cookie(response: Response, services: PageServices, state: str) -> None:
    """Delete the cookie: a callback is believed once."""
    response.delete_cookie(
        _cookie_name(services, state),
        path="/",
        secure=services.is_https,
        httponly=True,
        samesite="lax",
    )


def _cookie_name(services: PageServices, state: str) -> str:
    """Return the name of the cookie of a sign-in; the letters of its state are those of a token."""
    prefix = "__Host-playhead" if services.is_https else "playhead"
    letters = "".join(
        letter for letter in state[:_NAME_CHARS] if letter.isalnum() or letter in "-_"
    )
    return f"{prefix}-openid-{letters if letters.isascii() else ''}"
