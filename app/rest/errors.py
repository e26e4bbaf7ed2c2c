"""Turns every error of the REST API into an answer with a `detail` for the person who reads it."""

import secrets
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.core import log
from app.core.errors import (
    ActionRefused,
    ApiTokenRefused,
    BusyService,
    DatabaseUnusable,
    NotFound,
    RequestRefused,
    ServiceUnavailable,
)
from app.rest import answers

_logger: Final = log.get_logger("rest.errors")

_UNKNOWN_ADDRESS: Final = (
    "Playhead does not have this part of Sentry's API. It has what sentry-cli needs for releases, "
    "debug files and source maps."
)
_RETRY_S: Final = 5


def install(app: FastAPI) -> None:
    """Add the error handlers to the application of the REST API."""
    app.add_exception_handler(NotFound, _answer_not_found)
    app.add_exception_handler(ActionRefused, _answer_refusal)
    app.add_exception_handler(RequestRefused, _answer_refusal)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(ServiceUnavailable, _answer_unavailable)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(ClientDisconnect, _answer_disconnected)
    app.add_exception_handler(Exception, _answer_failure)


async def _answer_not_found(_request: Request, error: Exception) -> Response:
    return answers.write_detail(_sentence(str(error)), status=404)


async def _answer_refusal(_request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, ActionRefused | RequestRefused) else 400
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, ApiTokenRefused) else None
    return answers.write_detail(_sentence(str(error)), status=status, headers=headers)


async def _answer_invalid(_request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    names = ", ".join(log.shown(str(fault["loc"][-1])) for fault in faults[:5] if fault["loc"])
    return answers.write_detail(f"The request has values that cannot be read: {names}.", status=400)


async def _answer_unavailable(request: Request, error: Exception) -> Response:
    """Answer what fails for now; sentry-cli tries again after 503."""
    if isinstance(error, BusyService):
        return _write_unavailable(_sentence(str(error)), wait_s=error.wait_s)
    if isinstance(error, DatabaseUnusable):
        _logger.error("database_unusable", path=request.url.path, exc_info=error)
    else:
        _logger.warning("service_unavailable", path=request.url.path, error=str(error))
    return _write_unavailable("A part of the server does not answer. Try again.", wait_s=_RETRY_S)


def _write_unavailable(detail: str, *, wait_s: int) -> Response:
    return answers.write_detail(detail, status=503, headers={"Retry-After": str(wait_s)})


async def _answer_http_exception(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == HTTPStatus.NOT_FOUND:
        return answers.write_detail(_UNKNOWN_ADDRESS, status=404)
    headers = error.headers if isinstance(error, HTTPException) else None
    detail = f"{HTTPStatus(status).phrase.capitalize()} at this address."
    return answers.write_detail(detail, status=status, headers=headers)


async def _answer_disconnected(_request: Request, _error: Exception) -> Response:
    """Answer a request whose sender left before its end; nobody reads the answer."""
    return Response(status_code=400)


async def _answer_failure(request: Request, error: Exception) -> Response:
    error_id = secrets.token_hex(4)
    _logger.error("request_failed", error_id=error_id, path=request.url.path, exc_info=error)
    detail = f"This is a mistake in Playhead, not yours; its log has more under {error_id}."
    return answers.write_detail(detail, status=500)


def _sentence(text: str) -> str:
    """Write a message as a sentence: with a capital and a full stop."""
    sentence = text[:1].upper() + text[1:]
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
