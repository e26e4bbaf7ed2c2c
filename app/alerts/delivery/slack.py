"""Writes alerts for incoming webhooks of Slack and of programs that accept the same format.

Only `text` and `attachments` are used: Mattermost, Rocket.Chat, Discord and Zulip read these, but
not Slack's blocks.

Source: https://docs.slack.dev/messaging/formatting-message-text and
https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

import re
from typing import Any, Final

from app.alerts.composing.content import AlertContent, AlertItem

_COLOURS: Final = {"bad": "#c62828", "warn": "#b26a00", "good": "#2e7d32"}
_MENTION: Final = re.compile(r"(@)(here|channel|all|everyone|group)\b", re.IGNORECASE)
_SHORT: Final = 40
"""The most characters of a value that shares its line with another one."""


def write_slack_message(content: AlertContent) -> dict[str, Any]:
    """Return the body of the request."""
    tail = [f"<{content.more_url}|and {content.more:,} more>"] if content.more else []
    tail.append(f"<{content.rules_url}|Change this alert>")
    return {
        "text": f"*{escape(content.headline)}*",
        "attachments": [
            *(_write_item(item) for item in content.items),
            {"fallback": "", "text": " · ".join(tail), "mrkdwn_in": ["text"]},
        ],
    }


def write_slack_test(name: str, source: str, rules_url: str) -> dict[str, Any]:
    """Return the body of a test message."""
    return {
        "text": (
            f"*{escape(source)}: test of “{escape(name)}”*\n"
            f"Alerts of {escape(source)} will arrive here. <{rules_url}|Change alerts>"
        )
    }


def escape(text: str) -> str:
    """Escape a text so that nothing in it becomes a link, a mention or a command of Slack.

    `<!channel>` in the title of an issue must not wake everybody up.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Other programs read Markdown links and `@here`: a space of no width keeps the text readable.
    return _MENTION.sub("\\1\u200b\\2", escaped).replace("](", "]\u200b(")


def _write_item(item: AlertItem) -> dict[str, Any]:
    links = [f"<{item.url}|Open>"]
    if item.watch_url and item.watch_url != item.url:
        links.append(f"<{item.watch_url}|Watch the 15 s before it>")
    return {
        "fallback": escape(f"{item.title}. {item.why}"),
        "color": _COLOURS.get(item.tone, _COLOURS["bad"]),
        "title": escape(item.title),
        "title_link": item.url,
        "text": f"{escape(item.why)}\n{' · '.join(links)}",
        "fields": [
            {"title": name, "value": escape(value), "short": len(value) <= _SHORT}
            for name, value in item.facts
        ],
        "mrkdwn_in": ["text"],
        **({"image_url": item.picture_url} if item.picture_url else {}),
    }
