"""Turns every error of a page into an answer: what happened, and what to do."""

import secrets
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from app.administration.people.provider_check import CheckNeeded, SignInEnded
from app.core import log
from app.core.errors import (
    ActionRefused,
    DatabaseUnavailable,
    DatabaseUnusable,
    ExpiredData,
    MovedData,
    NotFound,
    ProviderUnavailable,
    RequestRefused,
    ServiceUnavailable,
    SignInRequired,
    StorageUnavailable,
    UnknownPlace,
)
from app.web.frame import access, answer
from app.web.frame.middleware import guard
from app.web.frame.rendering.state_pages import ErrorPage
from app.web.urls import account_urls
from app.web.urls.share_urls import SHARES
from app.web.words import phrases

_logger: Final = log.get_logger("web.errors")

_NOTHING_HERE: Final = ErrorPage(
    404,
    "There is nothing here",
    "The address is wrong, or what it named is gone, or it belongs to a project you are not a "
    "member of.",
)
_SERVICE_UNAVAILABLE: Final = ErrorPage(
    503,
    "A part of the server does not answer",
    "The storage or another part of the server is down or restarting. Nothing is lost: what apps "
    "send now is kept in the journal. Try again in a few seconds.",
)
_DATABASE_UNAVAILABLE: Final = ErrorPage(
    503,
    "The database does not answer",
    "It is down, restarting or being migrated. Nothing is lost: Playhead goes on taking what apps "
    "send and keeps it in its journal. These pages are back when the database is. If this lasts, "
    "look at the server's log: it names the reason.",
)
_DATABASE_UNUSABLE: Final = ErrorPage(
    503,
    "The database is not set up correctly",
    "It answers, but lacks a table, a right or a setting that Playhead needs. Nothing is lost: "
    "Playhead goes on taking what apps send and keeps it in its journal. The server's log and "
    "playhead doctor name what is missing; once that is repaired, everything goes on by itself.",
)
_PROVIDER_UNAVAILABLE: Final = ErrorPage(
    503,
    "The sign-in provider does not answer",
    "So nobody can tell whether you may still use this server. Try again in a minute. Whoever has "
    "a password of this server, as its local admins do, can sign out and in with that.",
)
_RETRY_S: Final = 5


def install(app: FastAPI) -> None:
    """Add the error handlers to an application."""
    app.add_exception_handler(SignInRequired, _ask_to_sign_in)
    app.add_exception_handler(NotFound, _answer_not_found)
    app.add_exception_handler(RequestValidationError, _answer_not_found)
    app.add_exception_handler(ActionRefused, _answer_refusal)
    app.add_exception_handler(UnknownPlace, _lead_to_first_page)
    app.add_exception_handler(RequestRefused, _answer_refusal)
    app.add_exception_handler(ServiceUnavailable, _answer_unavailable)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(ClientDisconnect, _answer_disconnected)
    app.add_exception_handler(Exception, _answer_failure)


def wants_html(request: Request) -> bool:
    """Tell whether a browser asks for a page, and not a script or a tool for data."""
    return "text/html" in request.headers.get("accept", "")


async def _answer_disconnected(_request: Request, _error: Exception) -> Response:
    """Answer a request whose sender left before its end; nobody reads the answer."""
    return Response(status_code=400)


async def _ask_to_sign_in(request: Request, error: Exception) -> Response:
    if not wants_html(request):
        return await _answer(request, ErrorPage(401, "Not signed in", phrases.sentence(str(error))))
    if request.method != "GET":
        return answer.redirect(account_urls.SIGN_IN)
    back = answer.write_path(request)
    if isinstance(error, CheckNeeded):
        return answer.redirect(account_urls.provider_sign_in(back=back))
    ended = error.ending if isinstance(error, SignInEnded) else ""
    return answer.redirect(account_urls.sign_in(back=back, ended=ended))


async def _answer_not_found(request: Request, error: Exception) -> Response:
    if isinstance(error, MovedData) and request.method in {"GET", "HEAD"}:
        return answer.redirect(answer.write_path(request).replace(error.old_id, error.new_id))
    page = _NOTHING_HERE
    if isinstance(error, ExpiredData):
        page = ErrorPage(error.status, error.title, phrases.sentence(str(error)))
    return await _answer(request, page)


async def _answer_refusal(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, ActionRefused | RequestRefused) else 400
    page = ErrorPage(status, _title(status), phrases.sentence(str(error)))
    return answer.add_retry_after(await _answer(request, page), error)


async def _lead_to_first_page(request: Request, error: Exception) -> Response:
    """Answer an address with a wrong place in a list; link to the list without that place."""
    text = error.text if isinstance(error, UnknownPlace) else ""
    kept = [(name, value) for name, value in request.query_params.multi_items() if value != text]
    page = ErrorPage(
        400,
        "This page of the list does not exist",
        "The address was cut off or changed, or it belongs to the list in another order.",
        back_href=f"{request.url.path}?{urlencode(kept)}" if kept else request.url.path,
        back_label="First page of the list",
    )
    return await _answer(request, page)


async def _answer_unavailable(request: Request, error: Exception) -> Response:
    page = _DATABASE_UNAVAILABLE if isinstance(error, DatabaseUnavailable) else _SERVICE_UNAVAILABLE
    if isinstance(error, ProviderUnavailable):
        page = replace(_PROVIDER_UNAVAILABLE, back_href=account_urls.SIGN_IN)
    if isinstance(error, DatabaseUnusable):
        page = _DATABASE_UNUSABLE
        # The fault may be in the statement and not in the database, so the log says where it is.
        _logger.error("database_unusable", path=_name_path(request), exc_info=error)
    else:
        _logger.warning("service_unavailable", path=_name_path(request), error=str(error))
    if request.url.path == account_urls.PROVIDER_CALLBACK:
        # Its code works once, and may have been used already.
        page = replace(page, back_href=account_urls.SIGN_IN, back_label="Sign in again")
    elif request.method == "GET":
        page = replace(page, retry_href=answer.write_path(request), reload_s=_RETRY_S)
    response = await _answer(request, page)
    response.headers["Retry-After"] = str(_RETRY_S)
    # The player reads it, which says what it waits for; without it, for the server.
    if isinstance(error, DatabaseUnavailable):
        response.headers["X-Waits-For"] = "database"
    elif isinstance(error, StorageUnavailable):
        response.headers["X-Waits-For"] = "storage"
    return response


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == HTTPStatus.NOT_FOUND:
        return await _answer(request, _NOTHING_HERE)
    page = ErrorPage(status, _title(status), "This address does not take requests of this kind.")
    response = await _answer(request, page)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


async def _answer_failure(request: Request, error: Exception) -> Response:
    error_id = secrets.token_hex(4)
    _logger.error("page_failed", error_id=error_id, path=_name_path(request), exc_info=error)
    page = ErrorPage(
        500,
        "Something went wrong in the server",
        "This is a mistake in Playhead, not yours. Trying again may help.",
        error_id,
    )
    response = await _answer(request, page)
    # This handler runs outside all middleware, so the guard does not see its answer.
    is_https = request.url.scheme == "https"
    guard.add_headers(response.headers, request.url.path, 500, is_https=is_https)
    return response


async def _answer(request: Request, page: ErrorPage) -> Response:
    if request.url.path.startswith(SHARES):
        page = replace(page, back_href="")  # strangers have no list of replays
    if wants_html(request):
        if page.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            await _find_visitor(request)
        return await answer.render_page(request, "state/error.html", page, status=page.status)
    error_id = f" ({page.error_id})" if page.error_id else ""
    return PlainTextResponse(f"{page.title}. {page.text}{error_id}\n", page.status)


async def _find_visitor(request: Request) -> None:
    """Find out who is signed in, at an address where no route has asked."""
    if access.known_visitor(request) is None:
        with suppress(ServiceUnavailable):
            await access.find_visitor(request)


def _title(status: int) -> str:
    return HTTPStatus(status).phrase.capitalize()


def _name_path(request: Request) -> str:
    """Return the path of a request for the log; one with a secret in it is named by its route."""
    if "token" in request.path_params:
        return str(getattr(request.scope.get("route"), "path", ""))
    return request.url.path
