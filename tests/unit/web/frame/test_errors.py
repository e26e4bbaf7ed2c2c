"""Tests of the pages about errors, and of the guard in front of them."""

import httpx2
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from app.core.errors import (
    DatabaseUnavailable,
    DatabaseUnusable,
    InvalidInput,
    NotFound,
    OversizedForm,
    PartitionMissing,
    PermissionDenied,
    ProviderUnavailable,
    ReplayError,
    ServiceUnavailable,
    SignInFailed,
    SignInRequired,
    TooManyAttempts,
)
from app.storage.port import StorageRefused
from app.web.frame import errors, forms
from app.web.frame.middleware.guard import Guard
from app.web.frame.rendering.renderer import Renderer
from app.web.urls import account_urls


class BareServices:
    """The services of an application that has nothing but a renderer."""

    renderer = Renderer()


def failing(error: Exception | None = None) -> FastAPI:
    """Make an application whose only page fails."""
    app = FastAPI()
    app.state.page_services = BareServices()
    errors.install(app)

    @app.api_route("/page", methods=["GET", "POST"])
    async def page() -> PlainTextResponse:
        if error is not None:
            raise error
        return PlainTextResponse("fine")

    return app


async def ask(
    app: object, method: str = "GET", *, path: str = "/page", **headers: str
) -> httpx2.Response:
    """Ask for the page through the guard, by https."""
    guarded = Guard(app, base_url="https://replays.example")  # type: ignore[arg-type]  # ASGI
    transport = httpx2.ASGITransport(guarded, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://inner:8000") as client:
        return await client.request(method, path, headers=headers)


async def test_a_mistake_is_told_by_its_number_only():
    """The details are in the log; the answer has its security headers all the same."""
    answer = await ask(failing(RuntimeError("secret detail")), accept="text/html")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "log has the details under" in answer.text
    assert answer.headers["content-security-policy"]
    plain = await ask(failing(RuntimeError("secret detail")))
    assert plain.headers["content-type"].startswith("text/plain")


async def test_a_database_that_is_away_is_named():
    """The page says what does not answer and that nothing is lost; only the log has the reason."""
    answer = await ask(failing(DatabaseUnavailable("host=secret refused")), accept="text/html")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert "Nothing is lost" in answer.text
    assert "secret" not in answer.text
    assert 'href="/page">Try again' in answer.text
    assert answer.headers["x-waits-for"] == "database"


async def test_a_page_that_waits_for_the_database_loads_itself_again():
    """A script does it while the tab is seen; without scripts the browser does."""
    answer = await ask(failing(DatabaseUnavailable("away")), accept="text/html")
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in answer.text
    assert 'data-reload="5"' in answer.text
    posted = await ask(failing(DatabaseUnavailable("away")), "POST", accept="text/html")
    assert "refresh" not in posted.text
    assert "data-reload" not in posted.text


async def test_a_database_that_must_be_mended_is_named():
    """The page says that waiting does not help; only the log has what is missing."""
    answer = await ask(failing(DatabaseUnusable("no table secrets")), accept="text/html")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "The database is not set up correctly" in answer.text
    assert "secrets" not in answer.text


@pytest.mark.parametrize(
    ("error", "waits_for"),
    [
        (StorageRefused("the bucket is gone"), "storage"),
        (PartitionMissing("dropped"), "database"),
        (ServiceUnavailable("a child does not start"), None),
        (ProviderUnavailable("away"), None),
    ],
)
async def test_what_is_down_is_waited_for(error: ServiceUnavailable, waits_for: str | None):
    """The answer is 503, says when to try again, and names only what is known to be down."""
    answer = await ask(failing(error), accept="text/html")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers.get("x-waits-for") == waits_for


async def test_a_sign_in_is_not_sent_again_with_its_used_code():
    """The way on begins a new one."""
    app = failing(DatabaseUnavailable("away"))
    app.add_api_route(account_urls.PROVIDER_CALLBACK, app.routes[-1].endpoint)  # type: ignore[attr-defined]  # the page
    answer = await ask(app, path=f"{account_urls.PROVIDER_CALLBACK}?code=used", accept="text/html")
    assert answer.status_code == 503
    assert "Try again" not in answer.text
    assert "data-reload" not in answer.text
    assert f'href="{account_urls.SIGN_IN}">Sign in again' in answer.text


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (InvalidInput("a"), 400),
        (OversizedForm("a"), 413),
        (SignInFailed("a"), 401),
        (SignInRequired("a"), 401),
        (PermissionDenied("a"), 403),
        (NotFound("a"), 404),
    ],
)
async def test_every_refusal_of_a_person_has_its_status(refusal: ReplayError, status: int):
    """The statuses are those that the tree of errors draws."""
    assert (await ask(failing(refusal))).status_code == status


async def test_a_refusal_says_why():
    """The answer has the status of the refusal."""
    answer = await ask(failing(TooManyAttempts("too many", wait_s=5)))
    assert (answer.status_code, answer.text) == (429, "Too many requests. Too many.\n")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://replays.example", 200),
        ("https://inner:8000", 200),
        ("https://inner:8001", 403),
        ("https://[broken", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_a_form_comes_from_the_public_address_or_the_host(origin: str, status: int):
    """Behind a proxy, host and origin differ."""
    answer = await ask(failing(), "POST", origin=origin)
    assert answer.status_code == status
    assert answer.headers["strict-transport-security"]


def came(referer: str) -> str:
    """Return where the back link of a replay page leads."""
    headers = [(b"referer", referer.encode()), (b"host", b"a.example")]
    return forms.read_list_referer(Request({"type": "http", "headers": headers}))


def test_the_way_back_keeps_the_filters():
    """The link leads to the list with its filters only if the visitor comes from there."""
    assert came("http://a.example/replays?project=3") == "/replays?project=3"
    assert came("http://a.example/replays") == "/replays"
    assert came("http://b.example/replays?project=3") == "/replays"
    assert came("http://a.example/projects") == "/replays"
    assert came("http://[broken") == "/replays"
