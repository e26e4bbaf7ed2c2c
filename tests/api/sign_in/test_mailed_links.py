"""Invitations and links for new passwords by mail, and what they do not tell."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from app.accounts import writes as account_writes
from app.memberships.model import Role
from tests.support.browsers import signed_in, stranger
from tests.support.builders.people import make_person
from tests.support.servers.receivers import MailReceiver, serving_mail
from tests.support.servers.server import Server, running
from tests.support.waiting import until


@pytest.fixture
async def mail(tmp_path: Path) -> AsyncIterator[MailReceiver]:
    """A mail server."""
    with serving_mail() as receiver:
        yield receiver


@pytest.fixture
async def mailing(database_url: str, tmp_path: Path, mail: MailReceiver) -> AsyncIterator[Server]:
    """A server that sends mails."""
    async with running(
        database_url, tmp_path, smtp_url=mail.url, mail_from="Playhead <playhead@example.com>"
    ) as server:
        yield server


async def read_link(mail: MailReceiver, number: int = 0) -> str:
    """Wait for a mail, and return the path of the link in it."""
    await until(lambda: len(mail.mails) > number)
    body = mail.mails[number].get_body(("plain",))
    assert body is not None
    links = re.findall(r"http://127\.0\.0\.1:\d+(/sign-in/\S+)", body.get_content())
    assert len(links) == 1
    return str(links[0])


async def use_link(browser: httpx2.AsyncClient, path: str) -> int:
    """Use a link up; return the status, 303 if it signs in."""
    assert (await browser.get(path)).status_code == 200
    return (await browser.post(path)).status_code


async def test_an_invitation_goes_by_mail_and_lets_in(mailing: Server, mail: MailReceiver):
    """No page shows the link, nothing that is stored holds it, and it works once.

    Nobody ends it by asking for a new password in the name of that person.
    """
    form = {"email": "new@example.com", "project": str(mailing.app.id), "role": "viewer",
            "days": "7", "mail": "yes"}  # fmt: skip
    answer = await mailing.web.post("/server/people/invite", data=form)
    assert answer.headers["location"].endswith("?done=invitation-mailed")
    path = await read_link(mail)
    assert mail.recipients == [["new@example.com"]]
    token = path.rpartition("/")[2]
    async with mailing.database.reading() as connection:
        stored = await connection.scalar(
            text("select string_agg(to_jsonb(m)::text, '') from outbox_messages m")
        )
    assert token not in (stored or "")
    async with stranger(mailing) as browser:
        await browser.post("/sign-in/forgotten", data={"email": "new@example.com"})
        assert await read_link(mail, 1) != path
        assert await use_link(browser, path) == 303
        assert (await browser.get("/projects")).status_code == 200
    async with stranger(mailing) as browser:
        assert (await browser.post(path)).status_code == 410


async def test_a_forgotten_password_is_mailed_and_strangers_learn_nothing(
    mailing: Server, mail: MailReceiver
):
    """The page is the same for everybody; only who may use a password here gets a mail."""
    await make_person(mailing.database, "ada@example.com")
    gone = await make_person(mailing.database, "gone@example.com")
    async with mailing.database.transaction() as connection:
        await account_writes.disable_person(connection, gone.id)
    pages = set()
    async with stranger(mailing) as browser:
        assert "/sign-in/forgotten" in (await browser.get("/sign-in")).text
        for email in ("nobody@example.com", "gone@example.com", "ada@example.com"):
            answer = await browser.post("/sign-in/forgotten", data={"email": email})
            assert answer.status_code == 200
            pages.add(answer.text.replace(email, "…"))
        path = await read_link(mail)
        assert len(pages) == 1
        assert mail.recipients == [["ada@example.com"]]
        assert await use_link(browser, path) == 303


async def test_nobody_is_flooded_with_links(mailing: Server, mail: MailReceiver):
    """A person gets three mails in an hour, and a network asks ten times in a quarter of one."""
    await make_person(mailing.database, "ada@example.com")
    async with stranger(mailing) as browser:
        statuses = [
            (
                await browser.post("/sign-in/forgotten", data={"email": "ADA@example.com"})
            ).status_code
            for _ in range(12)
        ]
    assert statuses == [200] * 10 + [429] * 2
    await until(lambda: len(mail.mails) == 3)
    async with mailing.database.reading() as connection:
        assert await connection.scalar(text("select count(*) from outbox_messages")) == 3


async def test_an_admin_of_a_project_learns_nothing_from_a_mail(
    mailing: Server, mail: MailReceiver
):
    """An invitation to a project is the same mail for strangers and for people of the server."""
    admin = await make_person(mailing.database, "admin@example.com")
    await make_person(mailing.database, "ada@example.com")
    path = f"/projects/{mailing.app.id}/settings/members"
    async with signed_in(mailing, admin, role=Role.ADMIN) as browser:
        for email in ("ada@example.com", "nobody@example.com"):
            answer = await browser.post(path, data={"email": email, "role": "viewer"})
            assert answer.headers["location"].endswith("?done=invitation-mailed")
    await until(lambda: len(mail.mails) == 2)
    bodies = {str(each.get_body(("plain",))).split("\n\n", 1)[1] for each in mail.mails}
    assert len(bodies) == 1
    assert "/projects" in bodies.pop()


async def test_without_a_mail_server_everything_is_as_before(server: Server):
    """Links are shown to admins, and the form for a forgotten password says whom to ask."""
    form = {"email": "new@example.com", "days": "7", "mail": "yes"}
    answer = await server.web.post("/server/people/invite", data=form)
    assert "It is shown only now" in answer.text
    async with stranger(server) as browser:
        assert "sends no mail" in (await browser.get("/sign-in/forgotten")).text
        answer = await browser.post("/sign-in/forgotten", data={"email": "new@example.com"})
        assert "sends no mail" in answer.text
    async with server.database.reading() as connection:
        assert await connection.scalar(text("select count(*) from outbox_messages")) == 0
