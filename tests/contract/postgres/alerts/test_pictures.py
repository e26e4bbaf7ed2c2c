"""Pictures in messages: only where admins allow it, each by an address of its own that ends."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.alerts.composing.content import AlertContent, AlertItem
from app.alerts.delivery.pictures import MOST_PICTURES
from app.alerts.editing.edit_pictures import set_pictures
from app.alerts.editing.scope import AlertScope
from app.alerts.model import AlertTarget, TargetKind
from app.core import clock
from app.core.errors import ExpiredData
from app.core.ids import ProjectId
from app.db.engine import Database
from app.erasure.replay import erase_replay
from app.messages import outbox
from app.messages.model import MessageKind, NewMessage
from app.replays.model import ReplayKey
from app.replays.sharing.model import ShareKind
from app.replays.sharing.queries import find_share, list_shares_of_replay
from app.sharing.grant import open_share
from app.storage.disk.local import LocalStore
from tests.support.builders.aged_data import AgedData
from tests.support.builders.alerts import add_target, make_sender
from tests.support.builders.people import make_person
from tests.support.servers.receivers import WebhookReceiver, serving_mail, serving_webhook
from tests.support.servers.server import keyed

ADDRESS = re.compile(r"https://replays\.example\.com/s/([\w-]+)/picture\.jpg")


@pytest_asyncio.fixture
async def data(database: Database, tmp_path: Path) -> AsyncIterator[AgedData]:
    """An empty server to which a test adds replays."""
    objects = LocalStore(tmp_path, threads=2)
    yield AgedData(database, objects)
    await objects.close()


@pytest.fixture
async def shop(database: Database) -> ProjectId:
    """A project."""
    return (await keyed(database, "Shop")).id


async def switch(database: Database, project_id: ProjectId, *, is_on: bool) -> None:
    """Let messages of a project show pictures, or not."""
    person = await make_person(database, f"{secrets.token_hex(4)}@example.com")
    scope = AlertScope(person, project_id, "Shop")
    await set_pictures(database, scope, is_on=is_on)


async def put(
    database: Database, project_id: ProjectId, targets: list[AlertTarget], *keys: ReplayKey
) -> None:
    """Put a message about replays into the outbox, as an alert of a project writes it."""
    items = tuple(
        AlertItem(
            f"Replay {number}", "It matches.", "https://replays.example.com/x",
            ids={"replay_id": key.replay_id, "replay_project_id": str(key.project_id)},
        )
        for number, key in enumerate(keys)
    )  # fmt: skip
    content = AlertContent(
        kind="query", headline="Shop: replays", source="Shop", items=items, more=0,
        rules_url="https://replays.example.com/a", more_url="https://replays.example.com/i",
        found_at=clock.now().isoformat(), project_id=str(project_id),
    )  # fmt: skip
    messages = [
        NewMessage(
            MessageKind.ALERT, content.headline, content.to_json(), secrets.token_hex(16),
            project_id=project_id, target_id=target.id,
        )
        for target in targets
    ]  # fmt: skip
    async with database.transaction() as connection:
        await outbox.add_messages(connection, messages)


async def is_open(database: Database, token: str) -> bool:
    """Tell whether the picture with a token still opens."""
    async with database.reading() as connection:
        share = await find_share(connection, token, ShareKind.PICTURE)
    return share is not None and share.find_state(now=clock.now()) == "open"


async def send(
    database: Database, receiver: WebhookReceiver, project_id: ProjectId, *keys: ReplayKey
) -> list[Any]:
    """Send a message about replays to a webhook; return its items."""
    target = await add_target(database, project_id, receiver.url)
    await put(database, project_id, [target], *keys)
    await make_sender(database).work()
    items: list[Any] = receiver.requests[-1].json()["data"]["items"]
    return items


def read_token(url: str) -> str:
    """Return the token in the address of a picture."""
    match = ADDRESS.fullmatch(url)
    assert match
    return match[1]


async def test_each_way_shows_the_picture(data: AgedData, shop: ProjectId):
    """Slack, a program and a mail get an address each, which is stored as a hash alone."""
    replay = await data.add_replay(shop, age=1)
    await switch(data.database, shop, is_on=True)
    async with serving_webhook() as hook, serving_webhook() as channel:
        with serving_mail() as mail:
            await put(
                data.database,
                shop,
                [
                    await add_target(data.database, shop, hook.url),
                    await add_target(data.database, shop, channel.url, TargetKind.SLACK),
                    await add_target(data.database, shop, "a@example.com", TargetKind.MAIL),
                ],
                replay,
            )
            await make_sender(data.database, mail).work()
            html = mail.mails[0].get_body(("html",))
            plain = mail.mails[0].get_body(("plain",))
    assert html
    assert plain
    mailed = read_token(re.findall(r'<img src="([^"]+)"', html.get_content())[0])
    assert mailed in plain.get_content()
    tokens = {
        mailed,
        read_token(hook.requests[0].json()["data"]["items"][0]["picture_url"]),
        read_token(channel.requests[0].json()["attachments"][0]["image_url"]),
    }
    assert len(tokens) == 3
    async with data.database.reading() as connection:
        stored = list(await connection.scalars(text("select content from outbox_messages")))
        logged = await connection.scalar(
            text("select count(*) from audit_lines where action = 'share_made'")
        )
        for token in tokens:
            share = await find_share(connection, token, ShareKind.PICTURE)
            assert share
            assert (share.key, share.terms.note) == (replay, "A message to Team")
    assert logged == 3
    assert not [token for token in tokens if token in json.dumps(stored)]


async def test_a_message_has_a_picture_only_where_admins_allow_it(data: AgedData, shop: ProjectId):
    """Off by default; also the project of the replay decides, and whether it shares at all."""
    backend = (await keyed(data.database, "Backend")).id
    own, other = await data.add_replay(shop, age=1), await data.add_replay(backend, age=1)
    undrawn = await data.add_replay(shop, age=1)
    async with data.database.transaction() as connection:
        await connection.execute(
            text("delete from replay_pictures where replay_id = :id"), {"id": undrawn.replay_id}
        )
    async with serving_webhook() as receiver:

        async def list_pictured(*keys: ReplayKey) -> list[bool]:
            items = await send(data.database, receiver, shop, *keys)
            return [item["picture_url"] is not None for item in items]

        assert await list_pictured(own, other) == [False, False]
        await switch(data.database, shop, is_on=True)
        assert await list_pictured(own, other, undrawn) == [True, False, False]
        await switch(data.database, backend, is_on=True)
        assert await list_pictured(own, other) == [True, True]
        async with data.database.reading() as connection:
            (listed,) = await list_shares_of_replay(connection, other)
        # Who sees the replay may know nothing of the project that the message is about.
        assert listed.terms.note == "A message about another project"
        assert (await list_pictured(*[own] * 5)).count(True) == MOST_PICTURES
        await switch(data.database, shop, is_on=False)
        assert await list_pictured(own, other) == [False, False]
        async with data.database.transaction() as connection:
            await connection.execute(
                text("update projects set alerts_show_pictures = true, allows_shares = false")
            )
        assert await list_pictured(own, other) == [False, False]


async def test_pictures_end_with_their_replay_and_when_an_admin_takes_them_back(
    data: AgedData, shop: ProjectId
):
    """Pictures already sent stop opening, and waiting messages leave without a picture."""
    first, second = [await data.add_replay(shop, age=1) for _ in range(2)]
    await switch(data.database, shop, is_on=True)
    async with serving_webhook() as receiver:
        receiver.statuses = [503, 200]
        target = await add_target(data.database, shop, receiver.url)
        await put(data.database, shop, [target], first, second)
        await make_sender(data.database).work()
        async with data.database.transaction() as connection:
            await connection.execute(text("update outbox_messages set due_at = now()"))
        await make_sender(data.database).work()
        tries = [
            [read_token(item["picture_url"]) for item in request.json()["data"]["items"]]
            for request in receiver.requests
        ]
        assert len({token for tokens in tries for token in tokens}) == 4, "each try has its own"
        await erase_replay(data.database, first, person_id=None, at=clock.now())
        opens = [[await is_open(data.database, token) for token in tokens] for tokens in tries]
        assert opens == [[False, True], [False, True]]
        await switch(data.database, shop, is_on=False)
        assert not await is_open(data.database, tries[1][1])
        async with data.database.reading() as connection:
            detail = await connection.scalar(
                text(
                    "select detail from audit_lines where action = 'alert_pictures_changed'"
                    " order by id desc limit 1"
                )
            )
        assert detail == {"on": False, "revoked": 2}


async def test_no_picture_opens_while_its_project_shows_none(data: AgedData, shop: ProjectId):
    """A message may leave while an admin switches pictures off: its picture stays shut."""
    replay = await data.add_replay(shop, age=1)
    await switch(data.database, shop, is_on=True)
    async with serving_webhook() as receiver:
        (item,) = await send(data.database, receiver, shop, replay)
    token = read_token(item["picture_url"])
    assert (await open_share(data.database, token, ShareKind.PICTURE)).replay.key == replay
    async with data.database.transaction() as connection:
        await connection.execute(text("update projects set alerts_show_pictures = false"))
    with pytest.raises(ExpiredData):
        await open_share(data.database, token, ShareKind.PICTURE)
