"""X2: every answer of a page has the headers that keep what users sent from doing anything."""

import re
from typing import Final

import pytest

from app.web.frame.middleware.guard import write_policy
from tests.support.browsers import stranger
from tests.support.page_routes import FORMS, PUT_LAST, PageRoute, fill, page_routes
from tests.support.report import Report
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SANDBOX: Final = "sandbox; default-src 'none'"
_HASH: Final = r"( 'sha256-[A-Za-z0-9+/=]+')?"
POLICY: Final = re.compile(
    re.escape(write_policy(script="SCRIPT", style="STYLE"))
    .replace("SCRIPT", _HASH)
    .replace("STYLE", _HASH)
)
"""The policy of pages: our own files, and at most one script and style sheet in the page."""
EVERYWHERE: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), payment=(), usb=()",
}
_R: Final = "/projects/{project_id}/replays/{replay_id}"
_E: Final = "/projects/{project_id}/events/{event_id}"
MEDIA: Final = {
    f"{_R}/index",
    f"{_R}/stream",
    f"{_R}/gestures",
    f"{_R}/requests.har",
    f"{_R}/segments/{{segment_id}}.mp4",
    f"{_R}/clips/{{clip_id}}/file",
    f"{_R}/pictures/poster.webp",
    f"{_R}/pictures/preview.webp",
    f"{_R}/pictures/sheet-{{number}}.webp",
    f"{_E}/files/{{number}}",
    f"{_E}/files/{{number}}/picture.webp",
    "/projects/{project_id}/quarantine/{quarantined_id}",
    f"{_R}/report/{{name}}",
    "/projects/{project_id}/issues/{issue_id}/report/{name}",
}
"""Bytes that came from outside, or were drawn of them."""
MAY_BE_KEPT: Final = {
    f"{_R}/pictures/poster.webp",
    f"{_R}/pictures/preview.webp",
    f"{_R}/pictures/sheet-{{number}}.webp",
    "/favicon.ico",
}
"""What a browser may keep for itself: pictures named by their content, and our own icon."""


def find_faults(route: PageRoute, headers: dict[str, str], status: int) -> list[str]:
    """Return what is wrong with the headers of an answer."""
    faults = [
        f"{name}: {headers.get(name)}"
        for name, value in EVERYWHERE.items()
        if headers.get(name) != value
    ]
    policy = headers.get("content-security-policy", "")
    is_media = route.path in MEDIA and status < 300
    if not (policy == SANDBOX if is_media else POLICY.fullmatch(policy)):
        faults.append(f"policy: {policy}")
    cache_control = headers.get("cache-control", "")
    is_private = "no-store" in cache_control or (
        "private" in cache_control and route.path in MAY_BE_KEPT
    )
    if not is_private and route.path != "/favicon.ico":
        faults.append(f"cache-control: {cache_control}")
    if "strict-transport-security" in headers:
        faults.append("HSTS over http")
    return [f"{route.method} {route.path} ({status}): {fault}" for fault in faults]


async def test_every_answer_has_the_headers(tenant: Server, report: Report) -> None:
    """Each route, asked by a member and by a stranger, is answered with the exact policy."""
    good = await fill(tenant)
    faults: list[str] = []
    async with stranger(tenant) as nobody:
        for route in sorted(page_routes(), key=lambda route: route.path.endswith(PUT_LAST)):
            path = route.path.format_map(good)
            form = {
                name: value.format_map(good) for name, value in FORMS.get(route.path, {}).items()
            }
            for browser in (nobody, tenant.web):
                for accept in ("text/html", "*/*"):
                    if route.method == "GET":
                        answer = await browser.get(path, headers={"accept": accept})
                    elif browser is nobody or accept == "*/*":
                        answer = await browser.post(path, data=form, headers={"accept": accept})
                    else:
                        continue
                    faults += find_faults(route, dict(answer.headers), answer.status_code)
                    report.round(cases=1)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/no/such/page"])
async def test_other_answers_have_them_too(tenant: Server, path: str) -> None:
    """Monitoring, and addresses that lead nowhere, are no exception."""
    answer = await tenant.web.get(path)
    assert find_faults(PageRoute(path, "GET"), dict(answer.headers), answer.status_code) == []
