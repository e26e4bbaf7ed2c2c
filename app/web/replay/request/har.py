"""Writes the requests of a replay as a HAR file, which the tools of browsers and many others open.

Fields that no SDK records (versions, cookies, phases) are -1 or empty.

Source: HTTP Archive 1.2.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from app import __version__
from app.core import units
from app.formats.replay import exchange
from app.formats.replay.activity import NetworkSpan
from app.formats.replay.exchange import HttpMessage, Pair
from app.playback.recording.contents import ReplayContents
from app.replays import naming
from app.web.replay.panels.request_rows import pick_requests

_UNKNOWN: Final = -1


def make_har(contents: ReplayContents) -> dict[str, Any]:
    """Describe the requests of a replay as a HAR value; one page stands for the replay."""
    user = naming.name_user(contents.outline.replay.user) or "unknown user"
    return describe_requests(
        pick_requests(contents.spans),
        title=f"Replay of {user}",
        started_ms=contents.outline.zero_ms,
    )


def describe_requests(
    spans: Sequence[NetworkSpan], *, title: str, started_ms: int
) -> dict[str, Any]:
    """Describe requests as a HAR value.

    Args:
        spans: Requests in time order.
        title: The title of the page that they belong to.
        started_ms: The start of this page, in milliseconds since 1970.
    """
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "Playhead", "version": __version__},
            "pages": [
                {
                    "startedDateTime": _write_time(started_ms),
                    "id": "replay",
                    "title": title,
                    "pageTimings": {},
                }
            ],
            "entries": [_describe_entry(span) for span in spans],
        }
    }


def _describe_entry(span: NetworkSpan) -> dict[str, Any]:
    recorded = exchange.read_exchange(span.data, span.url)
    took_ms = _UNKNOWN if span.ended_ms is None else span.ended_ms - span.at_ms
    return {
        "pageref": "replay",
        "startedDateTime": _write_time(span.at_ms),
        "time": max(0, took_ms),
        "request": {
            "method": span.method or "GET",
            "url": span.url or "",
            "httpVersion": "",
            "cookies": [],
            "headers": _write_pairs(recorded.request.headers if recorded.request else ()),
            "queryString": _write_pairs(recorded.query),
            **_describe_post_data(recorded.request),
            "headersSize": _UNKNOWN,
            "bodySize": _UNKNOWN if span.request_bytes is None else span.request_bytes,
        },
        "response": _describe_response(span, recorded.response),
        "cache": {},
        "timings": {"send": 0, "wait": max(0, took_ms), "receive": 0},
        **_describe_cuts(recorded.request, recorded.response),
    }


def _describe_response(span: NetworkSpan, message: HttpMessage | None) -> dict[str, Any]:
    size_bytes = _UNKNOWN if span.response_bytes is None else span.response_bytes
    content: dict[str, Any] = {"size": max(0, size_bytes), "mimeType": ""}
    if message is not None:
        content["mimeType"] = message.content_type or ""
        if message.body is not None:
            content["text"] = exchange.write_body(message.body)
    return {
        "status": span.status or 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": _write_pairs(message.headers if message else ()),
        "content": content,
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": size_bytes,
    }


def _describe_post_data(message: HttpMessage | None) -> dict[str, Any]:
    if message is None or message.body is None:
        return {}
    text = exchange.write_body(message.body)
    return {"postData": {"mimeType": message.content_type or "", "params": [], "text": text}}


def _describe_cuts(*messages: HttpMessage | None) -> dict[str, str]:
    """Name what the SDK cut, so that nobody who reads the file takes a part for the whole."""
    cut = [warning for message in messages if message for warning in message.warnings]
    return {"comment": f"The SDK notes: {', '.join(cut)}"} if cut else {}


def _write_pairs(pairs: Iterable[Pair]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _write_time(ms: int) -> str:
    return units.at_from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
