"""Share links: who makes them, what strangers see by them, and how they end."""

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.core import clock
from app.core.ids import ReplayId
from app.erasure.replay import erase_replay
from app.replays.model import ReplayKey
from tests.support.builders import shared_replays
from tests.support.builders.shared_replays import BACKEND, SENDER, canary
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = {"accept": "application/json"}
ALL = ("activity", "network", "errors", "trace", "logs", "details")


async def take_replay(tenant: Server) -> None:
    """Send a replay whose parts can be told apart."""
    await tenant.take(*shared_replays.envelopes_of_app())
    await tenant.take(shared_replays.envelope_of_backend(), project=tenant.backend)


async def share(tenant: Server, *panels: str, **fields: str) -> str:
    """Hand the replay out; returns the path of the link."""
    pairs: list[tuple[str, str]] = [("panel", panel) for panel in panels]
    pairs += [*({"days": "7"} | fields).items()]
    answer = await post_form(tenant, pairs)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["path"])


async def post_form(tenant: Server, pairs: list[tuple[str, str]]) -> httpx2.Response:
    """Send the form that makes a link."""
    data: dict[str, Any] = {}
    for name, value in pairs:
        data.setdefault(name, []).append(value)
    return await tenant.web.post(tenant.page(REPLAY_ID, "/shares"), data=data, headers=JSON)


async def read_lines(tenant: Server, action: str) -> list[Any]:
    """Return the lines of the log about an action."""
    async with tenant.database.reading() as connection:
        rows = await connection.execute(
            text(
                "select person_id, subject, detail from audit_lines"
                " where project_id = :project_id and action = :action order by id"
            ),
            {"project_id": tenant.app.id, "action": action},
        )
        return list(rows)


async def test_a_stranger_sees_what_was_handed_out(tenant: Server):
    """The page opens without an account, with the panels of the link and no others."""
    await take_replay(tenant)
    path = await share(tenant, "activity", "network")
    page = await tenant.sender.get(path)
    assert page.status_code == 200
    for number in range(shared_replays.SEGMENTS):
        assert canary("tap", number) in page.text
        assert canary("req", number) in page.text
        assert canary("body", number) not in page.text
        for kind in ("log", "span", "error"):
            assert canary(kind, number) not in page.text
    assert SENDER not in page.text
    assert "ada@example.com" not in page.text
    assert BACKEND not in page.text
    assert 'id="tab-network"' in page.text
    assert 'id="tab-errors"' not in page.text


async def test_all_panels_show_all_but_other_projects(tenant: Server):
    """Errors, spans, logs, feedback and facts of the project are shown; a backend's are not."""
    await take_replay(tenant)
    page = await tenant.sender.get(await share(tenant, *ALL, bodies="yes"))
    for number in range(shared_replays.SEGMENTS):
        for kind in shared_replays.KINDS:
            assert canary(kind, number) in page.text, kind
    assert SENDER in page.text
    assert "u-1042" in page.text
    assert BACKEND not in page.text
    backend_name = "Backend "
    assert backend_name not in page.text


async def test_pages_of_a_share_are_kept_out_of_caches_and_search(tenant: Server):
    """No answer is stored or indexed, and the address leaves for no other site."""
    await take_replay(tenant)
    path = await share(tenant, *ALL)
    for below in ("", "/index", "/gestures", "/errors", "/requests.har"):
        answer = await tenant.sender.get(path + below)
        assert answer.status_code == 200, below
        assert "no-store" in answer.headers["cache-control"]
        assert "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "set-cookie" not in answer.headers


async def test_frames_are_for_the_sites_that_were_named(tenant: Server):
    """The policy names these sites; other links and other pages stay out of every frame."""
    await take_replay(tenant)
    framed = await share(tenant, "errors", frames="https://wiki.example.com HTTP://Jira.local:8080")
    plain = await share(tenant, "errors")
    policy = (await tenant.sender.get(framed)).headers["content-security-policy"]
    assert "frame-ancestors https://wiki.example.com http://jira.local:8080;" in policy
    for path in (plain, "/sign-in", f"{framed}/nothing"):
        answer = await tenant.sender.get(path)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_terms_that_cannot_be_kept_are_refused(tenant: Server):
    """The answer says what to correct, and no link is made."""
    await take_replay(tenant)
    six_sites = " ".join(f"https://{number}.example" for number in range(6))
    for fields, problem in (
        ({"days": "31"}, "open for 1, 7 or 30 days"),
        ({"days": "0"}, "open for 1, 7 or 30 days"),
        ({"days": "x"}, "for how many days"),
        ({"from": "5"}, "needs both"),
        ({"from": "900000", "to": "900001"}, "the replay ends at"),
        ({"frames": "https://a.example/path"}, "is not the address of a site"),
        ({"frames": "https://a.example;script-src"}, "is not the address of a site"),
        ({"frames": "https://a.example:99999"}, "is not the address of a site"),
        ({"frames": six_sites}, "5 sites at most"),
    ):
        pairs = [("panel", "errors"), *({"days": "1"} | fields).items()]
        answer = await post_form(tenant, pairs)
        assert answer.status_code == 400
        assert problem in answer.json()["problem"]
    assert not await read_lines(tenant, "share_made")


async def test_views_are_counted_and_logged(tenant: Server):
    """Each opening is a view and a line; what the page fetches belongs to it."""
    await take_replay(tenant)
    path = await share(tenant, "network")
    await tenant.sender.get(path)
    for below in ("/index", "/gestures", "/network"):
        assert (await tenant.sender.get(path + below)).status_code == 200
    await tenant.sender.get(path)
    lines = await read_lines(tenant, "share_viewed")
    assert len(lines) == 2
    assert lines[0].person_id is None
    assert lines[0].subject == REPLAY_ID
    assert lines[0].detail["address"] == "127.0.0.1"
    place = (await tenant.web.get(tenant.page(REPLAY_ID, "/hand-on"))).text
    assert "2 views" in place
    [line] = await read_lines(tenant, "share_made")
    assert line.detail["panels"] == "network"
    assert path.removeprefix("/s/") not in str(line)


async def test_whoever_takes_a_part_alone_has_looked_too(tenant: Server):
    """A stream or a HAR file without its page is a view; the file is a download as well."""
    await take_replay(tenant)
    path = await share(tenant, "network")
    assert (await tenant.sender.get(f"{path}/requests.har")).status_code == 200
    [line] = await read_lines(tenant, "replay_downloaded")
    assert line.person_id is None
    assert line.detail["what"] == "requests"
    await tenant.sender.get(f"{path}/index")
    assert len(await read_lines(tenant, "share_viewed")) == 1


async def test_what_was_taken_back_shows_nothing(tenant: Server):
    """The page and all below it answer 410 at once, and say why."""
    await take_replay(tenant)
    path = await share(tenant, *ALL)
    version = (await tenant.sender.get(f"{path}/index")).headers["etag"].strip('"')
    async with tenant.database.reading() as connection:
        share_id = await connection.scalar(
            text("select id from replay_shares where project_id = :id"), {"id": tenant.app.id}
        )
    place = tenant.page(REPLAY_ID, f"/shares/{share_id}/revoke")
    assert place in (await tenant.web.get(tenant.page(REPLAY_ID, "/hand-on"))).text
    assert (await tenant.web.post(place)).status_code == 303
    for below in ("", "/index", f"/stream?v={version}", "/gestures", "/requests.har", "/errors"):
        answer = await tenant.sender.get(path + below)
        assert answer.status_code == 410, below
    assert "taken back" in (await tenant.sender.get(path)).text
    [line] = await read_lines(tenant, "share_revoked")
    assert line.detail["share"] == share_id
    assert "taken back" in (await tenant.web.get(tenant.page(REPLAY_ID, "/hand-on"))).text


async def test_a_link_ends_with_its_time(tenant: Server):
    """After its end the link answers 410, and names the day."""
    await take_replay(tenant)
    path = await share(tenant, "errors", days="1")
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text(
                "update replay_shares set made_at = made_at - interval '2 days',"
                " expires_at = expires_at - interval '2 days' where project_id = :id"
            ),
            {"id": tenant.app.id},
        )
    answer = await tenant.sender.get(path)
    assert answer.status_code == 410
    ended = clock.now() - timedelta(days=1)
    assert f"It worked until {ended:%-d %b %Y}" in answer.text
    assert (await tenant.sender.get(f"{path}/index")).status_code == 410


async def test_a_link_dies_with_its_replay(tenant: Server):
    """Once the replay is deleted, its links are unknown."""
    await take_replay(tenant)
    path = await share(tenant, *ALL)
    key = ReplayKey(tenant.app.id, ReplayId(REPLAY_ID))
    await erase_replay(tenant.database, key, person_id=None, at=clock.now())
    for below in ("", "/index", "/errors"):
        assert (await tenant.sender.get(path + below)).status_code == 404


async def test_only_members_hand_out_and_take_back(tenant: Server):
    """A viewer sees what was handed out, and makes or takes back nothing."""
    await take_replay(tenant)
    path = await share(tenant, "errors")
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("update members set role = 'viewer' where project_id = :id"),
            {"id": tenant.app.id},
        )
        share_id = await connection.scalar(
            text("select id from replay_shares where project_id = :id"), {"id": tenant.app.id}
        )
    refused = await post_form(tenant, [("panel", "errors"), ("days", "1")])
    revoke = tenant.page(REPLAY_ID, f"/shares/{share_id}/revoke")
    assert refused.status_code == 403
    assert (await tenant.web.post(revoke)).status_code == 403
    place = (await tenant.web.get(tenant.page(REPLAY_ID, "/hand-on"))).text
    assert "with Errors" in place
    assert revoke not in place
    assert (await tenant.sender.get(path)).status_code == 200


async def test_without_javascript_the_link_is_shown_on_a_page(tenant: Server):
    """The form answers with a page that has the link, the only one that ever has it."""
    await take_replay(tenant)
    data = {"panel": ["errors"], "days": ["7"], "note": ["for <Ada>"]}
    answer = await tenant.web.post(tenant.page(REPLAY_ID, "/shares"), data=data)
    assert answer.status_code == 201
    match = re.search(r"<code[^>]*>(http[^<]+/s/[\w-]{43})</code>", answer.text)
    assert match is not None
    assert (await tenant.sender.get(match[1])).status_code == 200
    place = (await tenant.web.get(tenant.page(REPLAY_ID, "/hand-on"))).text
    assert "for &lt;Ada&gt;" in place
    assert match[1] not in place
