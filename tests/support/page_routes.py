"""Every route of the pages, as the application has them: for tests that must miss none."""

import re
from dataclasses import dataclass

from fastapi.routing import iter_route_contexts

from app.alerts.model import RuleKind
from app.api_tokens import queries as api_tokens
from app.core.ids import ReplayId
from app.erasure.jobs import rows
from app.replays.model import ReplayKey
from app.replays.sharing.model import ShareKind
from app.web import router
from tests.support.builders import envelopes
from tests.support.builders.alerts import add_rule, add_target
from tests.support.builders.api_tokens import make_token
from tests.support.builders.clip_rows import add_ready_clip
from tests.support.builders.shares import make_share
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, SPAN_ID, TRACE_ID
from tests.support.servers.server import Server

FORMS: dict[str, dict[str, str]] = {
    "/sign-in": {"email": "ada@example.com", "password": "wrong", "back": "/projects"},
    "/sign-in/forgotten": {"email": "ada@example.com"},
    "/account/password": {"password": "a b", "again": "a b", "current": "wrong"},
    "/account/name": {"name": "Ada"},
    "/theme": {"theme": "dark", "back": "/projects"},
    "/replays/selected": {"replay": "{project_id}/{replay_id}", "back": "/replays"},
    "/replays/selected/delete": {"replay": "{project_id}/{replay_id}", "back": "/replays"},
    "/replays/selected/pin": {"replay": "{project_id}/{replay_id}", "back": "/replays"},
    "/replays/selected/hold": {"replay": "{project_id}/{replay_id}", "back": "/replays"},
    "/projects/{project_id}/replays/{replay_id}/pin": {"pinned": "yes"},
    "/projects/{project_id}/replays/{replay_id}/clips": {
        "format": "webp",
        "from": "0",
        "to": "900",
    },
    "/projects/{project_id}/replays/{replay_id}/holds": {"name": "Case 4"},
    "/projects/{project_id}/replays/{replay_id}/holds/release": {"name": "Case 4"},
    "/projects/{project_id}/replays/{replay_id}/shares": {"panel": "errors", "days": "7"},
    "/replays/matching/delete": {
        "project": "{project_id}",
        "query": "",
        "until": "2036-01-01T00:00:00Z",
    },
    "/projects/{project_id}/erasures/person": {"kind": "id", "value": "nobody"},
    "/projects/{project_id}/erasures/range": {
        "since": "2026-01-01T00:00",
        "until": "2026-01-02T00:00",
        "what": "logs",
    },
    "/projects/{project_id}/erasures/project": {"name": "not its name"},
    "/projects/new": {"name": "Shop"},
    "/projects/{project_id}/keys": {"label": "iOS"},
    "/projects/{project_id}/keys/{public_key}/name": {"label": "Android"},
    "/projects/{project_id}/keys/{public_key}/switch": {"on": "yes"},
    "/projects/{project_id}/tokens": {"name": "GitHub", "upload": "yes", "reach": "project"},
    "/projects/{project_id}/debug-files/delete": {"file": "a" * 32, "sure": "yes"},
    "/projects/{project_id}/alerts/begin": {
        "kind": "slack",
        "address": "https://hook.example/begin",
        "rule-new_issue": "yes",
    },
    "/server/alerts/begin": {
        "kind": "webhook",
        "address": "https://hook.example/begin",
        "rule-disk": "yes",
    },
    "/projects/{project_id}/alerts/targets/{target_id}": {"name": "Team", "on": "yes"},
    "/server/alerts/targets/{target_id}": {"name": "Team", "on": "yes"},
    "/projects/{project_id}/alerts/pictures": {"on": "yes"},
    "/projects/{project_id}/alerts/rules/new": {"target": "{target_id}"},
    "/server/alerts/rules/new": {"target": "{target_id}"},
    "/projects/{project_id}/alerts/rules/{rule_id}": {"target": "{target_id}"},
    "/server/alerts/rules/{rule_id}": {"target": "{target_id}"},
    "/projects/{project_id}/alerts/rules/{rule_id}/switch": {"on": "yes"},
    "/server/alerts/rules/{rule_id}/switch": {"on": "yes"},
    "/projects/{project_id}/retention": {"limit_gib": "1"},
    "/server/storage": {"default_days": "", "longest_days": ""},
    "/projects/{project_id}/settings/name": {"name": "Shop"},
    "/projects/{project_id}/settings/bodies": {"bodies": "yes"},
    "/projects/{project_id}/settings/shares": {"shares": "yes"},
    "/projects/{project_id}/open-shares/revoke": {"kind": "picture"},
    "/projects/{project_id}/settings/privacy": {"version": "0", "sensitive": "customer"},
    "/projects/{project_id}/settings/privacy/try": {"version": "0", "text": "a"},
    "/projects/{project_id}/settings/trackers": {
        "kind": "github",
        "address": "https://github.com/acme/shop",
    },
    "/projects/{project_id}/settings/trackers/{tracker_id}": {
        "kind": "gitlab",
        "address": "https://gitlab.com/acme/shop",
    },
    "/projects/{project_id}/issues/{issue_id}/tickets": {
        "url": "https://github.com/acme/shop/issues/2"
    },
    "/projects/{project_id}/replays/{replay_id}/tickets": {
        "url": "https://github.com/acme/shop/issues/2"
    },
    "/projects/{project_id}/settings/members": {"email": "eve@example.com", "role": "viewer"},
    "/projects/{project_id}/settings/invitations/withdraw": {"email": "eve@example.com"},
    "/server/people/invite": {
        "email": "new@example.com",
        "project": "{project_id}",
        "role": "viewer",
        "days": "7",
    },
    "/server/people/{person_id}/link": {"days": "1"},
    "/server/people/{person_id}/admin": {"admin": "yes"},
    "/server/people/{person_id}/role": {"project": "{project_id}", "role": "viewer"},
    "/projects/{project_id}/invitation": {"answer": "accept"},
    "/projects/{project_id}/issues/{issue_id}/status": {"status": "ignored"},
}
"""A good form of each route that takes one; braces stand for what `fill` names."""
PUT_LAST = ("/delete", "/sign-out", "/remove")
"""Ends of addresses whose forms are sent last, since less is left to request afterwards."""


@dataclass(frozen=True, slots=True, order=True)
class PageRoute:
    """An address with its parameters in braces, and one method that it takes."""

    path: str
    method: str


def page_routes() -> list[PageRoute]:
    """Return the routes of all pages, in the order of their addresses."""
    return sorted(
        PageRoute(context.path or "", method)
        for context in iter_route_contexts(router.pages().routes)
        for method in context.methods or ()
    )


async def fill(server: Server) -> dict[str, str]:
    """Send a replay, an error with a file, and spans; return what names them in an address."""
    note = envelopes.attachment_item()
    await server.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(0, replay_id="9" * 32),
        envelopes.event_envelope(more_items=[note, envelopes.feedback_item()]),
        envelopes.transaction_envelope("b" * 32),
    )
    event = await server.web.get(f"/projects/{server.app.id}/events/{EVENT_ID}")
    issue_id = re.search(r"/issues/([0-9a-f]+)", event.headers["location"])
    assert issue_id
    await server.web.post(server.page("9" * 32, "/delete"))
    # Refused before anybody is asked, as it is in a private network.
    target = await add_target(server.database, server.app.id, "https://10.0.0.1/hook")
    rule = await add_rule(server.database, server.app.id, RuleKind.NEW_ISSUE, target)
    secret = await make_token(server.database, server.app.id)
    clip = await add_ready_clip(server, REPLAY_ID)
    key = ReplayKey(server.app.id, ReplayId(REPLAY_ID))
    share = await make_share(server.database, key)
    await make_share(server.database, key, kind=ShareKind.PICTURE)
    # Ids count from 1 in a database of its own, as tests of all routes have.
    for path in (server.page(REPLAY_ID), f"/projects/{server.app.id}/issues/{issue_id[1]}"):
        ticket = {"url": "https://github.com/acme/shop/issues/1"}
        await server.web.post(f"{path}/tickets", data=ticket)
    tracker = {"kind": "github", "address": "https://github.com/acme/shop"}
    await server.web.post(f"/projects/{server.app.id}/settings/trackers", data=tracker)
    async with server.database.reading() as connection:
        (erasure,) = await rows.list_erasures(connection, [server.app.id], limit=1)
        token = await api_tokens.find_live_token(connection, secret)
    assert token
    return {
        "erasure_id": str(erasure.id),
        "project_id": str(server.app.id),
        "replay_id": REPLAY_ID,
        "clip_id": clip.id,
        "event_id": EVENT_ID,
        "issue_id": issue_id[1],
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "segment_id": "0",
        "number": "0",
        "name": "report.md",
        "tracker_id": "1",
        "ticket_id": "1",
        "quarantined_id": "1",
        "process_id": "a" * 32,
        "person_id": "1",
        "public_key": str(server.app.key),
        "token": "t" * 43,
        "token_id": str(token.id),
        "handle": "a" * 64,
        "form": "csv",
        "target_id": str(target.id),
        "rule_id": str(rule.id),
        "share_id": str(share.id),
    }
