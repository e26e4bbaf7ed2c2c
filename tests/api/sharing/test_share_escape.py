"""Attempts to leave the range, the panels, the replay or the end of a share: none succeeds."""

import re
import string
from collections.abc import Iterator
from itertools import product

import pytest
from sqlalchemy import text

from app.core.ids import ReplayId
from app.issues.events import replay_events
from app.replays.model import ReplayKey
from app.replays.sharing.tokens import hash_share_token, new_share_token
from app.traces import logs, parts
from app.web.frame import part_cursors
from tests.api.sharing.test_share_links import share, take_replay
from tests.support.builders import shared_replays
from tests.support.builders.shared_replays import BACKEND, KINDS, SEGMENTS, SENDER, canary
from tests.support.builders.shares import make_share
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, SEGMENT_MS, TRACE_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

_PIECE = 16
SHOWN = 2
"""The one segment that is handed out."""
BELOW = (
    "", "/activity", "/network", "/errors", "/logs", "/trace", "/feedback", "/gestures", "/index",
    "/stream", "/served", "/pictures", "/pictures/sheet-0.webp", "/requests.har", "/requests/0",
    f"/traces/{TRACE_ID}",
)  # fmt: skip
MEMBERS_ONLY = (
    "/pictures/poster.webp", "/pictures/preview.webp", "/segments/0.mp4", "/segments/2.mp4",
    "/viewers", "/delete", "/pin", "/holds", "/hand-on", "/clips", "/report", "/report.md",
    "/steps", "/shares", "/shares/1/revoke", f"/events/{EVENT_ID}", "/picture.jpg", "/settings",
    "/log", "/export", "/seen", "/index.json", "/video", "/download", "/..", "/../../replays",
    "/%2e%2e/%2e%2e/replays", "/%2f..%2f..", "//", "/.", "/stream/", "/;index", "/index%00",
)  # fmt: skip
QUERIES = (
    "from=0&to=30000", "from_segment=0", "from_segment=4", "t=29", "tab=logs", "first=0&from=1",
    f"replay_id={TRACE_ID}&panel=logs&bodies=yes",
)  # fmt: skip


def list_attempts(path: str, after: dict[str, str], version: str) -> Iterator[tuple[str, str, str]]:
    """Yield methods, addresses and Range headers of attempts to see more than was handed out."""
    for below, query in product(BELOW, QUERIES):
        yield "GET", f"{path}{below}?{query}", ""
    for below in MEMBERS_ONLY:
        yield "GET", path + below, ""
        yield "POST", path + below, ""
    for number in (*range(1, 8), -1, 10**9):
        yield "GET", f"{path}/requests/{number}", ""
        yield "GET", f"{path}/requests/{number}?from_segment={number}", ""
    # Places in the lists of the whole replay, as its members get them.
    for panel, place in after.items():
        yield "GET", f"{path}/{panel}?after={place}", ""
    for wanted in ("bytes=0-", "bytes=-1000000", "bytes=100000-", "bytes=0-99999999", "bytes=5-2"):
        for name in (version, "", "1-0", f"{SEGMENTS}-0", "part.0", f"../{version}"):
            yield "GET", f"{path}/stream?v={name}", wanted


def list_samples(number: int) -> list[bytes]:
    """Return pieces of the coded pictures of a segment that no picture of the shown one has."""
    shown = shared_replays.video_of(SHOWN)
    video = shared_replays.video_of(number)
    coded = video[video.index(b"mdat") + 4 : video.index(b"moov")]
    pieces = [coded[at : at + _PIECE] for at in range(0, len(coded) - _PIECE, _PIECE)]
    return [piece for piece in pieces if number == SHOWN or piece not in shown]


def write_first_places() -> dict[str, str]:
    """Return the places before everything, as the addresses of members' pages write them."""
    return {
        "errors": part_cursors.write_event_place(replay_events.BEFORE_ALL),
        "logs": part_cursors.write_log_place(logs.BEFORE_ALL),
        "trace": part_cursors.write_block_place(parts.BEFORE_ALL),
        f"traces/{TRACE_ID}": part_cursors.write_block_place(parts.BEFORE_ALL),
    }


async def test_no_attempt_leaves_the_range_or_the_panels(tenant: Server):
    """If one of six segments is shared with two panels, nothing else of the replay is ever sent."""
    await take_replay(tenant)
    start_ms = SHOWN * SEGMENT_MS
    path = await share(
        tenant, "activity", "network", **{"from": str(start_ms), "to": str(start_ms + SEGMENT_MS)}
    )
    member = (await tenant.web.get(tenant.page(REPLAY_ID, "/index"))).headers["etag"].strip('"')
    own = (await tenant.sender.get(f"{path}/index")).headers["etag"].strip('"')
    hidden = {
        canary(kind, number)
        for kind, number in product(KINDS, range(SEGMENTS))
        if number != SHOWN or kind not in {"tap", "req", "feedback"}
    } | {SENDER, BACKEND, "ada@example.com", "u-1042", "Pixel 8", REPLAY_ID}
    pictures = [
        sample for number in range(SEGMENTS) if number != SHOWN for sample in list_samples(number)
    ]
    assert len(pictures) > 10
    attempts = [
        attempt
        for version in (member, own)
        for attempt in list_attempts(path, write_first_places(), version)
    ]
    attempts = list(dict.fromkeys(attempts))
    assert len(attempts) > 200
    shown = b""
    for method, address, wanted in attempts:
        answer = await tenant.sender.request(
            method, address, headers={"range": wanted} if wanted else {}
        )
        assert answer.status_code < 500, (method, address)
        found = {word for word in hidden if word.encode() in answer.content}
        assert not found, (method, address, found)
        assert not [sample for sample in pictures if sample in answer.content], (method, address)
        if answer.status_code < 300:
            shown += answer.content
    for kind in ("tap", "req", "feedback"):
        assert canary(kind, SHOWN).encode() in shown
    assert sum(sample in shown for sample in list_samples(SHOWN)) > 5


async def test_the_page_of_a_part_counts_from_its_own_beginning(tenant: Server):
    """Neither the length of the replay nor the place of the part in it can be told."""
    await take_replay(tenant)
    path = await share(tenant, "activity", **{"from": "11000", "to": "13000"})
    page = (await tenant.sender.get(path)).text
    assert 'data-duration-ms="5000"' in page
    assert "0:30" not in page
    assert "0:11" not in page
    # Pictures come in whole groups, so the part begins with the segment; what happened does not.
    assert canary("tap", SHOWN) not in page
    gestures = (await tenant.sender.get(f"{path}/gestures")).json()
    assert not gestures["gestures"] if isinstance(gestures, dict) else not gestures


async def test_a_token_that_is_not_quite_right_opens_nothing(tenant: Server):
    """Every change of a token, its hash and ids of rows are answered with 404."""
    await take_replay(tenant)
    path = await share(tenant, "errors")
    token = path.removeprefix("/s/")
    async with tenant.database.reading() as connection:
        share_id = await connection.scalar(
            text("select id from replay_shares where project_id = :id"), {"id": tenant.app.id}
        )
    wrong = [
        token[:-1], token + "A", token.swapcase(), token[::-1], "", " ", ".", "*", "%",
        hash_share_token(token).hex(), str(share_id), REPLAY_ID, new_share_token(),
        token + "%00", token + "/..", "A" * 43, "A" * 5_000, f"{token}'--", token + "%20",
        *(token[:at] + _other(token[at]) + token[at + 1 :] for at in range(0, 43, 3)),
    ]  # fmt: skip
    for other in wrong:
        for below in ("", "/index", "/stream"):
            answer = await tenant.sender.get(f"/s/{other}{below}")
            assert answer.status_code in {400, 404, 405}, (other, below)
            assert canary("error", 0) not in answer.text
    assert (await tenant.sender.get(path)).status_code == 200


async def test_a_share_leads_to_no_other_replay_and_lends_no_rights(tenant: Server):
    """A share opens neither pages of members nor shares of other kinds."""
    await take_replay(tenant)
    path = await share(tenant, "errors")
    page = (await tenant.sender.get(path)).text
    inside = set(re.findall(r'(?:href|action|src)="(/[^"]*)"', page))
    own = (path, "/static", "/theme")
    assert {href for href in inside if not href.startswith(own)} == set()
    for member in (tenant.page(REPLAY_ID), tenant.page(REPLAY_ID, "/index"), "/replays"):
        answer = await tenant.sender.get(
            member, headers={"referer": path, "accept": "*/*", "x-share": path}
        )
        assert answer.status_code == 401
    token = new_share_token()
    key = ReplayKey(tenant.app.id, ReplayId(REPLAY_ID))
    await make_share(tenant.database, key, token=token)
    assert (await tenant.sender.get(f"/s/{token}/picture.jpg")).status_code == 404
    assert (await tenant.sender.get(f"/s/{token}")).status_code == 200


async def test_a_project_that_hands_nothing_out_answers_nothing(tenant: Server):
    """Links stop while an admin has switched them off, and no new ones are made."""
    await take_replay(tenant)
    path = await share(tenant, "errors")
    settings = f"/projects/{tenant.app.id}/settings/shares"
    await tenant.web.post(settings, data={"shares": "no"})
    for below in BELOW:
        assert (await tenant.sender.get(path + below)).status_code == 410, below
    refused = await tenant.web.post(
        tenant.page(REPLAY_ID, "/shares"), data={"days": "1"}, headers={"accept": "*/*"}
    )
    assert refused.status_code == 400
    assert "switched share links off" in refused.text
    assert "switched off" in (await tenant.web.get(tenant.page(REPLAY_ID, "/hand-on"))).text
    await tenant.web.post(settings, data={"shares": "yes"})
    assert (await tenant.sender.get(path)).status_code == 200


async def test_bodies_are_hidden_as_soon_as_viewers_may_not_see_them(tenant: Server):
    """A link with bodies loses them with the rights of the project's viewers."""
    await take_replay(tenant)
    path = await share(tenant, "network", bodies="yes")
    assert canary("body", 0) in (await tenant.sender.get(path)).text
    await tenant.web.post(f"/projects/{tenant.app.id}/settings/bodies", data={"bodies": "no"})
    for below in ("", "/requests.har", "/requests/0", "/network"):
        answer = await tenant.sender.get(path + below)
        assert answer.status_code == 200
        assert canary("body", 0) not in answer.text


async def test_a_late_segment_does_not_move_the_range(tenant: Server):
    """A segment that was recorded first and comes last moves the clock, not what is shown."""
    late, *others = shared_replays.envelopes_of_app()
    await tenant.take(*others)
    # The first segment is missing: what is at 5 s then is at 10 s later.
    path = await share(tenant, "activity", **{"from": str(SEGMENT_MS), "to": str(2 * SEGMENT_MS)})
    before = (await tenant.sender.get(path)).text
    assert canary("tap", SHOWN) in before
    await tenant.take(late)
    after = (await tenant.sender.get(path)).text
    assert canary("tap", SHOWN) in after
    assert canary("tap", SHOWN - 1) not in after


def _other(letter: str) -> str:
    return string.ascii_letters[(string.ascii_letters.find(letter) + 1) % 52]
