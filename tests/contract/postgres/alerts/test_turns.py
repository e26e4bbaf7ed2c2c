"""Whose message is sent next, how many tests there are, and of which projects a rule may tell."""

import secrets

import pytest
from sqlalchemy import text

from app.alerts import rules
from app.alerts.editing import edit_rules, edit_targets
from app.alerts.editing.edit_targets import TargetForm
from app.alerts.editing.scope import AlertScope
from app.alerts.model import AlertTarget, RuleKind, TargetKind
from app.alerts.reach import list_readable
from app.core.errors import InvalidInput
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.memberships import writes as memberships
from app.memberships.model import Role
from app.messages import outbox
from app.messages.model import MessageKind, NewMessage
from app.outbound.allowed_hosts import AllowedHosts
from tests.support.builders.alerts import ADDRESSES, SENDER, add_rule, add_target
from tests.support.builders.people import make_person
from tests.support.servers.server import keyed


async def put(
    database: Database,
    kind: MessageKind,
    title: str,
    *,
    project_id: ProjectId | None = None,
    target_id: int | None = None,
) -> None:
    """Put a message into the outbox."""
    message = NewMessage(
        kind, title, {}, secrets.token_hex(16), project_id=project_id, target_id=target_id
    )
    async with database.transaction() as connection:
        await outbox.add_messages(connection, [message])


async def claim_all(database: Database) -> list[str]:
    """Claim what may be on its way at once; returns the titles in order."""
    titles: list[str] = []
    while True:
        async with database.transaction() as connection:
            message = await outbox.claim_message(connection, SENDER)
        if message is None:
            return titles
        titles.append(message.title)


async def test_a_project_leaves_turns_to_others(database: Database):
    """Two alerts of a project are on their way at once; persons and the server come first."""
    shop, other = (await keyed(database, "Shop")).id, (await keyed(database, "Other")).id
    for number in range(5):
        await put(database, MessageKind.ALERT, "shop", project_id=shop, target_id=100 + number)
    await put(database, MessageKind.ALERT, "other", project_id=other, target_id=200)
    await put(database, MessageKind.ALERT, "server", target_id=300)
    await put(database, MessageKind.PASSWORD, "password")
    await put(database, MessageKind.PROJECT_INVITATION, "invitation", project_id=shop)
    claimed = await claim_all(database)
    assert claimed == ["server", "password", "invitation", "shop", "shop", "other"]


async def test_tests_are_counted_for_the_project(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Targets that are made anew give no further tests."""
    shop = (await keyed(database, "Shop")).id
    scope = AlertScope(await make_person(database), shop, "Shop")
    monkeypatch.setattr(edit_targets, "_TESTS_OF_PROJECT", 3)

    async def test_anew(number: int) -> None:
        target = await add_target(database, shop, f"https://hook.example/{number}")
        await edit_targets.send_test(
            database, scope, target.id, ADDRESSES, hurry=lambda: None, patience_s=0
        )

    for number in range(3):
        await test_anew(number)
    with pytest.raises(InvalidInput, match="many tests"):
        await test_anew(3)


async def test_a_rule_has_the_view_of_the_admin_who_changed_it_last(database: Database):
    """Who changes what is told, or where it goes, is not told of projects that are not theirs."""
    shop, backend = (await keyed(database, "Shop")).id, (await keyed(database, "Backend")).id
    maker = await make_person(database, "maker@example.com")
    other = await make_person(database, "other@example.com")
    async with database.transaction() as connection:
        await memberships.set_member(connection, backend, maker.id, Role.OWNER)
    target = await add_target(database, shop, "https://hook.example", TargetKind.WEBHOOK)
    unused = await add_target(database, shop, "https://other.example", TargetKind.WEBHOOK)
    rule = await add_rule(database, shop, RuleKind.NEW_ISSUE, target, made_by=maker.id)
    scope, scope_of_maker = AlertScope(other, shop, "Shop"), AlertScope(maker, shop, "Shop")
    chosen = [str(target.id)]

    async def move_target(moved: AlertTarget, address: str) -> None:
        form = TargetForm(moved.kind, address, "Team")
        await edit_targets.change_target(
            database, scope, moved.id, form, is_on=True, allowed=AllowedHosts.read([])
        )

    async def read_reach() -> list[ProjectId]:
        async with database.reading() as connection:
            return await list_readable(connection, await rules.get_rule(connection, shop, rule.id))

    # Nothing of this changes what is told or where it goes.
    await edit_rules.switch_rule(database, scope, rule.id, is_on=False)
    await edit_rules.switch_rule(database, scope, rule.id, is_on=True)
    await move_target(target, "")
    await move_target(unused, "https://elsewhere.example/x")
    assert await read_reach() == sorted([shop, backend])
    await move_target(target, "https://elsewhere.example/y")
    assert await read_reach() == [shop]
    await edit_rules.change_rule(database, scope_of_maker, rule.id, {}, chosen)
    assert await read_reach() == sorted([shop, backend])
    await edit_rules.change_rule(database, scope, rule.id, {}, chosen)
    assert await read_reach() == [shop]


async def test_a_rule_tells_what_its_maker_may_read(database: Database):
    """A rule loses the projects that its maker loses, but keeps its own project."""
    shop, backend = (await keyed(database, "Shop")).id, (await keyed(database, "Backend")).id
    await keyed(database, "Secret")
    maker = (await make_person(database, "maker@example.com")).id
    owner = (await make_person(database, "owner@example.com")).id
    async with database.transaction() as connection:
        await memberships.set_member(connection, backend, owner, Role.OWNER)
        await memberships.set_member(connection, backend, maker, Role.VIEWER)
    target = await add_target(database, shop, "https://hook.example", TargetKind.WEBHOOK)
    rule = await add_rule(database, shop, RuleKind.NEW_ISSUE, target, made_by=maker)
    gone = await add_rule(database, shop, RuleKind.NEW_ISSUE, target, made_by=PersonId(10**9))
    async with database.reading() as connection:
        assert await list_readable(connection, rule) == sorted([shop, backend])
        assert await list_readable(connection, gone) == [shop]
    async with database.transaction() as connection:
        await connection.execute(text("update people set disabled_at = now()"))
    async with database.reading() as connection:
        assert await list_readable(connection, rule) == [shop]
