"""Signing in and out with a provider in Chromium: a mock that asks who signs in."""

from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages import axe
from tests.browser.pages.filled import FilledServer, run_server
from tests.support.servers.server import Server
from tests.support.servers.sign_in_providers import (
    MockProvider,
    provider_settings,
    running_mock,
)

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


async def _fill(server: Server) -> Mapping[str, str]:
    """Send nothing; return a page to come back to."""
    return {"project": f"/projects/{server.app.id}"}


@pytest.fixture(scope="module")
def mock() -> Iterator[MockProvider]:
    """A provider that knows Ada, in the group `mobile`."""
    with running_mock() as provider:
        yield provider


@pytest.fixture(scope="module")
def server(mock, postgres_url, template_database, tmp_path_factory) -> Iterator[FilledServer]:
    """A server at which the group `mobile` watches one project."""
    roles = {"mobile": {"app": "viewer"}}
    settings = provider_settings(mock.issuer, oidc_project_roles=roles)
    folder = tmp_path_factory.mktemp("provider")
    with run_server(postgres_url, template_database, folder, _fill, **settings) as started:
        yield started


@pytest.fixture
def window(browser: Browser) -> Iterator[Page]:
    """A page in a window of its own, on which a broken policy is a failure."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        broken: list[str] = []
        page.on(
            "console",
            lambda message: (
                broken.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        yield page
        assert broken == []


def sign_in(page: Page, subject: str) -> None:
    """Press the button by keyboard, and say at the provider who one is."""
    page.get_by_role("link", name="Sign in with Example").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Subject").fill(subject)
    page.keyboard.press("Enter")


def test_somebody_signs_in_and_out_by_keyboard(window, server, mock):
    """A page that was asked for comes after the sign-in; signing out ends both sessions."""
    mock.describe(groups=["mobile"])
    project = f"{server.base_url}{server.paths['project']}"
    window.goto(project)
    assert "/sign-in?back=" in window.url
    sign_in(window, "ada")
    window.wait_for_url(project)
    window.get_by_text("Ada Lovelace").first.click()
    window.get_by_role("button", name="Sign out").click()
    assert window.get_by_role("heading", name="You are signed out").is_visible()
    window.wait_for_url(f"{mock.issuer}/**")
    window.goto(project)
    assert "/sign-in?back=" in window.url, "the sign-in here is over"


def test_who_is_in_no_group_reads_why(window, server, mock):
    """The form says what is missing, and offers to try again."""
    mock.describe("eve", email="eve@example.com", groups=[])
    window.goto(f"{server.base_url}/sign-in")
    sign_in(window, "eve")
    alert = window.get_by_role("alert")
    assert "in none of the groups" in (alert.text_content() or "")
    assert window.get_by_role("link", name="Sign in with Example").is_visible()


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_form_with_a_provider_passes_axe(window, server, width):
    """Button and password form are well made, in both themes and at three widths."""
    window.set_viewport_size({"width": width, "height": 844})
    window.goto(f"{server.base_url}/sign-in")
    assert axe.find_violations(window) == []
    window.emulate_media(color_scheme="dark")
    assert axe.find_violations(window, "color-contrast") == []
    assert window.evaluate("document.documentElement.scrollWidth") <= width
