"""Writes the mails of this server: alerts, tests, invitations and links for a new password."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from app.alerts.composing.addresses import MessageAddresses
from app.alerts.composing.content import AlertContent, AlertItem
from app.mail.server import OutgoingMail

_FOOT: Final = "--\nYou get this mail because somebody wrote your address into the alerts of {}."


def write_alert_mail(content: AlertContent, to: str, key: str) -> OutgoingMail:
    """Write an alert as a mail."""
    parts = [_write_item(item) for item in content.items]
    if content.more:
        parts.append(f"And {content.more:,} more: {content.more_url}")
    parts.append(f"{_FOOT.format(content.source)}\nChange these alerts: {content.rules_url}")
    html = "".join(_write_html_item(item) for item in content.items)
    if content.more:
        html += f'<p><a href="{escape(content.more_url)}">And {content.more:,} more</a></p>'
    foot = escape(_FOOT.format(content.source).removeprefix("--\n"))
    html += (
        f'<p style="color:#666">{foot}'
        f' <a href="{escape(content.rules_url)}">Change these alerts</a></p>'
    )
    return OutgoingMail(to, content.headline, "\n\n".join(parts) + "\n", key, html=_wrap_html(html))


def write_test_mail(name: str, source: str, rules_url: str, to: str, key: str) -> OutgoingMail:
    """Write the mail that tests a target."""
    text = (
        f"This is a test of “{name}”. Alerts of {source} will arrive at this address.\n\n"
        f"{_FOOT.format(source)}\nChange these alerts: {rules_url}\n"
    )
    return OutgoingMail(to, f"{source}: test of “{name}”", text, key)


def write_invitation_mail(
    content: Mapping[str, Any], token: str, addresses: MessageAddresses, to: str, key: str
) -> OutgoingMail:
    """Write the mail to a new person, with a link that signs them in once."""
    host = addresses.base_url.partition("://")[2]
    text = (
        f"{_name_inviter(content)} has made an account for you on {host}, a Playhead server, where"
        " recordings of your apps can be watched.\n\n"
        "This link signs you in once, and lets you choose a password:\n\n"
        f"{addresses.sign_in_link(token)}\n\n"
        f"It works for {_write_days(content)}. Keep it to yourself: whoever has it can sign in as"
        " you.\n"
    )
    return OutgoingMail(to, f"Your account on {host}", text, key)


def write_project_invitation_mail(
    content: Mapping[str, Any], addresses: MessageAddresses, to: str, key: str
) -> OutgoingMail:
    """Write the mail that tells somebody of an invitation to a project.

    It reads the same whether or not the address has an account, and has no link that signs in.
    """
    project = str(content.get("project", "a project"))
    text = (
        f"{_name_inviter(content)} invites you to the project “{project}”. Sign in with this"
        " address, and accept or decline the invitation on the page Projects:\n\n"
        f"{addresses.base_url}{addresses.projects_path}\n\n"
        "If you have no account there yet, an admin of the server can make one. The invitation"
        " stands for 30 days.\n"
    )
    return OutgoingMail(to, f"Invitation to the project “{project}”", text, key)


def write_password_mail(
    content: Mapping[str, Any], token: str, addresses: MessageAddresses, to: str, key: str
) -> OutgoingMail:
    """Write the mail that lets somebody choose a new password."""
    host = addresses.base_url.partition("://")[2]
    text = (
        f"Somebody, most likely you, asked for a new password on {host}.\n\n"
        "This link signs you in once, and lets you choose one:\n\n"
        f"{addresses.sign_in_link(token)}\n\n"
        f"It works for {_write_days(content)}. If you have not asked for it, ignore this mail: your"
        " password stays as it is.\n"
    )
    return OutgoingMail(to, f"New password on {host}", text, key)


def _write_item(item: AlertItem) -> str:
    lines = [item.title, item.why]
    lines += [f"{name}: {value}" for name, value in item.facts]
    lines.append(item.url)
    if item.watch_url and item.watch_url != item.url:
        lines.append(f"Watch the 15 s before it: {item.watch_url}")
    if item.picture_url:
        lines.append(f"Picture: {item.picture_url}")
    return "\n".join(lines)


def _write_html_item(item: AlertItem) -> str:
    facts = "".join(
        f'<tr><td style="color:#666;padding-right:1em">{escape(name)}</td>'
        f"<td>{escape(value)}</td></tr>"
        for name, value in item.facts
    )
    links = [f'<a href="{escape(item.url)}">Open</a>']
    if item.watch_url and item.watch_url != item.url:
        links.append(f'<a href="{escape(item.watch_url)}">Watch the 15 s before it</a>')
    return (
        f'<p><strong><a href="{escape(item.url)}">{escape(item.title)}</a></strong><br>'
        f"{escape(item.why)}</p>{_write_picture(item)}<table>{facts}</table>"
        f"<p>{' · '.join(links)}</p><hr>"
    )


def _write_picture(item: AlertItem) -> str:
    """Write the picture of a replay; its height is limited, since phones are held upright."""
    if not item.picture_url:
        return ""
    return (
        f'<p><a href="{escape(item.watch_url or item.url)}"><img src="{escape(item.picture_url)}"'
        ' alt="The screen at that moment" height="320"'
        ' style="height:auto;max-height:320px;max-width:100%;border:1px solid #ccc"></a></p>'
    )


def _wrap_html(html: str) -> str:
    return (
        '<!doctype html><html><body style="font:15px/1.5 system-ui,sans-serif">'
        f"{html}</body></html>\n"
    )


def _name_inviter(content: Mapping[str, Any]) -> str:
    return str(content.get("by") or "An admin")


def _write_days(content: Mapping[str, Any]) -> str:
    days = int(content.get("days", 1))
    return "a day" if days == 1 else f"{days} days"
