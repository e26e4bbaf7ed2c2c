"""The requests of a replay as a HAR file, which browsers' tools and many others open.

What no SDK records (versions, cookies, phases) is -1 or empty.

Source: HTTP Archive 1.2.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from app import __version__
from app.core import units
from app.formats.replay import exchange
from app.formats.replay.activity import NetworkSpan
from app.formats.replay.exchange import HttpMessage, Pair

_UNKNOWN: Final = -1


def har(spans: Sequence[NetworkSpan], *, title: str, started_ms: int) -> dict[str, Any]:
    """Describe requests as a HAR value; one page stands for the replay.

    Args:
        spans: Requests in time order.
        title: Of the replay.
        started_ms: Its start, in milliseconds since 1970.
    """
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "Playhead", "version": __version__},
            "pages": [
                {
                    "startedDateTime": _iso(started_ms),
                    "id": "replay",
                    "title": title,
                    "pageTimings": {},
                }
            ],
            "entries": [_entry(span) for span in spans],
        }
    }


def _entry(span: NetworkSpan) -> dict[str, Any]:
    found = exchange.read_exchange(span.data, span.url)
    took_ms = _UNKNOWN if span.ended_ms is None else span.ended_ms - span.at_ms
    return {
        "pageref": "replay",
        "startedDateTime": _iso(span.at_ms),
        "time": max(0, took_ms),
        "request": {
            "method": span.method or "GET",
            "url": span.url or "",
            "httpVersion": "",
            "cookies": [],
            "headers": _pairs(found.request.headers if found.request else ()),
            "queryString": _pairs(found.query),
            **_posted(found.request),
            "headersSize": _UNKNOWN,
            "bodySize": _UNKNOWN if span.request_bytes is None else span.request_bytes,
        },
        "response": _response(span, found.response),
        "cache": {},
        "timings": {"send": 0, "wait": max(0, took_ms), "receive": 0},
        **_comment(found.request, found.response),
    }


def _response(span: NetworkSpan, half: HttpMessage | None) -> dict[str, Any]:
    size_bytes = _UNKNOWN if span.response_bytes is None else span.response_bytes
    content: dict[str, Any] = {"size": max(0, size_bytes), "mimeType": ""}
    if half is not None:
        content["mimeType"] = half.content_type or ""
        if half.body is not None:
            content["text"] = exchange.write_body(half.body)
    return {
        "status": span.status or 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": _pairs(half.headers if half else ()),
        "content": content,
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": size_bytes,
    }


def _posted(half: HttpMessage | None) -> dict[str, Any]:
    if half is None or half.body is None:
        return {}
    text = exchange.write_body(half.body)
    return {"postData": {"mimeType": half.content_type or "", "params": [], "text": text}}


def _comment(*halves: HttpMessage | None) -> dict[str, str]:
    """Say what the SDK cut: whoever reads the file must not take a part for the whole."""
    cut = [warning for half in halves if half for warning in half.warnings]
    return {"comment": f"The SDK notes: {', '.join(cut)}"} if cut else {}


def _pairs(pairs: Iterable[Pair]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _iso(ms: int) -> str:
    return units.at_from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
