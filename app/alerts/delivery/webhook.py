"""Writes and signs alerts in the format of Standard Webhooks, for programs that people write.

    webhook-id         the key of the message: the same when it is sent again
    webhook-timestamp  the time of this try, in seconds
    webhook-signature  v1,base64(HMAC-SHA256(secret, id.timestamp.body)); two while a secret changes

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from app.alerts.composing.content import AlertContent
from app.alerts.targets import SECRET_PREFIX

TYPES: Final = {
    "new_issue": "issue.new",
    "returned_issue": "issue.returned",
    "first_crash": "release.first_crash",
    "spike": "project.spike",
    "issue_spike": "issue.spike",
    "crash_free": "release.crash_free",
    "query": "replay.matched",
    "silence": "project.silence",
    "disk": "server.disk",
    "limited": "server.limited",
    "quarantine": "server.quarantine",
    "backlog": "server.backlog",
    "process": "server.process",
}
"""The types of messages by the kinds of rules."""


def write_webhook_body(content: AlertContent) -> dict[str, Any]:
    """Return the body of the request."""
    return {
        "type": TYPES.get(content.kind, content.kind),
        "timestamp": content.found_at,
        "data": {
            "headline": content.headline,
            "project": {"id": content.project_id, "name": content.source}
            if content.project_id
            else None,
            "items": [
                {
                    "title": item.title,
                    "why": item.why,
                    "url": item.url,
                    "watch_url": item.watch_url or None,
                    "picture_url": item.picture_url or None,
                    "facts": dict(item.facts),
                    "over": item.is_over,
                    **item.ids,
                }
                for item in content.items
            ],
            "more": content.more,
            "summary": content.is_summary,
        },
    }


def write_webhook_test(name: str, source: str, made_at: datetime) -> dict[str, Any]:
    """Return the body of a test message."""
    return {
        "type": "test",
        "timestamp": made_at.isoformat(),
        "data": {"headline": f"{source}: test of “{name}”"},
    }


def sign(key: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers that sign a message, with each of some secrets."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((key.encode(), timestamp.encode(), body))
    signatures = [
        base64.b64encode(
            hmac.new(
                base64.b64decode(secret.removeprefix(SECRET_PREFIX)), signed, hashlib.sha256
            ).digest()
        ).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": key,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
