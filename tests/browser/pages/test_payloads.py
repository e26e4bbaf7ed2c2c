"""X1, X3: nothing that apps send runs in a browser, whichever field it is in and page it is on."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page

from app.core.ids import ReplayId
from tests.browser.pages.filled import PANELS, FilledServer, run_server
from tests.hostile.test_text import hostile_envelopes
from tests.support.builders import envelopes
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, TRACE_ID
from tests.support.hostile.payloads import MARK, PAYLOADS
from tests.support.servers.server import Server

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

FILE_TYPES: Final = (
    ("text/html", b"<script>window.__canary=1</script>"),
    ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='__canary=1'/>"),
    (
        "application/xhtml+xml",
        b"<html xmlns='http://www.w3.org/1999/xhtml'><script>1</script></html>",
    ),
    ("text/xml", b"<?xml-stylesheet href='data:text/xsl,x'?><a/>"),
    ("application/javascript", b"window.__canary=1"),
    ("text/css", b"@import '//evil.test/x.css';"),
    ("application/pdf", b"%PDF-1.4 /JS (app.alert(1))"),
    ("multipart/related", b"MIME-Version: 1.0\r\n\r\n<script>1</script>"),
    ("image/png", b"\x89PNG\r\n\x1a\n<script>window.__canary=1</script>"),
    ("application/x-shockwave-flash", b"CWS<script>1</script>"),
)
"""Ten types of files that a browser would open, or take for a page."""


async def _fill(server: Server) -> dict[str, str]:
    """Put each payload into every field of every kind of item, and name the pages to open."""
    for number, words in enumerate(PAYLOADS):
        bodies = list(hostile_envelopes(number, words))
        for body in bodies:
            await server.post(body)
    files = [
        envelopes.item("attachment", data, filename=f"{kind}.html", content_type=kind)
        for kind, data in FILE_TYPES
    ]
    await server.take(envelopes.event_envelope(more_items=files))
    project = f"/projects/{server.app.id}"
    await server.web.post(f"{project}/settings/name", data={"name": PAYLOADS[0]})
    await server.web.post("/account/name", data={"name": PAYLOADS[16]})
    await server.web.post(f"{project}/keys", data={"label": PAYLOADS[38], "name": PAYLOADS[38]})
    await server.web.post(
        f"{project}/tokens", data={"name": PAYLOADS[38][:80], "upload": "yes", "reach": "project"}
    )
    issues = re.findall(rf'href="({project}/issues/\w+)', (await server.web.get("/issues")).text)
    paths = {f"replay, {panel}": f"{server.page(REPLAY_ID)}?tab={panel}" for panel in PANELS}
    paths |= {f"issue {number}": path for number, path in enumerate(dict.fromkeys(issues))}
    names = (
        "", "/settings", "/log", "/keys", "/tokens", "/releases", "/set-up", "/settings/privacy",
        "/retention",
    )  # fmt: skip
    paths |= {f"project{name}": f"{project}{name}" for name in names}
    event = f"{project}/events/{EVENT_ID}"
    paths |= {f"file {number}": f"{event}/files/{number}" for number in range(len(FILE_TYPES))}
    return paths | {
        "list": "/replays",
        "issues": "/issues",
        "issues, found": "/issues?q=canary",
        "feedback": "/feedback",
        "projects": "/projects",
        "trace": f"/traces/{TRACE_ID}",
        "request": server.page(ReplayId(REPLAY_ID), "/requests/0"),
        "account": "/account",
        "log of the server": "/server/log",
        "people": "/server/people",
        **{
            f"search {number}": f"/replays?query={payload}"
            for number, payload in enumerate(
                "".join(f"%{byte:02x}" for byte in payload.encode()) for payload in PAYLOADS[::6]
            )
        },
    }


@pytest.fixture(scope="module")
def hostile_server(postgres_url, template_database, tmp_path_factory) -> Iterator[FilledServer]:
    """Run one server whose every text is a payload."""
    folder = tmp_path_factory.mktemp("payloads")
    with run_server(postgres_url, template_database, folder, _fill) as server:
        yield server


@pytest.fixture
def window(browser: Browser, hostile_server: FilledServer) -> Iterator[BrowserContext]:
    """Open a window in which an admin of the server is signed in."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_cookies(
            [
                {"name": name, "value": value, "url": hostile_server.base_url}
                for name, value in hostile_server.cookies.items()
            ]
        )
        yield context


def watch(page: Page, base_url: str, faults: list[str]) -> None:
    """Note whatever a page does that a payload has asked for."""

    def note_dialog(dialog: Dialog) -> None:
        faults.append(f"dialog on {page.url}")
        dialog.dismiss()

    page.on("dialog", note_dialog)
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))

    def note_request(address: str) -> None:
        is_ours = address.startswith((base_url, "blob:", "data:"))
        if not is_ours or address.endswith("/csp-report"):
            faults.append(f"{page.url} asked for {address}")

    page.on("request", lambda request: note_request(request.url))
    page.on(
        "console",
        lambda message: (
            faults.append(f"{page.url}: {message.text}")
            if "Content Security Policy" in message.text or "Trusted" in message.text
            else None
        ),
    )


def test_no_payload_runs_in_any_field_of_any_page(window, hostile_server):
    """Sixty payloads in every text that is shown: nothing runs, is loaded or breaks the policy."""
    assert len(PAYLOADS) == 60
    faults: list[str] = []
    shown = 0
    page = window.new_page()
    watch(page, hostile_server.base_url, faults)
    pages = {
        name: path for name, path in hostile_server.paths.items() if not name.startswith("file ")
    }
    for name, path in pages.items():
        page.goto(f"{hostile_server.base_url}{path}", wait_until="load")
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert page.evaluate("window.__canary") is None, name
        assert page.url.startswith(hostile_server.base_url), name
        shown += page.content().count(MARK)
    assert faults == []
    assert shown > 60 * 60, "the payloads are on the pages"


def test_no_file_opens_as_a_document(window, hostile_server):
    """Files of ten types are saved and never shown, whatever they say that they are."""
    faults: list[str] = []
    page = window.new_page()
    watch(page, hostile_server.base_url, faults)
    page.goto(f"{hostile_server.base_url}/replays")
    for number in range(len(FILE_TYPES)):
        address = hostile_server.base_url + hostile_server.paths[f"file {number}"]
        with page.expect_download() as download:
            page.evaluate("address => { location.href = address }", address)
        download.value.delete()
        answer = page.context.request.get(address)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert page.evaluate("window.__canary") is None
    assert faults == []
