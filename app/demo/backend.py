"""The made-up shop's backend, seen by the Python SDK: transactions, spans, and one error.

Each request of the app continues its trace here; the baggage carries the replay's id along.
"""

from typing import Final

from app.demo.phone import Dice
from app.demo.session import BACKEND, OutgoingItem, Session, make_json_item
from app.demo.shop import ORDER
from app.demo.usage_log import AppRequest, DemoScreenVisit
from app.formats.jsonish import JsonObject

_TRAVEL_MS: Final = 28
"""The time that a request and its answer each spend on the network."""
_PRECISION: Final = "microseconds"


def transaction_item(
    session: Session, visit: DemoScreenVisit, request: AppRequest, event_id: str, dice: Dice
) -> OutgoingItem:
    """Make the transaction of one request, as the backend measured it."""
    started_ms = request.started_ms + _TRAVEL_MS
    took_ms = request.ended_ms - _TRAVEL_MS - started_ms
    payload = _payload(visit, request, event_id)
    spans: list[JsonObject] = []
    # Start and end of an operation are shares of the time that its route takes.
    route = f"{request.method} {request.route} {request.status}"
    for op, description, start, end, *status in BACKEND["operations"][route]:
        spans.append({
            "trace_id": visit.trace_id, "span_id": dice.draw_id(64),
            "parent_span_id": payload["contexts"]["trace"]["span_id"],
            "op": op, "description": description, "status": (*status, "ok")[0],
            "origin": BACKEND["origins"][op.partition(".")[0]],
            "start_timestamp": session.iso(started_ms + round(took_ms * start), _PRECISION),
            "timestamp": session.iso(started_ms + round(took_ms * end), _PRECISION),
            "data": _span_data(op, description),
        })  # fmt: skip
    payload |= {
        "type": "transaction", "transaction_info": {"source": "route"}, "spans": spans,
        "start_timestamp": session.iso(started_ms, _PRECISION),
        "timestamp": session.iso(started_ms + took_ms, _PRECISION),
        "tags": {"http.status_code": str(request.status)},
    }  # fmt: skip
    return make_json_item("transaction", payload)


def error_item(
    session: Session, visit: DemoScreenVisit, request: AppRequest, event_id: str
) -> OutgoingItem:
    """Make the error that became the app's HTTP 500."""
    cause = {"type": "chained", "handled": False, "exception_id": 1, "parent_id": 0}
    timeout = {"type": "ReadTimeout", "value": "timed out", "module": "httpx", "mechanism": cause}
    raised = {
        "type": "GatewayTimeout", "value": f"no answer for order {ORDER} within 2.0 s",
        "module": "verdant.gateway", "stacktrace": {"frames": BACKEND["frames"]},
        "mechanism": {"type": "fastapi", "handled": False, "exception_id": 0},
    }  # fmt: skip
    crumb = {
        "type": "log", "category": "verdant.payments", "level": "info",
        "message": f"charging card for order {ORDER}",
        "timestamp": session.iso(request.started_ms + 260, _PRECISION),
    }  # fmt: skip
    payload = _payload(visit, request, event_id) | {
        "level": "error", "exception": {"values": [timeout, raised]},
        "timestamp": session.iso(request.ended_ms - _TRAVEL_MS - 12, _PRECISION),
        "breadcrumbs": {"values": [crumb]},
    }  # fmt: skip
    return make_json_item("event", payload)


def _span_data(op: str, description: str) -> JsonObject:
    match op:
        case "db":
            return {"db.system": "postgresql", "db.name": "verdant"}
        case "cache.get":
            return {"cache.key": [description], "cache.hit": description == "session:u"}
        case "http.client":
            method, _, url = description.partition(" ")
            return {"http.method": method, "url": url}
        case _:
            return {}


def _payload(visit: DemoScreenVisit, request: AppRequest, event_id: str) -> JsonObject:
    """Make the fields that the transaction and the error of a request share."""
    # The backend's span of a request is other than the app's; its id is derived from it.
    span_id = f"{int(request.span_id, 16) ^ 0xA5A5_A5A5_A5A5_A5A4:016x}"
    trace = {
        "trace_id": visit.trace_id, "span_id": span_id,
        "parent_span_id": request.span_id, "op": "http.server", "origin": "auto.http.starlette",
        "status": "internal_error" if request.has_failed else "ok",
        "data": {"http.response.status_code": request.status},
    }  # fmt: skip
    described = {
        "method": request.method, "url": request.url, "env": {"REMOTE_ADDR": "127.0.0.1"},
        "headers": {"host": "api.verdant.example", "user-agent": "okhttp/4.12.0"},
    }  # fmt: skip
    return {
        **BACKEND["scope"], "event_id": event_id, "transaction": request.route,
        "request": described | ({"data": request.sent} if request.sent else {}),
        "contexts": {
            "trace": trace, "response": {"status_code": request.status},
            "runtime": {"name": "CPython", "version": "3.12.8"},
        },
    }  # fmt: skip
